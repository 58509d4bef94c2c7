"""The bridge on fakeredis, before a fake provider and a fake registrar."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import fakeredis
import pytest
import time_machine
from aiohttp.test_utils import TestServer
from fakes.bridge_harness import ISSUER, RESOURCE, Bridge, FakeClock, FakeRegistrar
from fakes.fake_provider import ISSUER as PROVIDER_ISSUER
from fakes.fake_provider import FakeProvider

from cimd_bridge.app import build_app
from cimd_bridge.background import Background
from cimd_bridge.settings import Settings
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.rules.client_authentication import hash_secret

CLIENTS_TOML = f"""
[[clients]]
client_id = "demo"
name = "Demo"
secret_hash = "{hash_secret("demo-secret")}"
redirect_uris = ["http://localhost:3000/callback"]
scopes = ["mcp-api/read", "mcp-api/write"]

[[clients]]
client_id = "house"
name = "House client"
trusted = true
secret_hash = "{hash_secret("house-secret")}"
redirect_uris = ["https://house.example/callback"]

[[clients]]
kind = "resource_server"
client_id = "the-resource"
secret_hash = "{hash_secret("resource-secret")}"
resource = "{RESOURCE}"

[[clients]]
kind = "resource_server"
client_id = "other-resource"
secret_hash = "{hash_secret("other-secret")}"
resource = "https://other.example/mcp"
"""

MakeBridge = Callable[..., Awaitable[Bridge]]


@pytest.fixture
async def make_bridge(aiohttp_client: Any, tmp_path: Path) -> AsyncIterator[MakeBridge]:
    """Build a bridge; settings by keyword replace the defaults below."""
    servers: list[TestServer] = []
    sessions: list[aiohttp.ClientSession] = []
    backgrounds: list[Background] = []

    async def make(
        *, redis: Any = None, provider: Any = None, provider_name: str = "cognito", **changes: Any
    ) -> Bridge:
        provider = provider or FakeProvider()
        registrar = FakeRegistrar()
        for application in (provider.application(), registrar.application()):
            server = TestServer(application, host="127.0.0.1")
            await server.start_server()
            servers.append(server)
        idp, internal = (str(server.make_url("")).rstrip("/") for server in servers[-2:])
        (tmp_path / "clients.toml").write_text(CLIENTS_TOML)
        settings = Settings(
            **{
                "environment": "development",
                "redis_url": "unix:///nonexistent/valkey.sock",
                "issuer": ISSUER,
                "resource": RESOURCE,
                "rate_limits": "off",
                "master_keys": KeyRing.generate("m1"),
                "upstream_keys": KeyRing.generate("u1"),
                "internal_token": registrar.token,
                "registrar_internal_url": internal,
                "preregistered_clients_file": tmp_path / "clients.toml",
                "provider": provider_name,
                "provider_issuer": PROVIDER_ISSUER,
                "provider_client_id": "shared",
                "provider_client_secret": "shared-secret",
                "provider_authorize_url": "https://idp.example/oauth2/authorize",
                "provider_token_url": f"{idp}/token",
                "provider_jwks_url": f"{idp}/jwks",
                "provider_revoke_url": f"{idp}/revoke",
                "provider_logout_url": "https://idp.example/logout",
                **changes,
            }
        )
        store = redis or fakeredis.FakeAsyncRedis(decode_responses=True)
        clock = FakeClock(int(time.time()))
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5))
        sessions.append(session)
        background = Background()
        backgrounds.append(background)
        app = build_app(
            settings,
            redis=store,
            session=session,
            ports=None,
            clock=clock,
            background=background,
        )
        cookies = aiohttp.CookieJar(unsafe=True)
        http = await aiohttp_client(app, cookie_jar=cookies)
        return Bridge(http, store, provider, registrar, clock, background, settings)

    yield make
    for background in backgrounds:
        await background.drain()
    for session in sessions:
        await session.close()
    for server in servers:
        await server.close()


@pytest.fixture
async def bridge(make_bridge: MakeBridge) -> Bridge:
    return await make_bridge()


@pytest.fixture
def still_time() -> Iterator[None]:
    """The wall clock stands: windows of rate limits do not slide while a test counts."""
    with time_machine.travel(time.time(), tick=False):
        yield
