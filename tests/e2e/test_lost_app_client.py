"""An app client that somebody deletes in the provider's console costs no more than a log-in."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import aiohttp
import boto3
import pytest
import redis.asyncio
from e2e.conftest import Stack
from fakes.people import ANSWER_SECONDS, untimed

from authstack.layout import Layout
from authstack.smoke.browser import Arrival, Browser, Page, open_browser_session
from authstack.smoke.discovery import Server, read_server
from authstack.smoke.identity import Dynamic, Introduced
from authstack.smoke.login import APPROVE, ScriptedPerson, obtain_code
from authstack.smoke.tokens import TokenClient, Tokens
from oauth_kit.providers.catalog import ProviderConfig, ProviderFile
from oauth_kit.rules.pkce import challenge_of

SCOPE = "mcp-api/read"
MAX_LOG_INS = 20


PASSWORD = "Own-Passw0rd-1!"


@dataclass
class Visit:
    """A client of our own and a person in front of one browser, nobody's clients but this one."""

    stack: Stack
    layout: Layout
    session: aiohttp.ClientSession
    server: Server
    client: Introduced
    username: str = field(default_factory=lambda: f"{secrets.token_hex(8)}@example.com")

    @property
    def provider(self) -> ProviderConfig:
        return ProviderFile(self.layout.provider_file).current()

    async def log_in(self) -> Tokens:
        person = ScriptedPerson(self.session, self.username, PASSWORD)
        resource = self.stack.resource
        code = await obtain_code(self.server, self.client, person, SCOPE, resource, untimed)
        return await TokenClient(self.session, self.server, self.client, resource).redeem(
            code, SCOPE
        )

    async def app_client(self) -> str:
        """As whom the next log-in would go to the provider."""
        browser = Browser(self.session, str(self.provider.authorize_url))
        question = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "code_challenge": challenge_of(secrets.token_urlsafe(48)),
            "code_challenge_method": "S256",
        }
        endpoint = self.server.endpoint("authorization_endpoint")
        consent = await browser.open(f"{endpoint}?{urlencode(question)}")
        assert isinstance(consent, Page)
        form = next(form for form in consent.forms() if form.has_button(*APPROVE))
        sent = await browser.submit(consent, form, form.filled({}, APPROVE))
        assert isinstance(sent, Arrival)
        return parse_qs(urlsplit(sent.url).query)["client_id"][0]

    async def log_in_until_it_has_its_own(self) -> str:
        """It is made in the background of a log-in."""
        for _ in range(MAX_LOG_INS):
            await self.log_in()
            if (found := await self.app_client()) != self.provider.client_id:
                return found
        pytest.fail("no app client of its own was made")

    @contextmanager
    def console(self) -> Iterator[Any]:
        cognito = boto3.client(
            "cognito-idp",
            endpoint_url=self.layout.url("emulator"),
            region_name=self.provider.region,
            aws_access_key_id="emulator",
            aws_secret_access_key="emulator",
        )
        yield cognito
        cognito.close()

    def make_the_user(self) -> None:
        user = {"UserPoolId": self.provider.pool_id, "Username": self.username}
        address = [
            {"Name": "email", "Value": self.username},
            {"Name": "email_verified", "Value": "true"},
        ]
        with self.console() as cognito:
            cognito.admin_create_user(**user, UserAttributes=address, MessageAction="SUPPRESS")
            cognito.admin_set_user_password(**user, Password=PASSWORD, Permanent=True)

    def delete_in_the_console(self, app_client: str) -> None:
        with self.console() as cognito:
            cognito.delete_user_pool_client(UserPoolId=self.provider.pool_id, ClientId=app_client)

    async def a_minute_later(self) -> None:
        """What the registrar learnt from the provider is to be asked again."""
        url = "unix://" + quote(str(self.layout.valkey_socket))
        async with redis.asyncio.Redis.from_url(url) as store:
            for key in await store.keys("*:upstream:checked:*"):
                await store.delete(key)


@pytest.fixture
async def visit(stack: Stack) -> AsyncIterator[Visit]:
    layout = Layout(stack.data_dir, int(stack.options[1]))
    async with open_browser_session(None, ANSWER_SECONDS) as session:
        server = await read_server(session, stack.issuer)
        client = await Dynamic().introduce(session, server.metadata)
        visit = Visit(stack, layout, session, server, client)
        visit.make_the_user()
        yield visit


@pytest.mark.requirement("REG20")
async def test_a_deleted_app_client_is_replaced_by_the_shared_one_and_made_anew(
    visit: Visit,
) -> None:
    lost = await visit.log_in_until_it_has_its_own()
    visit.delete_in_the_console(lost)
    await visit.a_minute_later()
    assert await visit.app_client() == visit.provider.client_id
    assert (await visit.log_in()).access
    assert await visit.log_in_until_it_has_its_own() != lost
