"""A client of its own with a person in front of it, to ask the system things step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

import aiohttp
from compose.conftest import DEMO_USER, ISSUER, RESOURCE
from fakes.people import ANSWER_SECONDS, untimed

from authstack.smoke.browser import BrowserCookies
from authstack.smoke.contexts import Contexts
from authstack.smoke.discovery import Server, read_server
from authstack.smoke.forms import Form, read_forms
from authstack.smoke.identity import Dynamic, Introduced
from authstack.smoke.login import APPROVE, ScriptedPerson, obtain_code
from authstack.smoke.mcp import McpCaller
from authstack.smoke.tokens import TokenClient, Tokens
from oauth_kit.rules.pkce import challenge_of

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

    async def ask_for_refresh(self, token: str | None = None) -> Answer:
        """With the newest refresh token, or with another one."""
        form = {"grant_type": "refresh_token", "refresh_token": token or self.tokens.refresh}
        headers = self.client.authenticate(form)
        endpoint = self.server.endpoint("token_endpoint")
        async with self.session.post(endpoint, data=form, headers=headers) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.json())

    async def register(self) -> Answer:
        """One more client."""
        document = {"redirect_uris": ["http://127.0.0.1/callback"], "client_name": "One more"}
        endpoint = self.server.endpoint("registration_endpoint")
        async with self.session.post(endpoint, json=document) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.json())

    async def read_keys(self) -> Answer:
        async with self.session.get(self.server.endpoint("jwks_uri")) as answer:
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


@dataclass(slots=True)
class AtConsent:
    """The person and the consent page, of one more authorization request."""

    visitor: Visitor
    form: Form | None = None

    async def ask(self) -> aiohttp.ClientResponse:
        request = {
            "response_type": "code",
            "client_id": self.visitor.client.client_id,
            "redirect_uri": self.visitor.client.redirect_uri,
            "code_challenge": challenge_of("v" * 43),
            "code_challenge_method": "S256",
            "resource": RESOURCE,
        }
        url = f"{ISSUER}/authorize?{urlencode(request)}"
        async with self.visitor.session.get(url, allow_redirects=False) as answer:
            forms = read_forms(await answer.text())
            self.form = next((form for form in forms if form.has_button(*APPROVE)), self.form)
            return answer

    async def approve(self) -> aiohttp.ClientResponse:
        assert self.form is not None
        url, sent = urljoin(ISSUER, self.form.action), self.form.filled({}, APPROVE)
        async with self.visitor.session.post(url, data=sent, allow_redirects=False) as answer:
            return answer
