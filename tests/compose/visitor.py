"""A client of its own with a person in front of it, to ask the system things step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from compose.conftest import DEMO_USER, ISSUER, RESOURCE
from fakes.people import ANSWER_SECONDS, untimed

from authstack.smoke.browser import BrowserCookies
from authstack.smoke.contexts import Contexts
from authstack.smoke.discovery import Server, read_server
from authstack.smoke.identity import Dynamic, Introduced
from authstack.smoke.login import ScriptedPerson, obtain_code
from authstack.smoke.mcp import McpCaller
from authstack.smoke.tokens import TokenClient, Tokens

SCOPE = "mcp-api/read"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, object]


@dataclass(slots=True)
class Visitor:
    session: aiohttp.ClientSession
    server: Server
    client: Introduced
    tokens: Tokens

    async def whoami(self) -> None:
        """Raises SmokeFailure when the resource server does not open."""
        await McpCaller(self.session, RESOURCE, self.tokens.access).call_modern()

    async def contexts_status(self) -> int:
        headers = {"Authorization": f"Bearer {self.tokens.access}"}
        address = Contexts(self.session, RESOURCE).url
        async with self.session.get(address, headers=headers) as answer:
            return answer.status

    async def ask_for_refresh(self) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens.refresh}
        headers = self.client.authenticate(form)
        endpoint = self.server.endpoint("token_endpoint")
        async with self.session.post(endpoint, data=form, headers=headers) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.json())

    def take(self, answer: Answer) -> None:
        body = answer.body
        self.tokens = Tokens(str(body["access_token"]), str(body["refresh_token"]), SCOPE)


@asynccontextmanager
async def a_visitor() -> AsyncIterator[Visitor]:
    """Registered just now and logged in.

    Each request has a connection of its own, as has one whose server closed the others.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=BrowserCookies(),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
    ) as session:
        server = await read_server(session, ISSUER)
        client = await Dynamic().introduce(session, server.metadata)
        person = ScriptedPerson(session, DEMO_USER["username"], DEMO_USER["password"])
        code = await obtain_code(server, client, person, SCOPE, RESOURCE, untimed)
        tokens = await TokenClient(session, server, client, RESOURCE).redeem(code, SCOPE)
        yield Visitor(session, server, client, tokens)
