"""The consent page: whose name is proven, and where the answer goes."""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from cimd_bridge.consent import BrowserCookie, ConsentForm
from cimd_bridge.consent_page import ConsentPage
from oauth_kit.records.client import Client
from oauth_kit.rules.authorization_request import AuthorizationRequest
from oauth_kit.rules.client_metadata import ClientMetadata
from oauth_kit.web.pages import Pages

DOCUMENT = "https://client.example/oauth/client.json"
SCOPES = {"mcp-api/read": "Read your contexts"}


def render(redirect_uri: str = "https://client.example/cb", **client: Any) -> str:
    metadata = ClientMetadata(
        redirect_uris=(redirect_uri,),
        token_endpoint_auth_method="none",
        client_name="Claude",
        logo_uri="https://tracker.example/logo.png",
    )
    asker = replace(Client(client_id="mcp-1", kind="registered", metadata=metadata), **client)
    request = AuthorizationRequest(
        client_id=asker.client_id,
        redirect_uri=redirect_uri,
        redirect_uri_was_sent=True,
        code_challenge="c" * 43,
        scopes=("mcp-api/read",),
        resource="https://mcp.example/mcp",
        state=None,
        prompt=frozenset(),
    )
    page = ConsentPage(Pages("cimd_bridge"), "The product", SCOPES)
    return page.render(ConsentForm("form-1", 0, asker, request), "sealed")


@pytest.mark.requirement("AU15")
def test_a_document_proves_its_host() -> None:
    text = render(client_id=DOCUMENT, kind="document", verified_host="client.example")
    assert DOCUMENT in text
    assert "client.example" in text
    assert "Unverified name" not in text


@pytest.mark.requirement("AU15")
def test_a_registration_proves_nothing() -> None:
    assert "Unverified name" in render()


@pytest.mark.requirement("AU15")
def test_a_document_of_this_computer_proves_nothing_either() -> None:
    url = "http://localhost:3003/client-metadata.json"
    proven = render(client_id=DOCUMENT, kind="document", verified_host="client.example")
    text = render(client_id=url, kind="document", loopback_document=True)
    assert url in text
    assert "this computer" in text.lower()
    assert "this computer" not in proven.lower()


@pytest.mark.requirement("AU15", "C14")
@pytest.mark.parametrize(
    ("redirect_uri", "target", "warned"),
    [
        ("http://127.0.0.1:51004/cb", "127.0.0.1:51004", True),
        ("http://localhost/cb", "localhost", True),
        ("https://client.example/cb", "client.example", False),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:", True),
    ],
)
def test_the_target_is_named_and_a_local_one_warned_of(
    redirect_uri: str, target: str, warned: bool
) -> None:
    text = render(redirect_uri, client_id=DOCUMENT, kind="document", verified_host="client.example")
    assert target in text
    assert ('data-testid="loopback-warning"' in text) == warned


@pytest.mark.requirement("AU15")
def test_scopes_and_resource_are_told() -> None:
    text = render()
    assert "Read your contexts" in text
    assert "https://mcp.example/mcp" in text


@pytest.mark.requirement("AU23")
def test_no_logo_is_loaded() -> None:
    assert "tracker.example" not in render()


@pytest.mark.requirement("AU19")
@pytest.mark.parametrize(
    ("issuer", "name", "secure"),
    [
        ("https://auth.example", "__Host-bridge-3004", True),
        ("http://localhost:3004", "bridge-3004", False),
    ],
)
def test_the_browsers_cookie_is_out_of_reach(issuer: str, name: str, secure: bool) -> None:
    response = web.Response()
    BrowserCookie(issuer, 3004).give(response, "b" * 43)
    cookie = response.cookies[name]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert bool(cookie["secure"]) == secure
    assert cookie["domain"] == ""
