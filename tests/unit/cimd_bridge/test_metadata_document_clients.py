"""Clients known by the URL of a document, from /authorize on (development's loopback documents)."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.bridge_harness import Answer, Bridge, Pkce

from oauth_kit.records.client import Client
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration

REDIRECT = "http://localhost:9999/cb"


@dataclass
class Host:
    """Serves one document, or what a test puts in its place."""

    url: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    response: web.Response | None = None
    fetches: int = 0

    def document(self) -> dict[str, Any]:
        return {
            "client_id": self.url,
            "client_name": "Doc client",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        } | self.changes

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.fetches += 1
        if self.response is not None:
            return self.response
        present = {name: value for name, value in self.document().items() if value is not None}
        return web.json_response(present, headers={"Cache-Control": "max-age=600"})


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    app = web.Application()
    app.router.add_get("/client.json", host.serve)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    host.url = str(server.make_url("/client.json"))
    yield host
    await server.close()


@pytest.fixture
async def bridge(make_bridge: Any) -> Bridge:
    made: Bridge = await make_bridge(cimd_allow_loopback=True)
    return made


def client_at(url: str) -> Client:
    metadata = read_registration(
        {"client_name": "Doc client", "redirect_uris": [REDIRECT]}, MetadataPolicy()
    )
    return Client(client_id=url, kind="document", metadata=metadata)


async def ask(bridge: Bridge, url: str, **options: Any) -> Answer:
    return await bridge.authorize(bridge.question(client_at(url), Pkce()), **options)


@pytest.mark.requirement("CI4", "CI5", "CI9", "CI13")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://other.example/client.json"},
        {"client_id": None},
        {"client_name": None},
        {"redirect_uris": []},
        {"redirect_uris": ["http://localhost:*/cb"]},
        {"redirect_uris": ["http://evil.example/cb"]},
        {"client_secret": "s"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
    ],
)
async def test_an_unsound_document_gets_a_page(
    bridge: Bridge, host: Host, changes: dict[str, Any]
) -> None:
    host.changes = changes
    answer = await ask(bridge, host.url)
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert host.fetches == 1


told: set[str] = set()
"""What people saw, but for the reference number: one and the same page."""


@pytest.mark.requirement("CI3", "CI8", "CI9", "C7", "C9")
@pytest.mark.parametrize(
    "response",
    [
        web.Response(status=404),
        web.Response(status=204),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/internal"}),
        web.Response(status=500),
        web.Response(text="{}", content_type="text/html"),
        web.Response(text="{", content_type="application/json"),
        web.Response(text=json.dumps({"x": "y" * 6000}), content_type="application/json"),
    ],
)
async def test_a_bad_answer_gets_the_same_page_whatever_it_was(
    bridge: Bridge, host: Host, response: web.Response
) -> None:
    host.response = response
    answer = await ask(bridge, host.url)
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert "127.0.0.1" not in answer.text
    told.add(re.sub(r'reference">[0-9a-f]{32}<', "", answer.text))
    assert len(told) == 1


@pytest.mark.requirement("CI1", "CI10", "CI11", "C15")
@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/client.json",
        "http://169.254.169.254/latest/meta-data.json",
        "https://10.0.0.1/client.json",
        "https://[::1]/client.json",
        "https://localhost.evil.example@127.0.0.1/client.json",
        "https://client.example/a/../client.json",
        "https://client.example/%2e%2e/client.json",
        "https://client.example/client.json#f",
        "https://client.example/",
        "https://client.example",
        "http://client.example/client.json",
    ],
)
async def test_urls_that_are_never_fetched(make_bridge: Any, url: str) -> None:
    bridge: Bridge = await make_bridge(cimd_allow_loopback=False)
    answer = await ask(bridge, url)
    assert answer.status == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("port", [3001, 3004, 3005, 3101, 3104, 3105, 3205])
async def test_our_own_ports_are_never_asked(bridge: Bridge, port: int) -> None:
    answer = await ask(bridge, f"http://localhost:{port}/client.json")
    assert answer.status == 400


async def test_a_foreign_page_cannot_make_us_probe_the_users_machine(
    bridge: Bridge, host: Host
) -> None:
    answer = await ask(bridge, host.url, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 400
    assert host.fetches == 0


@pytest.mark.requirement("AU15", "TK17", "CI6")
async def test_a_document_client_gets_from_question_to_refresh(bridge: Bridge, host: Host) -> None:
    client = client_at(host.url)
    page = await ask(bridge, host.url)
    assert "This computer, unverified" in page.text
    assert host.url in page.text
    tokens = await bridge.tokens_for(client)
    host.response = web.Response(status=500)
    refreshed = await bridge.refresh(client, tokens["refresh_token"])
    assert refreshed.status == 200
    assert host.fetches == 1


@pytest.mark.requirement("TK17")
async def test_a_document_without_the_refresh_grant_gets_no_refresh_token(
    bridge: Bridge, host: Host
) -> None:
    host.changes = {"grant_types": ["authorization_code"]}
    assert "refresh_token" not in await bridge.tokens_for(client_at(host.url))


@pytest.mark.requirement("CI4", "TK15")
async def test_a_document_client_has_no_secret(bridge: Bridge, host: Host) -> None:
    client = client_at(host.url)
    tokens = await bridge.tokens_for(client)
    refused = await bridge.refresh(client, tokens["refresh_token"], client_secret="s")
    assert (refused.status, refused.json()["error"]) == (401, "invalid_client")
