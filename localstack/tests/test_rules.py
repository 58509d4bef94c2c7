"""The pure rules, without a process: tables of what Cognito takes and refuses."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cognito_emulator.rules import pkce
from cognito_emulator.rules.app_client import AppClient, User, lifetime_seconds
from cognito_emulator.rules.app_client_rules import PoolFacts, check_app_client
from cognito_emulator.rules.authorization_request import parse
from cognito_emulator.rules.claims import at_hash, readable_attributes
from cognito_emulator.rules.client_authentication import (
    ClientCredentials,
    authenticate,
    read_credentials,
)
from cognito_emulator.rules.errors import ApiError, AuthorizationError, TokenError
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.rules.scopes import granted_scopes
from cognito_emulator.rules.urls import callback_url_problem, is_resource_indicator


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "/callback",
        "//example.com/cb",
        "https:",
        "https:/example.com",
        "https://",
        "https:///cb",
        "https://:443/cb",
        "https://example.com:port/cb",
        "https://example.com:70000/cb",
        "https://[::1/cb",
        "https://example.com/cb#",
        "https://example.com/#fragment",
        "https://user@example.com/cb",
        "https://user:pw@localhost/cb",
        "https://example.com\\@evil.example/",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/\x00",
        "http://example.com/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost@evil.example/cb",
        "http://localhost\\@evil.example/cb",
        "http://127.0.0.2/cb",
        "http://0.0.0.0/cb",
        "http://[::2]/cb",
        "http://2130706433/cb",
        "http://192.168.0.1/cb",
        "HTTP://example.com/cb",
        "javascript:alert(1)",
        "javascript://x%0aalert(1)",
        "JavaScript://x",
        "data://text/html,x",
        "file:///etc/passwd",
        "vbscript://x",
        "blob://x",
        "1app://x",
        "https://example.com/" + "x" * 1024,
    ],
)
def test_a_callback_url_that_cognito_refuses_has_a_problem(url: str) -> None:
    assert callback_url_problem(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/cb?x=%2F&y=",
        "https://example.com:8443/cb",
        "https://[2001:db8::1]/cb",
        "http://localhost",
        "http://localhost:3000/cb",
        "http://127.0.0.1:1/cb",
        "http://[::1]:65535/cb",
        "myapp://example",
        "com.example.app://cb",
        "vscode://auth",
    ],
)
def test_a_callback_url_that_cognito_takes_has_none(url: str) -> None:
    assert callback_url_problem(url) is None


@given(st.text(max_size=80))
def test_judging_urls_never_fails(text: str) -> None:
    for url in (text, "http://" + text):
        problem = callback_url_problem(url)
        assert problem or not set(url) & set("# \t\n")
    assert is_resource_indicator("https://" + text) in {True, False}


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        ("http://127.0.0.1:3001/mcp", False),
        ("http://[::1]/mcp", False),
        ("http://example.com", False),
        ("http://localhost.example.com", False),
        ("http://user@localhost/", False),
        ("javascript://x", False),
        ("https://example.com/#x", False),
        ("mcp-api", False),
        ("urn:example:mcp", False),
        ("", False),
        ("http://localhost:3001/mcp", True),
        ("http://localhost", True),
        ("https://example.com/mcp?x=y", True),
        ("myapp://mcp", True),
    ],
)
def test_a_resource_is_https_localhost_or_a_custom_scheme(resource: str, allowed: bool) -> None:
    assert is_resource_indicator(resource) is allowed


VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("verifier", "challenge", "verified"),
    [
        (None, CHALLENGE, False),
        (VERIFIER, None, False),
        (CHALLENGE, CHALLENGE, False),
        ("", CHALLENGE, False),
        (VERIFIER + "\n", CHALLENGE, False),
        (VERIFIER + "=", CHALLENGE, False),
        ("x" * 129, CHALLENGE, False),
        (VERIFIER, CHALLENGE, True),
        (None, None, True),
    ],
)
def test_a_verifier_answers_its_challenge_only(
    verifier: str | None, challenge: str | None, verified: bool
) -> None:
    assert pkce.verifies(verifier, challenge) is verified


@pytest.mark.parametrize(
    "asked", ["admin", "openid admin", "openid,email", 'openid "', "openid\\", "email", "OPENID"]
)
def test_a_scope_that_is_not_the_clients_is_refused(asked: str) -> None:
    with pytest.raises(AuthorizationError) as refusal:
        granted_scopes(asked, ("openid", "email", "a/b"))
    assert refusal.value.code == "invalid_scope"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, ("openid", "email", "a/b")),
        ("", ("openid", "email", "a/b")),
        ("  ", ("openid", "email", "a/b")),
        ("a/b", ("a/b",)),
        ("a/b  openid a/b", ("a/b", "openid")),
    ],
)
def test_scopes_are_granted_once_and_in_their_order(
    asked: str | None, granted: tuple[str, ...]
) -> None:
    assert granted_scopes(asked, ("openid", "email", "a/b")) == granted


@pytest.mark.parametrize(
    ("credentials", "secret"),
    [
        (ClientCredentials("a", None), "right"),
        (ClientCredentials("a", ""), "right"),
        (ClientCredentials("a", "wrong"), "right"),
        (ClientCredentials("a", "right "), "right"),
        (ClientCredentials("a", "\u00e9"), "right"),
        (ClientCredentials("a", "anything"), None),
    ],
)
def test_wrong_credentials_are_invalid_client(
    credentials: ClientCredentials, secret: str | None
) -> None:
    with pytest.raises(TokenError) as refusal:
        authenticate(credentials, secret)
    assert refusal.value.code == "invalid_client"


def test_secrets_are_not_printed() -> None:
    assert "hidden" not in repr(ClientCredentials("a", "hidden"))
    client = AppClient.parse({"UserPoolId": "p", "ClientId": "c", "ClientName": "n"}, "hidden")
    assert "hidden" not in repr(client)


@given(st.text(max_size=40), st.text(max_size=40))
def test_reading_credentials_only_ever_raises_token_errors(header: str, body: str) -> None:
    form = Parameters([("client_id", body)])
    for authorization in (header, "Basic " + header):
        with contextlib.suppress(TokenError):
            assert read_credentials(authorization, form).client_id


@pytest.mark.parametrize("text", ["a=%ff", "a=%ED%A0%80", "\u00e9=1", "&".join(["a=b"] * 65)])
def test_parameters_that_cannot_be_read_are_no_parameters(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Parameters.parse(text)


def test_parameters_know_what_is_given_twice() -> None:
    parameters = Parameters.parse("a=1&b=&a=2")
    assert parameters.get("a") == "1"
    assert parameters.only("a") is None
    assert parameters.only("b") == ""
    assert parameters.only("c") is None
    assert parameters.repeated()


def client(**changes: Any) -> AppClient:
    answer = {
        "UserPoolId": "us-east-1_a",
        "ClientId": "client",
        "ClientName": "client",
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code", "implicit"],
        "AllowedOAuthScopes": ["openid", "email"],
        "SupportedIdentityProviders": ["COGNITO"],
        **changes,
    }
    return AppClient.parse(answer, None)


def test_oauth_settings_count_only_while_oauth_is_switched_on() -> None:
    switched_off = client(AllowedOAuthFlowsUserPoolClient=False)
    assert (switched_off.flows, switched_off.scopes) == (frozenset(), ())


def test_the_implicit_grant_is_said_to_be_missing() -> None:
    asked = Parameters([("response_type", "token")])
    with pytest.raises(AuthorizationError) as refusal:
        parse(asked, client(), "https://example.com")
    assert refusal.value.code == "unsupported_response_type"


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ("{}", True),
        ("[1]", True),
        ('  {"a": "b"}', True),
        ("[" * 100_000, False),
        ("{a}", False),
        ('"text"', False),
        ("12", False),
        ("", False),
    ],
)
def test_state_must_not_be_a_json_object_or_array(state: str, refused: bool) -> None:
    asked = Parameters([("response_type", "code"), ("state", state)])
    if refused:
        with pytest.raises(AuthorizationError):
            parse(asked, client(), "https://example.com")
    else:
        assert parse(asked, client(), "https://example.com").state == state


@pytest.mark.parametrize(
    ("kind", "settings", "seconds"),
    [
        ("AccessToken", {}, 3600),
        ("RefreshToken", {}, 30 * 86400),
        ("RefreshToken", {"RefreshTokenValidity": 0}, 30 * 86400),
        ("AccessToken", {"AccessTokenValidity": 2}, 7200),
        ("RefreshToken", {"RefreshTokenValidity": 2}, 2 * 86400),
        (
            "IdToken",
            {"IdTokenValidity": 600, "TokenValidityUnits": {"IdToken": "seconds"}},
            600,
        ),
    ],
)
def test_lifetimes_have_cognitos_units_and_defaults(
    kind: Any, settings: dict[str, Any], seconds: int
) -> None:
    assert lifetime_seconds(settings, kind) == seconds


POOL = PoolFacts(custom_scopes=frozenset({"api/read"}), identity_providers=frozenset({"Okta"}))


def test_a_provider_of_the_pool_and_a_custom_scope_are_taken() -> None:
    wanted = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["api/read"],
        "SupportedIdentityProviders": ["COGNITO", "Okta"],
    }
    check_app_client(wanted, POOL, has_secret=True)


@pytest.mark.parametrize("name", ["AccessToken", "IdToken"])
def test_a_token_must_not_outlive_the_refresh_token(name: str) -> None:
    wanted = {
        f"{name}Validity": 2,
        "RefreshTokenValidity": 1,
        "TokenValidityUnits": {"RefreshToken": "hours"},
    }
    with pytest.raises(ApiError) as refusal:
        check_app_client(wanted, POOL, has_secret=False)
    assert refusal.value.error_type == "InvalidParameterException"


@pytest.mark.parametrize(
    ("scopes", "names"),
    [
        (["openid"], {"email", "email_verified", "phone_number", "name"}),
        (["openid", "profile"], {"email", "email_verified", "phone_number", "name"}),
        (["openid", "email"], {"email", "email_verified"}),
        (["openid", "phone"], {"phone_number"}),
        (["openid", "phone", "email"], {"email", "email_verified", "phone_number"}),
    ],
)
def test_scopes_open_attributes(scopes: list[str], names: set[str]) -> None:
    attributes = {
        "sub": "s",
        "email": "e",
        "email_verified": "true",
        "phone_number": "p",
        "name": "n",
    }
    user = User("us-east-1_a", "u", "s", enabled=True, status="CONFIRMED", attributes=attributes)
    assert readable_attributes(user, scopes, client()).keys() == names


def test_a_client_reads_only_what_it_may() -> None:
    user = User("p", "u", "s", enabled=True, status="", attributes={"email": "e", "name": "n"})
    assert readable_attributes(user, ["openid"], client(ReadAttributes=["name"])) == {"name": "n"}


def test_at_hash_is_the_left_half_of_the_digest() -> None:
    # The example of OpenID Connect Core, Appendix A.3.
    assert at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"


@given(st.text(max_size=50))
def test_json_states_are_found_without_failing(text: str) -> None:
    asked = Parameters([("response_type", "code"), ("state", "{" + text)])
    try:
        json.loads("{" + text)
    except ValueError:
        assert parse(asked, client(), "https://example.com").state == "{" + text
