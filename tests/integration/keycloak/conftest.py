"""Two bridges and a registrar on real Valkey, in front of a real Keycloak."""

import base64
import hashlib
import json
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
import redis.asyncio
from fakes.keycloak_process import ROTATING_REALM, Keycloak, running_keycloak
from fakes.processes import free_ports, running

from authstack.smoke.login import ScriptedPerson
from oauth_kit.crypto.key_ring import KeyRing

USERNAME = "demo@example.com"
PASSWORD = "Demo-Passw0rd-1!"
RESOURCE = "http://localhost:3001/mcp"
REDIRECT_URI = "http://localhost:9999/cb"
SCOPE = "mcp-api/read mcp-api/write"
# one store for both realms, so one set of keys
MASTER_KEYS, UPSTREAM_KEYS = KeyRing.generate("m1"), KeyRing.generate("u1")


@dataclass(frozen=True)
class Ports:
    bridges: tuple[int, int]
    bridge_managements: tuple[int, int]
    registrar: int
    registrar_management: int
    registrar_internal: int

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.bridges[0]}"


@dataclass(frozen=True)
class Stack:
    """realm: the one that stands behind the bridges"""

    keycloak: Keycloak
    realm: str
    ports: Ports
    http: aiohttp.ClientSession
    redis: redis.asyncio.Redis
    logs: tuple[Path, ...]

    async def register(self, name: str) -> str:
        registration = {
            "client_name": name,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
        url = f"http://localhost:{self.ports.registrar}/register"
        async with self.http.post(url, json=registration) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["client_id"])

    async def tokens(self, client_id: str, browser: aiohttp.ClientSession) -> dict[str, Any]:
        """Consent, log-in where Keycloak asks for it, code, tokens."""
        verifier = secrets.token_urlsafe(48)
        person = ScriptedPerson(browser, USERNAME, PASSWORD)
        url = self.authorization_url(client_id, verifier)
        arrived = await person.log_in(url, REDIRECT_URI, _untimed)
        return await self.redeem(client_id, verifier, arrived)

    def authorization_url(self, client_id: str, verifier: str) -> str:
        digest = hashlib.sha256(verifier.encode()).digest()
        question = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "st",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "resource": RESOURCE,
        }
        return f"{self.ports.issuer}/authorize?{urlencode(question)}"

    async def redeem(self, client_id: str, verifier: str, arrived: str) -> dict[str, Any]:
        answer = dict(parse_qsl(urlsplit(arrived).query))
        assert (answer["state"], answer["iss"]) == ("st", self.ports.issuer)
        status, tokens = await self.post(
            "/token",
            grant_type="authorization_code",
            code=answer["code"],
            code_verifier=verifier,
            redirect_uri=REDIRECT_URI,
            client_id=client_id,
        )
        assert status == 200, tokens
        return tokens

    async def refresh(
        self, client_id: str, token: str, *, replica: int = 0
    ) -> tuple[int, dict[str, Any]]:
        return await self.post(
            "/token",
            replica,
            grant_type="refresh_token",
            refresh_token=token,
            client_id=client_id,
        )

    async def revoke(self, client_id: str, token: str) -> None:
        status, _ = await self.post("/revoke", token=token, client_id=client_id)
        assert status == 200

    async def post(self, path: str, replica: int = 0, **form: str) -> tuple[int, dict[str, Any]]:
        url = f"http://127.0.0.1:{self.ports.bridges[replica]}{path}"
        async with self.http.post(url, data=form) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body else {}

    async def a_minute_later(self) -> None:
        """What the registrar learnt from Keycloak is to be asked again."""
        for key in await self.redis.keys("*:upstream:checked:*"):
            await self.redis.delete(key)

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [line for log in self.logs for line in log.read_text().splitlines()]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in found if event.get("event") == name]


@pytest.fixture(scope="session")
def ports() -> Ports:
    one, two, three, four, *registrar = free_ports(7)
    return Ports((one, two), (three, four), *registrar)


@pytest.fixture(scope="session")
def keycloak(ports: Ports) -> Iterator[Keycloak]:
    with running_keycloak(ports.issuer) as keycloak:
        yield keycloak


@pytest.fixture(scope="module", params=["mcp", ROTATING_REALM])
def services(
    request: pytest.FixtureRequest,
    keycloak: Keycloak,
    ports: Ports,
    valkey_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """The realm and the logs of what runs in front of it."""
    folders = tuple(tmp_path_factory.mktemp(name) for name in ("registrar", "one", "two"))
    shared = _environment(keycloak, request.param, ports, valkey_url)
    registrar = {
        "PORT": str(ports.registrar),
        "INTERNAL_PORT": str(ports.registrar_internal),
        "PROVIDER_ADMIN_CLIENT_SECRET": keycloak.registrar_secret,
    }
    starting = [
        running(
            (sys.executable, "-m", "registrar"),
            shared | registrar | {"MANAGEMENT_PORT": str(ports.registrar_management)},
            management_port=ports.registrar_management,
            folder=folders[0],
        ),
        *(
            running(
                (sys.executable, "-m", "cimd_bridge"),
                shared | {"PORT": str(port), "MANAGEMENT_PORT": str(management)},
                management_port=management,
                folder=folder,
            )
            for port, management, folder in zip(
                ports.bridges, ports.bridge_managements, folders[1:], strict=True
            )
        ),
    ]
    with ExitStack() as stack, ThreadPoolExecutor(len(starting)) as starters:
        list(starters.map(stack.enter_context, starting))
        yield request.param, tuple(folder / "log" for folder in folders)


@pytest.fixture
async def stack(
    services: tuple[str, tuple[Path, ...]], keycloak: Keycloak, ports: Ports, valkey_url: str
) -> AsyncIterator[Stack]:
    realm, logs = services
    async with (
        aiohttp.ClientSession() as http,
        redis.asyncio.Redis.from_url(valkey_url, decode_responses=True) as store,
    ):
        yield Stack(keycloak, realm, ports, http, store, logs)


def _environment(keycloak: Keycloak, realm: str, ports: Ports, valkey_url: str) -> dict[str, str]:
    port = urlsplit(keycloak.url).port
    return {
        "ENVIRONMENT": "development",
        "REDIS_URL": valkey_url,
        "ISSUER": ports.issuer,
        "RESOURCE": RESOURCE,
        "REGISTRAR_URL": f"http://localhost:{ports.registrar}",
        "REGISTRAR_INTERNAL_URL": f"http://127.0.0.1:{ports.registrar_internal}",
        "RATE_LIMITS": "off",
        "MASTER_KEYS": MASTER_KEYS,
        "UPSTREAM_KEYS": UPSTREAM_KEYS,
        "INTERNAL_TOKEN": secrets.token_urlsafe(32),
        "UPSTREAM_CLIENTS": "per-client",
        "UPSTREAM_CLIENTS_PER_SUBJECT": "50",
        # every refresh asks Keycloak
        "UPSTREAM_CHECK_SECONDS": "0",
        "PROVIDER": "keycloak",
        "PROVIDER_ISSUER": keycloak.issuer(realm),
        "PROVIDER_CLIENT_ID": "mcp-bridge",
        "PROVIDER_CLIENT_SECRET": keycloak.bridge_secret,
        # as in containers: the browser's name for it, and where it really is
        "HOST_MAP": f"localhost:{port}=127.0.0.1:{port}",
    }


@contextmanager
def _untimed(step: str) -> Iterator[None]:
    yield
