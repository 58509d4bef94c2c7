"""The client of the MCP Python SDK, as it is, against the running stack."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from e2e.conftest import Stack
from fakes.people import Person, somebody
from fakes.private_ca import PrivateCa
from fakes.stack_command import running_stack
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from authstack.smoke.problems import SmokeFailure

READ, WRITE = "mcp-api/read", "mcp-api/write"
REDIRECT_URI = "http://127.0.0.1:52101/callback"
ERAS = ["auto", "legacy"]
"""The newest revision that the server knows, and that of before 2026."""


@dataclass
class Storage:
    """The SDK's port for what a client keeps: here in memory, every token that it got."""

    client_info: OAuthClientInformationFull | None = None
    received: list[OAuthToken] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        return self.received[-1] if self.received else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.received.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client_info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client_info = client_info


@dataclass
class Visitor:
    """The SDK's client, its storage, and the person to whom it shows authorization URLs."""

    resource: str
    person: Person
    document_url: str | None = None
    storage: Storage = field(default_factory=Storage)
    opened: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._arrived = ""
        self.auth = OAuthClientProvider(
            server_url=self.resource,
            client_metadata=OAuthClientMetadata.model_validate(metadata()),
            storage=self.storage,
            redirect_handler=self._open,
            callback_handler=self._come_back,
            client_metadata_url=self.document_url,
        )

    async def _open(self, url: str) -> None:
        self.opened.append(query_of(url))
        self._arrived = await self.person.answer(url, REDIRECT_URI)

    async def _come_back(self) -> AuthorizationCodeResult:
        answer = query_of(self._arrived)
        return AuthorizationCodeResult(
            code=answer["code"], state=answer.get("state"), iss=answer.get("iss")
        )

    @asynccontextmanager
    async def connected(self, era: str = "auto") -> AsyncIterator[Client]:
        async with create_mcp_http_client(auth=self.auth) as http:
            transport = streamable_http_client(self.resource, http_client=http)
            async with Client(transport, mode=era) as client:
                yield client

    def let_the_token_expire(self) -> None:
        """The client's own note of when its token expires, long ago."""
        self.auth.context.token_expiry_time = 1.0


def metadata() -> dict[str, Any]:
    return {
        "client_name": "MCP Python SDK",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def call(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error
    assert isinstance(result.structured_content, dict)
    return result.structured_content


@asynccontextmanager
async def a_visitor(stack: Stack, document_url: str | None = None) -> AsyncIterator[Visitor]:
    async with somebody(*stack.demo_user) as person:
        yield Visitor(stack.resource, person, document_url)


@pytest.mark.parametrize("era", ERAS)
async def test_it_registers_logs_in_and_calls_a_tool(stack: Stack, era: str) -> None:
    async with a_visitor(stack) as visitor, visitor.connected(era) as client:
        me = await call(client, "whoami")
        registered = visitor.storage.client_info
    assert registered is not None
    assert me["client_id"] == registered.client_id
    assert me["issuer"] == stack.issuer
    assert me["scopes"] == [READ]
    assert [asked["resource"] for asked in visitor.opened] == [stack.resource]


@pytest.mark.requirement("TK18")
@pytest.mark.parametrize("era", ERAS)
async def test_it_refreshes_without_asking_anybody_again(stack: Stack, era: str) -> None:
    async with a_visitor(stack) as visitor, visitor.connected(era) as client:
        before = await call(client, "whoami")
        visitor.let_the_token_expire()
        after = await call(client, "whoami")
    assert after["subject"] == before["subject"]
    first, second = visitor.storage.received
    assert second.access_token != first.access_token
    assert second.refresh_token not in (None, first.refresh_token)
    assert len(visitor.opened) == 1


@pytest.mark.requirement("RS19", "RS20")
@pytest.mark.parametrize("era", ERAS)
async def test_it_asks_for_more_when_a_tool_needs_more(stack: Stack, era: str) -> None:
    async with a_visitor(stack) as visitor, visitor.connected(era) as client:
        await call(client, "whoami")
        created = await call(client, "create_context", title="Step-up", content="by the SDK")
        listed = await call(client, "list_contexts")
    assert [asked["scope"] for asked in visitor.opened] == [READ, f"{READ} {WRITE}"]
    assert visitor.storage.received[-1].scope == f"{READ} {WRITE}"
    assert created["id"] in [context["id"] for context in listed["contexts"]]


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    return PrivateCa.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def trusting_stack(ca: PrivateCa) -> Iterator[Stack]:
    """A stack that trusts the private authority beside the system's."""
    environment = {"OUTBOUND_CA_FILE": str(ca.certificate), "RATE_LIMITS": "off"}
    with running_stack(18_000, environment) as command:
        yield Stack(command.status(), (), command.data)


@asynccontextmanager
async def document_server(tls: ssl.SSLContext) -> AsyncIterator[str]:
    """A client's metadata document on https; gives its URL, which is the client_id."""

    async def serve(request: web.Request) -> web.Response:
        return web.json_response({**metadata(), "client_id": str(request.url)})

    application = web.Application()
    application.router.add_get("/oauth/client.json", serve)
    server = TestServer(application, scheme="https", host="127.0.0.1")
    await server.start_server(ssl=tls)
    try:
        yield f"https://localhost:{server.port}/oauth/client.json"
    finally:
        await server.close()


@pytest.mark.requirement("CI3")
async def test_a_document_under_an_authority_that_nobody_trusts_is_refused(
    trusting_stack: Stack, tmp_path: Path
) -> None:
    stranger = PrivateCa.create(tmp_path).server_context("localhost")
    async with document_server(stranger) as url, a_visitor(trusting_stack, url) as visitor:
        with pytest.RaisesGroup(
            pytest.RaisesExc(SmokeFailure, match=r"/authorize shows a page \(400\)"),
            flatten_subgroups=True,
        ):
            async with visitor.connected():
                pass
    assert visitor.storage.received == []


@pytest.mark.requirement("CI1", "CI4", "CI13")
@pytest.mark.parametrize("era", ERAS)
async def test_its_document_on_https_is_enough_to_log_in_call_a_tool_and_refresh(
    trusting_stack: Stack, ca: PrivateCa, era: str
) -> None:
    tls = ca.server_context("localhost")
    async with (
        document_server(tls) as url,
        a_visitor(trusting_stack, url) as visitor,
        visitor.connected(era) as client,
    ):
        me = await call(client, "whoami")
        visitor.let_the_token_expire()
        again = await call(client, "whoami")
        await call(client, "create_context", title="By document", content="by the SDK")
    assert me["client_id"] == again["client_id"] == url
    assert [asked["client_id"] for asked in visitor.opened] == [url, url]
    assert len({tokens.access_token for tokens in visitor.storage.received}) == 3
