"""The consent page: whose name is proven, and where the answer goes."""

import re
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from cimd_bridge.consent import BrowserCookie, ConsentForm
from cimd_bridge.consent_page import ConsentPage
from oauth_kit.records.client import Client
from oauth_kit.rules.authorization_request import AuthorizationRequest
from oauth_kit.rules.client_metadata import ClientMetadata
from oauth_kit.rules.scopes import ScopePolicy
from oauth_kit.web.brand import Brand
from oauth_kit.web.contrast import Color
from oauth_kit.web.pages import SHARED, Pages

DAY = 86_400
DOCUMENT = "https://client.example/oauth/client.json"
SENTENCES = {"mcp-api/read": "Read your contexts", "mcp-api/write": "Create and change them"}
POLICY = ScopePolicy(
    supported=("mcp-api/read", "mcp-api/write", "mcp-api/admin"),
    default=("mcp-api/read",),
    implies={"mcp-api/write": frozenset({"mcp-api/read"})},
)
BRAND = Brand("The product", Color.parse("#0b5cad"), Color.parse("#79b8ff"))


def render(
    redirect_uri: str = "https://client.example/cb",
    *,
    scopes: tuple[str, ...] = ("mcp-api/read",),
    says: dict[str, Any] | None = None,
    **client: Any,
) -> str:
    metadata = ClientMetadata(
        redirect_uris=(redirect_uri,),
        token_endpoint_auth_method="none",
        **{"client_name": "Claude", "logo_uri": "https://tracker.example/logo.png", **(says or {})},
    )
    asker = replace(Client(client_id="mcp-1", kind="registered", metadata=metadata), **client)
    request = AuthorizationRequest(
        client_id=asker.client_id,
        redirect_uri=redirect_uri,
        redirect_uri_was_sent=True,
        code_challenge="c" * 43,
        scopes=scopes,
        resource="https://mcp.example/mcp",
        state=None,
        prompt=frozenset(),
    )
    pages = Pages("cimd_bridge", SHARED, brand=BRAND)
    page = ConsentPage(pages, POLICY, SENTENCES, grant_seconds=90 * DAY, token_seconds=300)
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


def listed(text: str, test_id: str) -> list[str]:
    """The items of a list, each as its words."""
    found = re.search(rf'data-testid="{test_id}">(.*?)</ul>', text, re.DOTALL)
    assert found
    items = re.findall(r"<li>(.*?)</li>", found[1], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", item).split()) for item in items]


@pytest.mark.requirement("AU15")
@pytest.mark.parametrize(
    ("asked", "can", "cannot"),
    [
        (
            ("mcp-api/read",),
            ["Read your contexts mcp-api/read"],
            ["Create and change them mcp-api/write", "mcp-api/admin"],
        ),
        (
            ("mcp-api/write",),
            ["Create and change them mcp-api/write", "Read your contexts mcp-api/read"],
            ["mcp-api/admin"],
        ),
    ],
)
def test_what_it_can_and_cannot_do_is_told_with_what_a_scope_includes(
    asked: tuple[str, ...], can: list[str], cannot: list[str]
) -> None:
    text = render(scopes=asked)
    assert listed(text, "scopes") == can
    assert listed(text, "not-allowed")[: len(cannot)] == cannot
    assert "See your password" in listed(text, "not-allowed")[len(cannot)]
    assert "https://mcp.example/mcp" in text


@pytest.mark.requirement("AU15")
@pytest.mark.parametrize(
    ("grant_types", "told"),
    [
        (("authorization_code",), "5 minutes, then it has to ask again"),
        (
            ("authorization_code", "refresh_token"),
            "Until you log out in the app, or 90 days at most",
        ),
    ],
)
def test_it_says_for_how_long(grant_types: tuple[str, ...], told: str) -> None:
    assert told in render(says={"grant_types": grant_types})


@pytest.mark.requirement("AU15")
def test_a_registration_says_since_when() -> None:
    assert "registered itself on 4 March 2026," in render(issued_at=1_772_600_000)


@pytest.mark.requirement("AU15")
def test_an_app_without_a_name_gets_none() -> None:
    assert "An app without a name" in render(says={"client_name": ""})


@pytest.mark.requirement("AU15", "AU23")
@pytest.mark.parametrize(
    "client",
    [
        {"kind": "registered"},
        {"kind": "preregistered"},
        {"kind": "document", "client_id": DOCUMENT, "loopback_document": True},
        {"kind": "document", "client_id": "https://other.example/c.json"},
        {"kind": "document", "client_id": "https://client.example:8443/c.json"},
    ],
)
def test_no_link_leads_to_an_origin_that_the_app_has_not_proven(client: dict[str, Any]) -> None:
    pages = {"policy_uri": "https://client.example/privacy"}
    assert "/privacy" not in render(says=pages, **client)


@pytest.mark.requirement("AU15")
def test_an_app_with_a_domain_may_show_its_terms_there() -> None:
    pages = {
        "client_uri": "https://elsewhere.example/",
        "tos_uri": "https://client.example/terms",
        "policy_uri": "https://client.example/privacy",
    }
    text = render(says=pages, client_id=DOCUMENT, kind="document", verified_host="client.example")
    assert re.findall(r'<a href="(https:[^"]+)"', text) == [pages["tos_uri"], pages["policy_uri"]]


@pytest.mark.requirement("AU15")
def test_denying_looks_like_approving() -> None:
    buttons = re.findall(r"<button ([^>]+)>", render())
    assert [re.findall(r'value="(\w+)"', button) for button in buttons] == [["deny"], ["approve"]]
    assert not any("class" in button or "autofocus" in button for button in buttons)


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
