"""RFC 6749 §4.1.1, §4.1.2.1."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.authorization_request import (
    AuthorizationRequest,
    read_authorization_request,
    read_client_id,
)
from oauth_kit.rules.errors import AuthorizationError
from oauth_kit.rules.scopes import ScopePolicy

RESOURCE = "https://mcp.example/mcp"
REDIRECT = "https://client.example/cb?a=%2F"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
STATE = "a+b/c==~%20é&\x00\u202e"
POLICY = ScopePolicy(("mcp:tools", "mcp:write"), ("mcp:tools",), {})
GOOD = {
    "client_id": "c1",
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "resource": RESOURCE,
    "scope": "mcp:write",
    "state": STATE,
}
Pairs = list[tuple[str, str]]


def request_with(*extra: tuple[str, str], without: str = "", **changed: str) -> Pairs:
    return [(k, v) for k, v in (GOOD | changed).items() if k != without] + list(extra)


def read(parameters: Pairs, *, require_resource: bool = False) -> AuthorizationRequest:
    return read_authorization_request(
        parameters,
        redirect_uri=REDIRECT,
        redirect_uri_was_sent=True,
        registered_scope=None,
        scope_policy=POLICY,
        resource=RESOURCE,
        require_resource=require_resource,
    )


@pytest.mark.requirement("AU2", "AU3")
@pytest.mark.parametrize(
    "parameters",
    [
        [],
        [("client_id", "")],
        [("redirect_uri", REDIRECT)],
        [("client_id", "a"), ("client_id", "b")],
        [("client_id", "a"), ("client_id", "a")],
        [("client_id", ""), ("client_id", "a")],
        [("client_id", "a"), ("redirect_uri", REDIRECT), ("redirect_uri", REDIRECT)],
        [("client_id", "a"), ("redirect_uri", REDIRECT), ("redirect_uri", "")],
        [("client_id", "a\n")],
        [("client_id", "a\x00")],
        [("client_id", "é")],
        [("client_id", "\u202ea")],
    ],
)
def test_without_one_client_and_one_redirect_nothing_is_redirected(parameters: Pairs) -> None:
    with pytest.raises(AuthorizationError) as refused:
        read_client_id(parameters)
    assert (refused.value.code, refused.value.status) == ("invalid_request", 400)
    assert refused.value.redirect_uri is None


def test_a_doubled_client_is_never_redirected_even_when_it_is_read_later() -> None:
    with pytest.raises(AuthorizationError) as refused:
        read(request_with(("client_id", "other")))
    assert refused.value.redirect_uri is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([("client_id", "a")], ("a", None)),
        ([("client_id", "a"), ("redirect_uri", "")], ("a", None)),
        ([("redirect_uri", REDIRECT), ("client_id", "https://c/x y")], ("https://c/x y", REDIRECT)),
    ],
)
def test_client_and_redirect_are_read_raw(
    parameters: Pairs, expected: tuple[str, str | None]
) -> None:
    assert read_client_id(parameters) == expected


@pytest.mark.requirement("AU2", "AU7", "AU8", "AU9", "AU11", "AU13")
@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        *[
            (request_with((name, GOOD.get(name, "x"))), "invalid_request")
            for name in (*("response_type", "scope", "code_challenge", "code_challenge_method"),)
        ],
        (request_with(("scope", "")), "invalid_request"),
        (request_with(("prompt", "consent"), ("prompt", "login")), "invalid_request"),
        (request_with(("response_mode", "query"), ("response_mode", "query")), "invalid_request"),
        (request_with(("request", "a.b.c")), "request_not_supported"),
        (request_with(("request_uri", "urn:x")), "request_not_supported"),
        (request_with(("response_mode", "fragment")), "invalid_request"),
        (request_with(("response_mode", "form_post")), "invalid_request"),
        (request_with(("response_mode", "QUERY")), "invalid_request"),
        (request_with(without="response_type"), "invalid_request"),
        (request_with(response_type=""), "invalid_request"),
        (request_with(response_type="token"), "unsupported_response_type"),
        (request_with(response_type="code token"), "unsupported_response_type"),
        (request_with(response_type="Code"), "unsupported_response_type"),
        (request_with(without="code_challenge"), "invalid_request"),
        (request_with(without="code_challenge_method"), "invalid_request"),
        (request_with(code_challenge_method="plain"), "invalid_request"),
        (request_with(code_challenge=""), "invalid_request"),
        (request_with(code_challenge="a" * 42), "invalid_request"),
        (request_with(code_challenge="a" * 129), "invalid_request"),
        (request_with(code_challenge="a" * 42 + "+"), "invalid_request"),
        (request_with(scope="mcp:root"), "invalid_scope"),
        (request_with(scope="mcp:tools  mcp:write"), "invalid_scope"),
        (request_with(resource="https://other.example/mcp"), "invalid_target"),
        (request_with(resource=f"{RESOURCE}#f"), "invalid_target"),
        (request_with(resource="mcp"), "invalid_target"),
        (request_with(("resource", "https://other.example")), "invalid_target"),
        (request_with(("prompt", "none")), "consent_required"),
        (request_with(("prompt", "none login")), "invalid_request"),
    ],
)
def test_a_refusal_goes_to_the_redirect_with_the_state(parameters: Pairs, code: str) -> None:
    with pytest.raises(AuthorizationError) as refused:
        read(parameters)
    assert refused.value.code == code
    assert refused.value.redirect_uri == REDIRECT
    assert refused.value.state == STATE


@pytest.mark.requirement("AU2", "AU12")
@pytest.mark.parametrize(
    "parameters",
    [
        request_with(("state", "other")),
        request_with(("state", STATE)),
        request_with(state="x" * 4097),
        request_with(state="é" * 2049),
    ],
)
def test_a_doubled_or_overlong_state_is_refused_and_not_echoed(parameters: Pairs) -> None:
    with pytest.raises(AuthorizationError) as refused:
        read(parameters)
    assert refused.value.code == "invalid_request"
    assert refused.value.redirect_uri == REDIRECT
    assert refused.value.state is None


@pytest.mark.requirement("AU12")
@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (STATE, STATE),
        ("x" * 4096, "x" * 4096),
        ("é" * 2048, "é" * 2048),
        ("", None),
    ],
)
def test_the_state_is_kept_as_it_came(state: str, kept: str | None) -> None:
    assert read(request_with(state=state)).state == kept


def test_no_state_in_is_no_state_out() -> None:
    assert read(request_with(without="state")).state is None


@pytest.mark.requirement("AU1", "AU2", "AU9", "AU13")
@pytest.mark.parametrize(
    "extra",
    [
        [("foo", "1"), ("foo", "2")],
        [("nonce", "n"), ("max_age", "0"), ("login_hint", "x"), ("ui_locales", "de")],
        [("response_mode", "query")],
        [("request", ""), ("request_uri", ""), ("response_mode", ""), ("prompt", "")],
        [("resource", f"{RESOURCE}/"), ("resource", "")],
        [("__proto__", "x"), ("", "y")],
    ],
)
def test_unknown_and_empty_parameters_are_ignored(extra: Pairs) -> None:
    assert read(request_with(*extra)) == AuthorizationRequest(
        client_id="c1",
        redirect_uri=REDIRECT,
        redirect_uri_was_sent=True,
        code_challenge=CHALLENGE,
        scopes=("mcp:write",),
        resource=RESOURCE,
        state=STATE,
        prompt=frozenset(),
    )


@pytest.mark.requirement("AU1")
@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("consent", {"consent"}), ("login consent", {"login", "consent"}), ("x", {"x"})],
)
def test_prompt_is_a_set_of_words(prompt: str, expected: set[str]) -> None:
    assert read(request_with(("prompt", prompt))).prompt == expected


@pytest.mark.requirement("AU10", "AU11")
def test_what_is_not_asked_for_has_its_default() -> None:
    asked = read([(k, v) for k, v in GOOD.items() if k not in ("scope", "resource")])
    assert (asked.scopes, asked.resource) == (("mcp:tools",), RESOURCE)


@pytest.mark.requirement("AU10")
def test_a_strict_server_wants_the_resource_named() -> None:
    with pytest.raises(AuthorizationError) as refused:
        read(request_with(without="resource"), require_resource=True)
    assert (refused.value.code, refused.value.state) == ("invalid_target", STATE)


def test_the_state_is_in_no_representation() -> None:
    assert "s3cr3t" not in repr(read(request_with(state="s3cr3t")))


@given(
    st.lists(
        st.tuples(st.sampled_from([*GOOD, "prompt", "request", "response_mode"]), st.text()),
        max_size=12,
    )
)
def test_any_parameters_give_a_request_or_a_refusal(extra: Pairs) -> None:
    for parameters in (extra, request_with(*extra)):
        with suppress(AuthorizationError):
            assert read(parameters).redirect_uri == REDIRECT


@pytest.mark.requirement("AU12")
@given(st.text(min_size=1, max_size=200))
def test_any_state_survives_the_query_string(state: str) -> None:
    (pair,) = parse_qsl(urlencode([("state", state)]), strict_parsing=True)
    assert read(request_with(state=pair[1])).state == state
