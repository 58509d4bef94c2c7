"""Registrations and grants after `kill -9` of each process, and what the emulator forgets."""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import aiohttp
import pytest
from fakes.stack_command import Command, running_stack

from authstack.leftovers import all_gone
from authstack.smoke.browser import open_browser_session
from authstack.smoke.discovery import read_server
from authstack.smoke.identity import Dynamic, Introduced
from authstack.smoke.login import ScriptedPerson, obtain_code
from authstack.smoke.mcp import McpCaller
from authstack.smoke.tokens import TokenClient, Tokens

SCOPE = "mcp-api/read"


@pytest.fixture(scope="module")
def stack() -> Iterator[Command]:
    """Every refresh asks the identity provider."""
    with running_stack(14_000, {"UPSTREAM_CHECK_SECONDS": "0"}) as command:
        yield command


@dataclass
class Visitor:
    """A registered client whose user has logged in."""

    session: aiohttp.ClientSession
    stack: Command
    client: Introduced
    tokens: TokenClient

    @classmethod
    async def register(cls, session: aiohttp.ClientSession, stack: Command) -> "Visitor":
        found = stack.status()
        server = await read_server(session, found["issuer"])
        client = await Dynamic().introduce(session, server.metadata)
        return cls(session, stack, client, TokenClient(session, server, client, found["resource"]))

    async def log_in(self) -> Tokens:
        """In a browser of its own, where nobody is logged in yet."""
        user = self.stack.status()["demo_user"]
        server, resource = self.tokens.server, self.tokens.resource
        async with open_browser_session(None, 30) as browser:
            person = ScriptedPerson(browser, user["username"], user["password"])
            code = await obtain_code(server, self.client, person, SCOPE, resource, untimed)
        return await self.tokens.redeem(code, SCOPE)


def client_session() -> aiohttp.ClientSession:
    """A new connection for each call: those to a process that was killed are of no use."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))


def untimed(name: str) -> AbstractContextManager[None]:
    return nullcontext()


def kill_and_start_again(stack: Command, name: str) -> None:
    victim = stack.identities()[name]
    victim.send(signal.SIGKILL)
    assert all_gone([victim], 10)
    assert stack.run("up").stdout.strip() == f"authstack: started {name}"


async def test_registrations_and_grants_outlive_every_process_but_the_emulator(
    stack: Command,
) -> None:
    async with client_session() as session:
        visitor = await Visitor.register(session, stack)
        tokens = await visitor.log_in()
        for name in ("valkey", "registrar", "bridge", "resource"):
            kill_and_start_again(stack, name)
            renewed = await visitor.tokens.refresh(tokens)
            assert renewed.refresh != tokens.refresh
            tokens = renewed
            await McpCaller(session, visitor.tokens.resource, tokens.access).call_modern()
        await visitor.log_in()


async def test_when_the_emulator_has_forgotten_grants_end_and_clients_log_in_again(
    stack: Command,
) -> None:
    async with client_session() as session:
        visitor = await Visitor.register(session, stack)
        tokens = await visitor.log_in()
        kill_and_start_again(stack, "emulator")
        await visitor.tokens.refresh_is_refused(tokens)
        tokens = await visitor.log_in()
        await visitor.tokens.refresh(tokens)
