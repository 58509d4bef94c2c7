"""Four whole bridges behind one address, on one real Valkey: any of them takes any request."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import jwt
import pytest
import redis.asyncio
from aiohttp.test_utils import TestServer
from fakes.bridge_harness import ISSUER, RESOURCE, Answer, Bridge, FakeClock, FakeRegistrar, Pkce
from fakes.fake_provider import ISSUER as PROVIDER_ISSUER
from fakes.fake_provider import FakeProvider
from fakes.processes import free_ports, running
from fakes.scraped import Scraped
from yarl import URL

from cimd_bridge.background import Background
from cimd_bridge.consent import new_browser_id
from cimd_bridge.settings import Settings
from oauth_kit.crypto.key_ring import KeyRing

PROCESSES = 4


@dataclass(frozen=True)
class Replicas:
    """Where the bridges listen, what they were told, and what they wrote."""

    ports: list[int]
    management_ports: list[int]
    provider_port: int
    environment: dict[str, str]
    logs: list[Path]

    def settings(self) -> Settings:
        told = {name.lower(): value for name, value in self.environment.items()}
        return Settings.model_validate(told)

    async def counted(self, name: str, **labels: str) -> float:
        """The sum over all of them."""
        total = 0.0
        async with aiohttp.ClientSession() as session:
            for port in self.management_ports:
                async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    total += Scraped.of(await answer.text()).sum(name, **labels)
        return total

    def one_browser(self) -> aiohttp.CookieJar:
        """Known to all of them: elsewhere they share the port that is in the cookie's name."""
        jar, browser_id = aiohttp.CookieJar(unsafe=True), new_browser_id()
        names = {f"bridge-{port}": browser_id for port in self.ports}
        jar.update_cookies(names, URL("http://127.0.0.1"))
        return jar


@dataclass
class LoadBalancer:
    """As much of an HTTP client as the harness uses: each request goes to the next process."""

    session: aiohttp.ClientSession
    ports: list[int]
    _turn: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.ports)

    def request(self, method: str, path: str, **options: Any) -> Any:
        return self.session.request(method, f"http://127.0.0.1:{next(self._turn)}{path}", **options)


@pytest.fixture(scope="module")
def replicas(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """Started together, so that they race for the first signing key."""
    *ports, provider_port = free_ports(2 * PROCESSES + 1)
    public, management = ports[:PROCESSES], ports[PROCESSES:]
    folders = [tmp_path_factory.mktemp("bridge") for _ in public]
    shared = environment(valkey_url, provider_port)
    services = [
        running(
            (sys.executable, "-m", "cimd_bridge"),
            {**shared, "PORT": str(port), "MANAGEMENT_PORT": str(management_port)},
            management_port=management_port,
            folder=folder,
        )
        for port, management_port, folder in zip(public, management, folders, strict=True)
    ]
    with ExitStack() as stack, ThreadPoolExecutor(PROCESSES) as starters:
        list(starters.map(stack.enter_context, services))
        logs = [folder / "log" for folder in folders]
        yield Replicas(public, management, provider_port, shared, logs)


def environment(valkey_url: str, provider_port: int) -> dict[str, str]:
    provider = f"http://127.0.0.1:{provider_port}"
    return {
        "ENVIRONMENT": "development",
        "REDIS_URL": valkey_url,
        "ISSUER": ISSUER,
        "RESOURCE": RESOURCE,
        "RATE_LIMITS": "off",
        "MASTER_KEYS": KeyRing.generate("m1"),
        "UPSTREAM_KEYS": KeyRing.generate("u1"),
        "INTERNAL_TOKEN": FakeRegistrar().token,
        "REGISTRAR_INTERNAL_URL": provider,
        "PROVIDER": "cognito",
        "PROVIDER_ISSUER": PROVIDER_ISSUER,
        "PROVIDER_CLIENT_ID": "shared",
        "PROVIDER_CLIENT_SECRET": "shared-secret",
        "PROVIDER_AUTHORIZE_URL": "https://idp.example/oauth2/authorize",
        "PROVIDER_TOKEN_URL": f"{provider}/token",
        "PROVIDER_JWKS_URL": f"{provider}/jwks",
        "PROVIDER_REVOKE_URL": f"{provider}/revoke",
    }


@pytest.fixture
async def bridge(replicas: Replicas, valkey_url: str) -> AsyncIterator[Bridge]:
    """The harness of the unit tests, before four processes instead of an application."""
    provider, registrar = FakeProvider(), FakeRegistrar()
    store = redis.asyncio.Redis.from_url(valkey_url, decode_responses=True)
    server = TestServer(provider.application(), host="127.0.0.1", port=replicas.provider_port)
    async with (
        server,
        aiohttp.ClientSession(cookie_jar=replicas.one_browser()) as session,
        store,
    ):
        yield Bridge(
            http=cast(Any, LoadBalancer(session, replicas.ports)),
            redis=store,
            provider=provider,
            registrar=registrar,
            clock=FakeClock(0),
            background=Background(),
            settings=replicas.settings(),
        )


def statuses(answers: list[Answer]) -> dict[int, int]:
    found = [answer.status for answer in answers]
    return {status: found.count(status) for status in set(found)}


@pytest.mark.requirement("OP8", "ASM11")
async def test_they_agree_on_one_key_set_and_each_signs_with_it(bridge: Bridge) -> None:
    published = [(await bridge.get("/jwks.json")).json() for _ in range(PROCESSES)]
    assert published == [published[0]] * PROCESSES
    keys = {key["kid"]: jwt.PyJWK(key) for key in published[0]["keys"]}

    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    signed = [tokens["access_token"]]
    for _ in range(PROCESSES):
        tokens = (await bridge.refresh(client, tokens["refresh_token"])).json()
        signed.append(tokens["access_token"])
    (kid,) = {jwt.get_unverified_header(token)["kid"] for token in signed}
    for token in signed:
        jwt.decode(token, keys[kid], algorithms=["RS256"], audience=RESOURCE, issuer=ISSUER)


@pytest.mark.requirement("OP9")
async def test_every_step_of_a_log_in_may_be_at_another_process(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    page = await bridge.authorize(bridge.question(client, pkce))
    done = await bridge.come_back(await bridge.decide(page))
    redeemed = await bridge.redeem(client, done.query["code"], pkce)
    assert redeemed.status == 200
    refreshed = await bridge.refresh(client, redeemed.json()["refresh_token"])
    assert refreshed.status == 200

    last = refreshed.json()["refresh_token"]
    revoked = await bridge.post("/revoke", data={"token": last, "client_id": client.client_id})
    assert revoked.status == 200
    for _ in range(PROCESSES):
        assert (await bridge.refresh(client, last)).json()["error"] == "invalid_grant"


@pytest.mark.requirement("CB4")
async def test_of_many_callbacks_for_one_log_in_one_asks_the_provider(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    page = await bridge.authorize(bridge.question(client, pkce))
    to_provider = await bridge.decide(page)
    query = {"code": bridge.provider.log_in(to_provider.location), **to_provider.query}
    path = f"/callback?code={query['code']}&state={query['state']}"
    answers = await asyncio.gather(*(bridge.get(path) for _ in range(20)))
    located = [answer for answer in answers if "Location" in answer.headers]
    assert len(located) == 1
    assert "code" in located[0].query
    assert all(answer.status < 500 for answer in answers)
    assert bridge.provider.calls == ["authorization_code"]


@pytest.mark.requirement("TK6", "TK7")
async def test_of_fifty_redemptions_of_one_code_one_succeeds(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    answers = await asyncio.gather(*(bridge.redeem(client, code, pkce) for _ in range(50)))
    assert statuses(answers) == {200: 1, 400: 49}
    refused = {answer.json()["error"] for answer in answers if answer.status == 400}
    assert refused == {"invalid_grant"}

    # by now the answer is out: whoever sends the code again ends the grant, everywhere
    (won,) = [answer.json() for answer in answers if answer.status == 200]
    assert (await bridge.redeem(client, code, pkce)).json()["error"] == "invalid_grant"
    for _ in range(PROCESSES):
        refresh = await bridge.refresh(client, won["refresh_token"])
        assert refresh.json()["error"] == "invalid_grant"


@pytest.mark.requirement("TK20")
async def test_fifty_refreshes_with_one_token_give_one_successor(bridge: Bridge) -> None:
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    answers = await asyncio.gather(
        *(bridge.refresh(client, tokens["refresh_token"]) for _ in range(50))
    )
    assert statuses(answers) == {200: 50}
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert successor != tokens["refresh_token"]
    assert (await bridge.refresh(client, successor)).status == 200


@pytest.mark.requirement("TK19")
async def test_a_token_from_before_the_last_one_kills_the_family_at_every_process(
    bridge: Bridge,
) -> None:
    client = await bridge.register()
    stolen = (await bridge.tokens_for(client))["refresh_token"]
    newest = stolen
    for _ in range(2):
        newest = (await bridge.refresh(client, newest)).json()["refresh_token"]
    replayed = await bridge.refresh(client, stolen)
    assert (replayed.status, replayed.json()["error"]) == (400, "invalid_grant")
    for _ in range(PROCESSES):
        refused = await bridge.refresh(client, newest)
        assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("TK19")
async def test_a_reuse_is_counted_once_over_all_processes_and_so_is_its_denial(
    bridge: Bridge, replicas: Replicas
) -> None:
    causes = (
        ("authstack_reuse_detected_total", {"credential": "refresh_token"}),
        ("authstack_refreshes_total", {"outcome": "reused"}),
        ("authstack_denials_written_total", {"kind": "grant"}),
    )
    before = [await replicas.counted(name, **labels) for name, labels in causes]
    client = await bridge.register()
    stolen = (await bridge.tokens_for(client))["refresh_token"]
    newest = (await bridge.refresh(client, stolen)).json()["refresh_token"]
    assert (await bridge.refresh(client, newest)).status == 200
    assert [await replicas.counted(name, **labels) for name, labels in causes] == before
    assert (await bridge.refresh(client, stolen)).json()["error"] == "invalid_grant"
    after = [await replicas.counted(name, **labels) for name, labels in causes]
    assert after == [count + 1 for count in before]


@pytest.mark.requirement("OP1", "CB9", "TK26")
async def test_store_and_logs_hold_nothing_that_could_be_used(
    bridge: Bridge, replicas: Replicas
) -> None:
    client_secret, state = "secret-canary-of-the-client", "state-canary-of-the-client"
    method = "client_secret_post"
    client = await bridge.register(token_endpoint_auth_method=method, secret=client_secret)
    pkce = Pkce()
    code = await bridge.code_for(client, pkce, state=state)
    tokens = (await bridge.redeem(client, code, pkce, client_secret=client_secret)).json()
    secrets = {
        "upstream-access-canary",
        "upstream-refresh-canary",
        "shared-secret",
        bridge.provider.email,
        pkce.verifier,
        state,
        client_secret,
        code,
        tokens["access_token"],
        tokens["refresh_token"],
        code.partition(".")[2],
        tokens["refresh_token"].partition(".")[2],
    }
    everything = json.dumps(await bridge.stored()) + "".join(
        log.read_text() for log in replicas.logs
    )
    assert [secret for secret in sorted(secrets) if secret in everything] == []
