"""Workers that are killed while they answer: nothing is lost but their connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from compose.conftest import DEMO_USER, ISSUER, RESOURCE
from compose.containers import PROVIDER_HOSTS, System, held, inspect
from compose.test_metrics import scrape
from compose.visitor import SCOPE, Answer, Visitor, a_visitor
from compose.workers import KILL_ALL, WORKERS, busiest_of, kill, run, wait_for_workers
from fakes.people import untimed

from authstack.smoke.browser import Browser, Page
from authstack.smoke.identity import Introduced
from authstack.smoke.login import ScriptedPerson, Timed, obtain_code
from authstack.smoke.problems import SmokeFailure
from authstack.smoke.tokens import TokenClient

VISITORS = READERS = 4
ROUNDS_AFTER_THE_KILL = 5
LOAD_SECONDS = 120
REFRESHES = "authstack_refreshes_total"
ISSUED = "authstack_tokens_issued_total"
HALF_A_REGISTRATION = (
    b"POST /register HTTP/1.1\r\nHost: localhost:3005\r\nContent-Type: application/json\r\n"
    b'Content-Length: 60\r\n\r\n{"redirect_uris": '
)


@dataclass(slots=True)
class Load:
    """Requests that go on until a worker was killed, and some times more."""

    going: asyncio.Barrier
    killed: asyncio.Event = field(default_factory=asyncio.Event)
    broken: int = 0

    async def keep_asking(self, ask: Callable[[], Awaitable[Answer]]) -> int:
        """How many were answered well."""
        answered, left = 0, ROUNDS_AFTER_THE_KILL
        while left:
            left -= self.killed.is_set()
            answer = await self.on_one_retry(ask)
            assert answer.status < 300, answer
            answered += 1
            if answered == 1:
                await self.going.wait()
        return answered

    async def on_one_retry(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """As a client does it: a connection that breaks, or a 5xx, is tried once more."""
        try:
            answer = await ask()
            if answer.status < 500:
                return answer
        except (aiohttp.ClientError, ConnectionError):
            self.broken += 1
        return await ask()


@dataclass(slots=True)
class Chain:
    """One visitor's refresh tokens, one after the other."""

    visitor: Visitor
    spent: list[str] = field(default_factory=list)

    async def refresh(self) -> Answer:
        answer = await self.visitor.ask_for_refresh()
        if answer.status == 200:
            self.spent.append(self.visitor.tokens.refresh)
            self.visitor.take(answer)
        return answer


@pytest.fixture(scope="module")
def introspector(system: System) -> dict[str, str]:
    """How the resource server of `clients.toml` authenticates."""
    entered = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "init")
    secret = system.compose(*entered, "/volumes/operator/resource_server_secret").stdout
    return Introduced("demo-resource-server", "", secret.strip()).authenticate({})


async def is_active(visitor: Visitor, introspector: dict[str, str]) -> bool:
    endpoint = visitor.server.endpoint("introspection_endpoint")
    form = {"token": visitor.tokens.access}
    async with visitor.session.post(endpoint, data=form, headers=introspector) as answer:
        assert answer.status == 200
        return bool((await answer.json())["active"])


async def has_one_successor(chain: Chain, introspector: dict[str, str]) -> None:
    """The token in hand at the kill has led to one living token, and itself lives no more."""
    visitor, predecessor = chain.visitor, chain.visitor.tokens.refresh
    in_hand_at_the_kill = chain.spent[-ROUNDS_AFTER_THE_KILL - 1]
    assert await is_active(visitor, introspector)
    assert (await chain.refresh()).status == 200
    repeated = await visitor.ask_for_refresh(predecessor)
    assert repeated.body["refresh_token"] == visitor.tokens.refresh
    for token in (in_hand_at_the_kill, visitor.tokens.refresh):
        refused = await visitor.ask_for_refresh(token)
        assert (refused.status, refused.body["error"]) == (400, "invalid_grant")
        assert not await is_active(visitor, introspector)


@pytest.mark.requirement("OP9")
async def test_a_bridge_worker_is_killed_under_load(
    system: System, introspector: dict[str, str]
) -> None:
    """With refreshes in its hands, which the provider has not answered yet."""
    rotated = scrape(system, "cimd-bridge").sum(REFRESHES, outcome="rotated")
    (provider,) = system.containers(PROVIDER_HOSTS[system.profile])
    load = Load(asyncio.Barrier(VISITORS + 1))
    reads = Load(asyncio.Barrier(READERS + 1), load.killed)
    async with AsyncExitStack() as visitors:
        chains = [Chain(await visitors.enter_async_context(a_visitor())) for _ in range(VISITORS)]
        async with asyncio.timeout(LOAD_SECONDS), asyncio.TaskGroup() as group:
            for chain in chains:
                group.create_task(load.keep_asking(chain.refresh))
            await load.going.wait()
            with held(provider):
                worker = await busiest_of(system, "cimd-bridge", VISITORS)
                for chain in chains:
                    group.create_task(reads.keep_asking(chain.visitor.read_keys))
                await reads.going.wait()
                await kill(system, "cimd-bridge", worker)
                load.killed.set()
        assert load.broken > 0
        counted = scrape(system, "cimd-bridge").sum(REFRESHES, outcome="rotated")
        assert counted - rotated == sum(len(chain.spent) for chain in chains)
        for chain in chains:
            await has_one_successor(chain, introspector)
    wait_for_workers(system, "cimd-bridge", 2)
    assert [one["RestartCount"] for one in inspect(system.containers("cimd-bridge"))] == [0]


@asynccontextmanager
async def half_a_registration() -> AsyncIterator[asyncio.StreamReader]:
    """Its worker waits for the other half."""
    reader, writer = await asyncio.open_connection("localhost", 3005)
    try:
        writer.write(HALF_A_REGISTRATION)
        await writer.drain()
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.requirement("OP9")
async def test_a_registrar_worker_is_killed_under_load(system: System) -> None:
    """With half a registration in its hands."""
    load = Load(asyncio.Barrier(VISITORS + 1))
    async with a_visitor() as visitor, half_a_registration() as reader:
        worker = await busiest_of(system, "registrar", 1)
        async with asyncio.timeout(LOAD_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(VISITORS):
                group.create_task(load.keep_asking(visitor.register))
            await load.going.wait()
            await kill(system, "registrar", worker)
            load.killed.set()
        async with asyncio.timeout(LOAD_SECONDS):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
    wait_for_workers(system, "registrar", 2)
    assert [one["RestartCount"] for one in inspect(system.containers("registrar"))] == [0]


@pytest.mark.requirement("OP9")
async def test_a_log_in_goes_on_whichever_workers_end_between_its_steps(
    system: System, introspector: dict[str, str]
) -> None:
    """All of them, before each step: none has anything to itself that the next step needs."""

    @contextlib.contextmanager
    def after_a_kill(step: str) -> Iterator[None]:
        run(system, "cimd-bridge", WORKERS + KILL_ALL)
        yield

    async with a_visitor() as visitor:
        person = ScriptedPerson(visitor.session, DEMO_USER["username"], DEMO_USER["password"])
        code = await obtain_code(
            visitor.server, visitor.client, person, SCOPE, RESOURCE, after_a_kill
        )
        token_client = TokenClient(visitor.session, visitor.server, visitor.client, RESOURCE)
        with after_a_kill("redeem"):
            visitor.tokens = await token_client.redeem(code, SCOPE)
        assert await is_active(visitor, introspector)
        with after_a_kill("redeem once more"), pytest.raises(SmokeFailure, match="invalid_grant"):
            await token_client.redeem(code, SCOPE)
        assert not await is_active(visitor, introspector)
    wait_for_workers(system, "cimd-bridge", 2)


@dataclass(frozen=True, slots=True)
class Unlucky:
    """Whose worker ends while it asks the provider who has logged in; then starts again."""

    system: System
    scripted: ScriptedPerson

    async def log_in(self, url: str, redirect_uri: str, timed: Timed) -> str:
        callback = await self.scripted.log_in(url, f"{ISSUER}/callback", timed)
        browser = Browser(self.scripted.session, redirect_uri)
        (provider,) = self.system.containers(PROVIDER_HOSTS[self.system.profile])
        with held(provider):
            opened = asyncio.create_task(browser.open(callback))
            await kill(self.system, "cimd-bridge", await busiest_of(self.system, "cimd-bridge", 1))
            # a GET whose connection breaks is asked once more, by aiohttp as by browsers
            reloaded = await opened
        assert isinstance(reloaded, Page)
        assert reloaded.status == 400
        assert "log in again from there" in reloaded.text
        return await self.scripted.log_in(url, redirect_uri, timed)


@pytest.mark.requirement("OP9")
async def test_a_log_in_whose_worker_ends_in_the_middle_of_it_starts_again(
    system: System, introspector: dict[str, str]
) -> None:
    async with a_visitor() as visitor:
        scripted = ScriptedPerson(visitor.session, DEMO_USER["username"], DEMO_USER["password"])
        issued = scrape(system, "cimd-bridge").sum(ISSUED)
        code = await obtain_code(
            visitor.server, visitor.client, Unlucky(system, scripted), SCOPE, RESOURCE, untimed
        )
        token_client = TokenClient(visitor.session, visitor.server, visitor.client, RESOURCE)
        visitor.tokens = await token_client.redeem(code, SCOPE)
        assert await is_active(visitor, introspector)
        assert scrape(system, "cimd-bridge").sum(ISSUED) == issued + 1
    wait_for_workers(system, "cimd-bridge", 2)
