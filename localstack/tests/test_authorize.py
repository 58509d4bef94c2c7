"""The authorization endpoint: what goes on, what returns to the app, what never does."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from yarl import URL

pytestmark = pytest.mark.integration

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/callback",
        "http://localhost:3004/callback/",
        "http://localhost:3005/callback",
        "http://127.0.0.1:3004/callback",
        "http://localhost:3004/callback?x=1",
        "http://localhost:3004/callback#x",
        "HTTP://localhost:3004/callback",
        "http://localhost:3004/Callback",
        "http://localhost:3004/callback%00",
        "//evil.example",
        "javascript:alert(1)",
        " http://localhost:3004/callback",
    ],
)
async def test_a_redirect_uri_that_is_not_registered_ends_on_the_error_page(
    public: Any, redirect_uri: str
) -> None:
    answer = await public.authorize(redirect_uri=redirect_uri)
    assert answer.status == 302
    expected = f"/error?error=redirect_mismatch&client_id={public.client_id}"
    assert answer.location == expected
    page = await public.request("GET", answer.location)
    assert page.status == 400
    assert "redirect_mismatch" in page.text
    assert "evil.example" not in page.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_log_in_page_judges_the_redirect_uri_too(public: Any, method: str) -> None:
    parameters = public.parameters(redirect_uri="https://evil.example/")
    form = {"username": "demo@example.com", "password": public.password}
    answer = await public.request(method, "/login", params=parameters, data=form)
    assert answer.status == 302
    assert answer.location.startswith("/error?error=redirect_mismatch")


@pytest.mark.parametrize(
    "client_id", ["nobody", "", None, "x" * 200, "../../x", "a b", "\u00e9", "https://evil.example"]
)
async def test_an_unknown_client_ends_on_the_error_page(public: Any, client_id: str | None) -> None:
    answer = await public.authorize(client_id=client_id)
    assert answer.status == 302
    assert answer.location.startswith("/error?error=")


async def test_a_repeated_redirect_uri_or_client_id_ends_on_the_error_page(public: Any) -> None:
    pairs = list(public.parameters().items())
    for name in ("client_id", "redirect_uri"):
        twice = [*pairs, (name, dict(pairs)[name])]
        answer = await public.request("GET", "/oauth2/authorize", params=twice)
        assert answer.location.startswith("/error?error=")


async def test_a_missing_redirect_uri_ends_on_the_error_page(public: Any) -> None:
    answer = await public.authorize(redirect_uri=None)
    assert answer.location.startswith("/error?error=Required%20String%20parameter")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "id_token"}, "invalid_request"),
        ({"response_type": "code token"}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"scope": "mcp-api/write"}, "invalid_scope"),
        ({"scope": 'openid "'}, "invalid_scope"),
        ({"scope": "openid\temail"}, "invalid_scope"),
        ({"scope": "email"}, "invalid_scope"),
        ({"state": '{"a":1}'}, "invalid_request"),
        ({"state": ' ["a"]'}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "always"}, "invalid_request"),
        ({"identity_provider": "Google"}, "invalid_request"),
        ({"idp_identifier": "x"}, "invalid_request"),
        ({"resource": "http://127.0.0.1:3001/mcp"}, "invalid_request"),
        ({"resource": "http://example.com/mcp"}, "invalid_request"),
        ({"resource": "mcp-api"}, "invalid_request"),
        ({"resource": "https://example.com/mcp#x"}, "invalid_request"),
        ({"resource": ""}, "invalid_request"),
    ],
)
async def test_a_refusal_returns_to_the_app_with_its_state(
    public: Any, changes: dict[str, str | None], error: str
) -> None:
    answer = await public.authorize(**changes)
    assert answer.status == 302
    assert answer.location.startswith(public.redirect_uri + "?")
    assert answer.query["error"] == error
    assert answer.query["state"] == changes.get("state", "opaque")
    assert "code" not in answer.query


@pytest.mark.parametrize("name", ["state", "scope", "resource", "code_challenge", "nonce"])
async def test_a_repeated_parameter_is_refused(public: Any, name: str) -> None:
    pairs = [*public.parameters().items(), (name, "https://one.example"), (name, "two")]
    answer = await public.request("GET", "/oauth2/authorize", params=pairs)
    assert answer.query["error"] == "invalid_request"


@pytest.mark.parametrize("query", ["client_id=%ff", "client_id=%ED%A0%80", "a=b&" * 100])
@pytest.mark.parametrize("path", ["/oauth2/authorize", "/login", "/logout", "/error"])
async def test_a_query_that_cannot_be_read_ends_on_the_error_page(
    public: Any, path: str, query: str
) -> None:
    url = URL(f"{public.emulator.url}{path}?{query}", encoded=True)
    async with public.session.get(url, allow_redirects=False) as answer:
        if path == "/error":
            assert answer.status == 400
        else:
            assert answer.status == 302
            assert answer.headers["Location"].startswith("/error?error=")


async def test_a_valid_request_goes_to_the_log_in_page_with_what_it_brought(public: Any) -> None:
    answer = await public.authorize(scope="openid", unexpected="x")
    assert answer.status == 302
    assert urlsplit(answer.location).path == "/login"
    assert answer.query == public.parameters(scope="openid")


async def test_a_client_without_identity_providers_has_no_log_in_page(
    public: Any, make_client: Any
) -> None:
    client_id = make_client(SupportedIdentityProviders=[])["ClientId"]
    answer = await public.authorize(client_id=client_id)
    assert answer.location == f"/error?error=unauthorized_client&client_id={client_id}"


async def test_posting_to_the_authorization_endpoint_is_not_possible(public: Any) -> None:
    answer = await public.request("POST", "/oauth2/authorize", data=public.parameters())
    assert answer.status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/health",
        "/_ministack/ready",
        "/_ministack/reset",
        "/%5Fministack/reset",
        "//_ministack/reset",
        "/oauth2/../_ministack/reset",
        "/us-east-1_x/.well-known/../../_ministack/health",
        "/health",
        "/s3/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_nothing_else_of_ministack_is_reachable(public: Any, path: str, method: str) -> None:
    answer = await public.request(method, public.emulator.url + path)
    assert answer.status == 404
