"""One client's way from a 401 to a revoked token."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from authstack.smoke.contexts import Contexts
from authstack.smoke.discovery import Server, read_challenge, read_issuer, read_server
from authstack.smoke.identity import ClientKind, Introduced
from authstack.smoke.login import Person, obtain_code
from authstack.smoke.mcp import McpCaller
from authstack.smoke.problems import NotOffered, SmokeFailure
from authstack.smoke.report import ClientReport
from authstack.smoke.tokens import TokenClient, Tokens

_POLLS = 20
_POLL_SECONDS = 0.25


@dataclass(slots=True)
class Journey:
    """Walks every step in order; the first failure ends it."""

    session: aiohttp.ClientSession
    resource: str
    kind: ClientKind
    person: Person
    on_step: Callable[[str], None] = lambda name: None
    report: ClientReport = field(init=False)

    def __post_init__(self) -> None:
        self.report = ClientReport(self.kind.kind, on_step=self.on_step)

    async def walk(self) -> ClientReport:
        with contextlib.suppress(SmokeFailure):  # its step has written it down
            await self._walk()
        return self.report

    async def _walk(self) -> None:
        step = self.report.step
        with step("challenge"):
            challenge = await read_challenge(self.session, self.resource)
        with step("resource metadata"):
            location = challenge.parameters["resource_metadata"]
            issuer = await read_issuer(self.session, location, self.resource)
        with step("server metadata"):
            server = await read_server(self.session, issuer)
        client: Introduced | None = None
        with step("introduce"):
            client = await self.kind.introduce(self.session, server.metadata)
        if client is None:
            return
        scope = challenge.parameters.get("scope", "")
        tokens = await self._log_in(server, client, scope)
        await self._use(server, client, tokens)

    async def _log_in(self, server: Server, client: Introduced, scope: str) -> Tokens:
        code = await obtain_code(
            server, client, self.person, scope, self.resource, self.report.step
        )
        with self.report.step("token"):
            return await self._token_client(server, client).redeem(code, scope)

    async def _use(self, server: Server, client: Introduced, tokens: Tokens) -> None:
        contexts, step = Contexts(self.session, self.resource), self.report.step
        caller = McpCaller(self.session, self.resource, tokens.access)
        with step("tool call 2026-07-28"):
            await caller.call_modern()
        with step("tool call 2025-11-25"):
            await caller.call_legacy()
        with step("REST read"):
            await contexts.read(tokens.access)
        tokens = await self._step_up(server, client, contexts, tokens)
        with step("REST write"):
            await contexts.write(tokens.access)
        await self._end(self._token_client(server, client), tokens)

    async def _step_up(
        self, server: Server, client: Introduced, contexts: Contexts, tokens: Tokens
    ) -> Tokens:
        """Ask for what a write needs beside what we have (MCP: step-up authorization)."""
        needed: str | None = None
        with self.report.step("write refused"):
            needed = await contexts.scope_to_write(tokens.access)
            if needed is None:
                raise NotOffered("the first token may write, or there is nothing to write to")
        if needed is None:
            return tokens
        union = " ".join(dict.fromkeys(f"{tokens.scope} {needed}".split()))
        widened = await self._log_in_again(server, client, union)
        with self.report.step("revoke the first"):
            await self._token_client(server, client).revoke(tokens)
        return widened

    async def _log_in_again(self, server: Server, client: Introduced, scope: str) -> Tokens:
        again = ClientReport(self.report.kind)
        tokens: Tokens | None = None
        with self.report.step("step-up"):
            code = await obtain_code(server, client, self.person, scope, self.resource, again.step)
            tokens = await self._token_client(server, client).redeem(code, scope)
        if tokens is None:
            raise SmokeFailure("step-up gave no tokens")
        return tokens

    async def _end(self, token_client: TokenClient, tokens: Tokens) -> None:
        step = self.report.step
        with step("refresh"):
            tokens = await token_client.refresh(tokens)
        with step("renewed token works"):
            await McpCaller(self.session, self.resource, tokens.access).call_modern()
        with step("revoke"):
            await token_client.revoke(tokens)
        with step("refresh refused"):
            await token_client.refresh_is_refused(tokens)
        with step("access refused"):
            await self._wait_until_refused(tokens.access)

    async def _wait_until_refused(self, token: str) -> None:
        """A revoked access token dies everywhere, soon: a bounded number of looks."""
        headers = {"Authorization": f"Bearer {token}"}
        for _ in range(_POLLS):
            async with self.session.post(self.resource, json={}, headers=headers) as answer:
                if answer.status == 401:
                    return
            await asyncio.sleep(_POLL_SECONDS)
        raise SmokeFailure("the revoked access token is still accepted")

    def _token_client(self, server: Server, client: Introduced) -> TokenClient:
        return TokenClient(self.session, server, client, self.resource)
