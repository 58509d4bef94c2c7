"""Redirect URIs at registration and at use (RFC 6749 §3.1.2, RFC 8252 §7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.redirect_uris import (
    check_redirect_uri,
    is_loopback_redirect,
    is_native_redirect,
    origin_of,
    pick_redirect_uri,
    redirect_uri_matches,
    with_parameters,
)

NATIVE_SCHEMES = frozenset({"cursor", "vscode"})

DANGEROUS_SCHEMES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://h.example/%0aalert(1)",
    "javascript:/alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java\x00script:alert(1)",
    "data:text/html,x",
    "data:/text/html,x",
    "vbscript:/x",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "blob:https://h.example/1",
    "blob:/h.example/1",
    "about:blank",
    "about:/blank",
    "view-source:https://h.example/",
    "view-source:/h.example/",
    "intent://h.example/#Intent;end",
    "intent:/h.example/",
    "mailto:/a",
    "ftp://h.example/cb",
    "ws://h.example/cb",
    "wss://h.example/cb",
]

CONFUSED_HOSTS = [
    "https://good.example@evil.example/cb",
    "https://good.example:x@evil.example/cb",
    "https://@evil.example/cb",
    "https://good.example\\@evil.example/cb",
    "https://good.example\\.evil.example/cb",
    "https://good.example/cb#",
    "https://good.example/cb#frag",
    "https://good.example/a/../cb",
    "https://good.example/./cb",
    "https://good.example/%2e%2e/cb",
    "https://good.example/a%2f..",
    "https://good.example/a%2F%2E%2e%2fcb",
    "https://good.example/a%5c..%5ccb",
    "https://xn--80ak6aa92e.example/cb",
    "https://\N{CYRILLIC SMALL LETTER A}pple.example/cb",
    "https://paypaI.example/cb",
    "https://localhost.evil.example/cb",
    "https://127.0.0.1.evil.example/cb",
    "https://10.0.0.1/cb",
    "https://127.0.0.1/cb",
    "https://[::1]/cb",
    "https://2130706433/cb",
    "https://0x7f.1/cb",
    "https://good.example./cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://localhost@evil.example/cb",
    "http://localhost:80@evil.example/cb",
    "http://127.0.0.2/cb",
    "http://127.1/cb",
    "http://0.0.0.0/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "http://0177.0.0.1/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://[0:0:0:0:0:0:0:1]/cb",
    "http://[::]/cb",
    "http://localhost./cb",
    "http://LOCALHOST/cb",
    "http://evil.example/cb",
    "HTTP://localhost/cb",
    "HTTPS://good.example/cb",
]

OTHER_FAULTS = [
    "https://*.good.example/cb",
    "https://good.example/*",
    "https://good.example/cb?x=*",
    "http://localhost:*/cb",
    "com.example.app:/*",
    "/cb",
    "//good.example/cb",
    "cb",
    "",
    "https:",
    "https://",
    "https:///cb",
    "https://good.example:/cb",
    "https://good.example:0/cb",
    "https://good.example:65536/cb",
    "https://good.example/c b",
    "https://good.example/cb\n",
    "https://good.example/cb\r\nSet-Cookie: a=b",
    "https://good.example/\x7f",
    'https://good.example/"',
    "https://good.example/<script>",
    "https://good.example/%",
    " https://good.example/cb",
    "unknown:/cb",
    "com.example.app:cb",
    "com.example.app:",
    "com..app:/cb",
    ".com:/cb",
    "com.:/cb",
    "1com.app:/cb",
    "com.example.app://user@host/cb",
    "com.example.app:/cb#",
    "com.example.app:/a/../cb",
    "com.example.app:/c b",
    "urn:ietf:wg:oauth:2.0:oob",
]

RESPONSE_PARAMETERS = [
    "https://good.example/cb?code=1",
    "https://good.example/cb?a=1&state=2",
    "https://good.example/cb?iss=x",
    "https://good.example/cb?error",
    "https://good.example/cb?error_description=x",
    "https://good.example/cb?%63ode=1",
    "https://good.example/cb?a=1;code=2",
    "http://localhost/cb?%73%74%61%74%65=1",
    "com.example.app:/cb?code=1",
]


@pytest.mark.requirement("REG7", "CI13")
@pytest.mark.parametrize(
    "uri", DANGEROUS_SCHEMES + CONFUSED_HOSTS + OTHER_FAULTS + RESPONSE_PARAMETERS
)
def test_a_redirect_uri_that_could_lead_elsewhere_is_refused(uri: str) -> None:
    with pytest.raises(OAuthError) as refused:
        check_redirect_uri(uri, native_schemes=NATIVE_SCHEMES)
    assert (refused.value.code, refused.value.status) == ("invalid_redirect_uri", 400)
    assert refused.value.reason


@pytest.mark.parametrize("scheme", ["javascript", "data", "file", "intent", "http", "https", "ftp"])
def test_no_setting_allows_a_scheme_that_browsers_interpret(scheme: str) -> None:
    with pytest.raises(OAuthError):
        check_redirect_uri(f"{scheme}:/x", native_schemes=frozenset({scheme}))


@pytest.mark.requirement("REG6")
@pytest.mark.parametrize("uri", [None, 1, True, ["https://good.example/cb"], {}, b"https://h/cb"])
def test_what_is_no_string_is_refused(uri: object) -> None:
    with pytest.raises(OAuthError):
        check_redirect_uri(uri, native_schemes=NATIVE_SCHEMES)


@pytest.mark.requirement("REG7")
@pytest.mark.parametrize(
    "uri",
    [
        "https://good.example/cb",
        "https://good.example",
        "https://good.example:8443/cb?tenant=a%20b&flag",
        "https://good.example/cb?",
        "https://good.example/cb?decode=1&mystate=2",
        "https://claude.ai/api/mcp/auth_callback",
        "https://localhost:3003/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1",
        "http://127.0.0.1:33418/",
        "http://[::1]:1/cb",
        "http://localhost:3000/cb",
        "com.ex.app:/cb",
        "Com.Ex.App:/cb",
        "com.example-x.app+y://host:1/cb?x=1",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode://vscode.github-authentication/did-authenticate",
    ],
)
def test_https_loopback_and_private_use_redirects_are_accepted_unchanged(uri: str) -> None:
    assert check_redirect_uri(uri, native_schemes=NATIVE_SCHEMES) == uri


def test_a_scheme_without_a_dot_needs_to_be_listed() -> None:
    with pytest.raises(OAuthError):
        check_redirect_uri("cursor://x/cb", native_schemes=frozenset())


@pytest.mark.requirement("AU4", "AU5")
@pytest.mark.parametrize(
    "asked",
    [
        "https://good.example/cb/",
        "https://good.example/CB",
        "https://good.example/cb?x=1",
        "https://good.example/cb?",
        "https://good.example/cb#",
        "https://good.example/cb%2f",
        "https://good.example/c%62",
        "https://good.example/cb/..",
        "https://good.example/x/../cb",
        "https://good.example/cb\n",
        "https://good.example:443/cb",
        "https://Good.example/cb",
        "HTTPS://good.example/cb",
        "http://good.example/cb",
        "https://good.example.evil.example/cb",
        "https://good.example@evil.example/cb",
        "https://good.example/cbx",
        "https://good.example/c",
        "",
    ],
)
def test_a_near_miss_is_not_the_registered_redirect(asked: str) -> None:
    assert not redirect_uri_matches("https://good.example/cb", asked)


@pytest.mark.requirement("AU5")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
@pytest.mark.parametrize("registered_port", ["", ":33418"])
@pytest.mark.parametrize("asked_port", ["", ":1", ":51004", ":65535"])
def test_the_port_of_a_loopback_redirect_is_free(
    host: str, registered_port: str, asked_port: str
) -> None:
    registered = f"http://{host}{registered_port}/cb?a=1"
    assert redirect_uri_matches(registered, f"http://{host}{asked_port}/cb?a=1")


@pytest.mark.requirement("AU5")
@pytest.mark.parametrize(
    "asked",
    [
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:51004/CB",
        "http://127.0.0.1:51004/cb?x=1",
        "http://127.0.0.1:51004/cb#x",
        "http://127.0.0.1:51004",
        "https://127.0.0.1:51004/cb",
        "http://localhost:51004/cb",
        "http://[::1]:51004/cb",
        "http://127.0.0.2:51004/cb",
        "http://127.0.0.1.evil.example:51004/cb",
        "http://127.0.0.1:51004@evil.example/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:051004/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:51004/cb\n",
        "http://127.0.0.1:5100\N{ARABIC-INDIC DIGIT FOUR}/cb",
        "http://127.0.0.1:51004/x/../cb",
    ],
)
def test_all_but_the_port_of_a_loopback_redirect_is_exact(asked: str) -> None:
    assert not redirect_uri_matches("http://127.0.0.1/cb", asked)


def test_only_loopback_http_has_a_free_port() -> None:
    assert not redirect_uri_matches("https://good.example/cb", "https://good.example:8443/cb")
    assert not redirect_uri_matches("https://localhost/cb", "https://localhost:8443/cb")
    assert not redirect_uri_matches(
        "com.example.app://localhost/", "com.example.app://localhost:1/"
    )


@pytest.mark.requirement("AU6")
@pytest.mark.parametrize("asked", [None, ""])
def test_an_omitted_redirect_needs_exactly_one_registered(asked: str | None) -> None:
    assert pick_redirect_uri(["https://a.example/cb"], asked) == "https://a.example/cb"
    assert pick_redirect_uri(["https://a.example/cb", "https://b.example/cb"], asked) is None
    assert pick_redirect_uri([], asked) is None


@pytest.mark.requirement("AU4")
def test_the_answer_goes_where_it_was_asked_for() -> None:
    registered = ["https://a.example/cb", "http://127.0.0.1:33418/"]
    assert pick_redirect_uri(registered, "https://a.example/cb") == "https://a.example/cb"
    assert pick_redirect_uri(registered, "http://127.0.0.1:9/") == "http://127.0.0.1:9/"
    assert pick_redirect_uri(registered, "https://b.example/cb") is None


def test_kinds_of_redirects_are_told_apart() -> None:
    assert is_loopback_redirect("http://[::1]:9/cb")
    assert not is_loopback_redirect("https://localhost/cb")
    assert not is_loopback_redirect("http://localhost.evil.example/cb")
    assert is_native_redirect("cursor://x/cb")
    assert not is_native_redirect("http://localhost/cb")
    assert not is_native_redirect("https://a.example/cb")


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://a.example/cb?x#y", "https://a.example"),
        ("https://a.example:443/cb", "https://a.example:443"),
        ("https://a.example", "https://a.example"),
        ("https://a.example?x", "https://a.example"),
        ("http://[::1]:9/cb", "http://[::1]:9"),
        ("https://a.example@evil.example/", None),
        ("https://a.example\\x/", None),
        ("https://a.example\n", None),
        ("cursor://x/cb", None),
        ("", None),
    ],
)
def test_an_origin_is_what_stands_before_the_path(uri: str, origin: str | None) -> None:
    assert origin_of(uri) == origin


@pytest.mark.requirement("CB1", "AU12")
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?code=c&state=%20%26%2B%2F%3D"),
        ("https://a.example", "https://a.example?code=c&state=%20%26%2B%2F%3D"),
        ("https://a.example/cb?", "https://a.example/cb?code=c&state=%20%26%2B%2F%3D"),
        (
            "https://a.example/cb?a&b=%FF",
            "https://a.example/cb?a&b=%FF&code=c&state=%20%26%2B%2F%3D",
        ),
        ("https://a.example/%7E?a&", "https://a.example/%7E?a&code=c&state=%20%26%2B%2F%3D"),
        ("cursor://x/cb", "cursor://x/cb?code=c&state=%20%26%2B%2F%3D"),
    ],
)
def test_parameters_are_appended_and_the_rest_stays(uri: str, expected: str) -> None:
    assert with_parameters(uri, [("code", "c"), ("state", " &+/=")]) == expected
    assert with_parameters(uri, []) == uri


uri_text = st.text() | st.text(alphabet="htps:/.@?#[]%2e01*\\\n\tcursoravi &=code")


@given(uri_text)
def test_an_arbitrary_string_is_accepted_unchanged_or_refused(uri: str) -> None:
    try:
        assert check_redirect_uri(uri, native_schemes=NATIVE_SCHEMES) == uri
    except OAuthError as error:
        assert error.code == "invalid_redirect_uri"  # noqa: PT017 - both outcomes are right


@given(uri_text, uri_text)
def test_nothing_that_is_not_registered_is_picked(registered: str, asked: str) -> None:
    picked = pick_redirect_uri([registered], asked)
    assert picked in {None, asked, registered}
    if picked is not None and asked and asked != registered:
        assert is_loopback_redirect(asked)
