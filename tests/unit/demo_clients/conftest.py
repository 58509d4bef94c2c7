"""One client in front of two real servers on loopback."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import fakeredis
import pytest
from aiohttp.test_utils import TestClient, TestServer
from fakes.authorization_server import FakeAuthorizationServer
from fakes.client_world import PUBLIC_URL, Browser, MakeWorld, Time, World, introduce, make_settings
from fakes.resource_server import FakeResourceServer
from fakes.wire import held_port, on_loopback

from demo_clients.app import build_app


@pytest.fixture
async def make_world() -> AsyncIterator[MakeWorld]:
    """`await make_world("dynamic", public_url=…)`: one client and its servers.

    reachable: the client is served at its public URL, so that it can call itself
    """
    async with AsyncExitStack() as stack:

        async def make(kind: str = "dynamic", *, reachable: bool = False, **settings: str) -> World:
            issuer = FakeAuthorizationServer()
            resource = FakeResourceServer(issuer)
            issuer.origin = await stack.enter_async_context(on_loopback(issuer.app()))
            resource.origin = await stack.enter_async_context(on_loopback(resource.app()))
            taking_it: dict[str, Any] = {}
            if reachable:
                port, taking_it = stack.enter_context(held_port())
                settings["public_url"] = f"http://127.0.0.1:{port}"
            introduce(issuer, kind, settings.get("public_url", PUBLIC_URL))
            redis = fakeredis.FakeAsyncRedis(decode_responses=True)
            stack.push_async_callback(redis.aclose)
            session = await stack.enter_async_context(_plain_session())
            time = Time()
            app = build_app(
                make_settings(issuer, resource, kind, **settings),
                redis=redis,
                session=session,
                clock=time,
            )
            client = await stack.enter_async_context(TestClient(TestServer(app, **taking_it)))
            outside = await stack.enter_async_context(aiohttp.ClientSession())
            return World(issuer, resource, redis, time, Browser(client, outside))

        yield make


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world()


@pytest.fixture
async def reachable_world(make_world: MakeWorld) -> World:
    """A client that reaches itself, with a visitor who is logged in."""
    world = await make_world(reachable=True)
    await world.browser.do("log-in")
    return world


def _plain_session() -> aiohttp.ClientSession:
    """Without certificate authorities, whose loading takes longer than most tests."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=5), cookie_jar=aiohttp.DummyCookieJar()
    )
