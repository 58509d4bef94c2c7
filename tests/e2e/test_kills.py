"""`kill -9` in the middle of a flow: what was done is kept, and the flow goes on where it was.

What outlives a kill between two flows is in tests/integration/authstack.
"""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from fakes.people import ANSWER_SECONDS, press, untimed
from fakes.stack_command import Command, running_stack

from authstack.leftovers import all_gone
from authstack.smoke.browser import Browser, BrowserCookies, Page
from authstack.smoke.discovery import Server, read_server
from authstack.smoke.identity import Dynamic, Introduced
from authstack.smoke.login import Code, ScriptedPerson, Timed, obtain_code
from authstack.smoke.mcp import McpCaller
from authstack.smoke.problems import SmokeFailure
from authstack.smoke.tokens import TokenClient

pytestmark = pytest.mark.requirement("OP9")

SCOPE = "mcp-api/read"
NOWHERE = "http://nowhere.invalid/"
REGISTERED, CONSENT_SHOWN, CONSENT_GIVEN, CODE_ISSUED = "register", "authorize", "consent", "log in"
"""Moments of a flow, each by the step that is over then."""

KILLS = [
    ("bridge", (CONSENT_SHOWN, CONSENT_GIVEN, CODE_ISSUED)),
    ("valkey", (REGISTERED, CONSENT_SHOWN, CONSENT_GIVEN, CODE_ISSUED)),
    ("registrar", (REGISTERED, CONSENT_GIVEN)),
    ("resource", (CONSENT_GIVEN,)),
    ("emulator", (CODE_ISSUED,)),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[Command]:
    with running_stack(17_000, {"RATE_LIMITS": "off"}) as command:
        yield command


@dataclass
class Flow:
    """A client that registers, and somebody who logs in with a browser of his own."""

    stack: Command
    session: aiohttp.ClientSession
    server: Server
    resource: str
    demo_user: dict[str, str]

    async def register(self, timed: Timed = untimed) -> Introduced:
        with timed(REGISTERED):
            return await Dynamic().introduce(self.session, self.server.metadata)

    async def obtain_code(self, client: Introduced, timed: Timed = untimed) -> Code:
        person = ScriptedPerson(self.session, **self.demo_user)
        return await obtain_code(self.server, client, person, SCOPE, self.resource, timed)

    def tokens_of(self, client: Introduced) -> TokenClient:
        return TokenClient(self.session, self.server, client, self.resource)

    async def use(self, client: Introduced, code: Code) -> None:
        """Redeem, refresh, and call a tool with what came of it."""
        tokens = await self.tokens_of(client).redeem(code, SCOPE)
        tokens = await self.tokens_of(client).refresh(tokens)
        await McpCaller(self.session, self.resource, tokens.access).call_modern()


@asynccontextmanager
async def a_browser() -> AsyncIterator[aiohttp.ClientSession]:
    """A new connection for each request: those to a process that was killed are of no use."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=BrowserCookies(),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
    ) as session:
        yield session


@pytest.fixture
async def flow(stack: Command) -> AsyncIterator[Flow]:
    found = stack.status()
    async with a_browser() as session:
        server = await read_server(session, found["issuer"])
        yield Flow(stack, session, server, found["resource"], found["demo_user"])


def kill(stack: Command, name: str) -> None:
    victim = stack.identities()[name]
    victim.send(signal.SIGKILL)
    assert all_gone([victim], 10)


def start_again(stack: Command, name: str) -> None:
    assert stack.run("up").stdout.strip() == f"authstack: started {name}"


def killing(
    stack: Command, name: str, moments: tuple[str, ...], killed_after: list[str] | None = None
) -> Timed:
    """Kill it, and start it again, whenever one of these steps is over.

    killed_after: is told each step that was met
    """

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        yield
        if step in moments:
            kill(stack, name)
            start_again(stack, name)
            if killed_after is not None:
                killed_after.append(step)

    return timed


@pytest.mark.parametrize(("name", "moments"), KILLS)
async def test_a_flow_goes_on_after_a_process_was_killed_in_its_middle(
    stack: Command, flow: Flow, name: str, moments: tuple[str, ...]
) -> None:
    killed_after: list[str] = []
    timed = killing(stack, name, moments, killed_after)
    client = await flow.register(timed)
    code = await flow.obtain_code(client, timed)
    await flow.use(client, code)
    assert set(killed_after) == set(moments)


async def test_when_the_provider_forgets_a_log_in_under_way_the_next_one_succeeds(
    stack: Command, flow: Flow
) -> None:
    client = await flow.register()
    with pytest.raises(SmokeFailure, match=r"localhost:21566/\w+ shows a page \(4\d\d\)"):
        await flow.obtain_code(client, killing(stack, "emulator", (CONSENT_GIVEN,)))
    await flow.use(client, await flow.obtain_code(client))


@pytest.mark.requirement("TK29")
async def test_without_its_store_the_bridge_spends_no_code(stack: Command, flow: Flow) -> None:
    client = await flow.register()
    code = await flow.obtain_code(client)
    kill(stack, "valkey")
    with pytest.raises(SmokeFailure, match="/token answers 503 temporarily_unavailable"):
        await flow.tokens_of(client).redeem(code, SCOPE)
    start_again(stack, "valkey")
    await flow.use(client, code)


@pytest.mark.requirement("AU24")
async def test_a_consent_that_met_no_store_is_given_again_and_the_client_remembers_its_visitor(
    stack: Command,
) -> None:
    """The visitor presses the same button again, and is logged in at the client in the end."""
    found = stack.status()
    async with a_browser() as session:
        browser = Browser(session, NOWHERE)
        start = await browser.open(found["clients"]["dynamic"])
        consent = await press(browser, start, "/login")
        kill(stack, "valkey")
        refused = await press(browser, consent, "/consent")
        assert isinstance(refused, Page)
        assert refused.status == 503
        start_again(stack, "valkey")
        kill(stack, "client-dynamic")
        sign_in = await press(browser, consent, "/consent")
        start_again(stack, "client-dynamic")
        done = await press(browser, sign_in, "/login", found["demo_user"])
        assert isinstance(done, Page)
        assert 'data-logged-in="true"' in done.text
