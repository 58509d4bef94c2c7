"""RFC 6749 §2.3, §5.2."""

from base64 import b64encode
from contextlib import suppress
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.client_authentication import (
    Credentials,
    authenticate,
    hash_secret,
    read_credentials,
    secret_matches,
)
from oauth_kit.rules.errors import OAuthError

NOW = 1_800_000_000
SECRET = "s3cr3t-of-the-client"
DOCUMENT_ID = "https://client.example:8443/oauth/client.json?a=1+2&b=%20"
VSCHARS = st.text(st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E), min_size=1)


def basic(text: str | bytes, scheme: str = "Basic") -> str:
    raw = text.encode() if isinstance(text, str) else text
    return f"{scheme} {b64encode(raw).decode()}"


def form_encoded(client_id: str, secret: str) -> str:
    return basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")


@pytest.mark.requirement("TK13", "TK14")
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Bearer abc",
        basic("id:secret", "Bearer"),
        basic("id:secret", "Basic\t"),
        "Digest username=x",
        "Basicabc",
        "Basic !!!",
        "Basic YTpi=",
        "Basic YTpi====",
        "Basic YTp",
        "Basic YQ",
        "Basic YTpiCg==\n",
        "Basic YTpi YTpi",
        "Basic YTpiY2==",
        "Basic YTp\u00e9",
        basic("no-colon"),
        basic(":secret"),
        basic("id:"),
        basic(b"id:\xff"),
        basic("id:%ff"),
        basic("id:%zz"),
        basic("id:50%"),
        basic("id:a\x00b"),
        basic("id%00:a"),
        basic("id:a%0d%0ab"),
        basic("id:é"),
        basic("id:%C3%A9"),
        b64encode(b"id:secret").decode(),
        "Basic " + b64encode(b"\xfb\xef:\xff").decode().replace("+", "-").replace("/", "_"),
    ],
)
def test_a_malformed_authorization_header_is_an_invalid_client(header: str) -> None:
    with pytest.raises(OAuthError) as refused:
        read_credentials([header], {})
    assert (refused.value.code, refused.value.status) == ("invalid_client", 401)


@pytest.mark.requirement("TK15")
@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ([basic("a:b"), basic("a:b")], {}),
        ([basic("a:b"), "Bearer x"], {}),
        ([basic("a:b")], {"client_id": "a", "client_secret": "b"}),
        ([basic("a:b")], {"client_secret": "b"}),
        ([basic("a:b")], {"client_assertion": "x"}),
        ([], {"client_id": "a", "client_secret": "b", "client_assertion": "x"}),
        ([basic("a:b")], {"client_id": "other"}),
    ],
)
def test_two_methods_at_once_are_an_invalid_request(
    headers: list[str], form: dict[str, str]
) -> None:
    with pytest.raises(OAuthError) as refused:
        read_credentials(headers, form)
    assert (refused.value.code, refused.value.status) == ("invalid_request", 400)


@pytest.mark.requirement("TK13")
@pytest.mark.parametrize(
    "form",
    [
        {},
        {"client_secret": SECRET},
        {"client_id": "é"},
        {"client_id": "a\nb"},
        {"client_id": "a", "client_secret": "\x00"},
        {"client_id": "a", "client_assertion": "x.y.z"},
    ],
)
def test_a_caller_who_does_not_say_who_it_is_is_an_invalid_client(form: dict[str, str]) -> None:
    with pytest.raises(OAuthError) as refused:
        read_credentials([], form)
    assert refused.value.code == "invalid_client"


@pytest.mark.requirement("TK14", "TK15")
@pytest.mark.parametrize(
    ("headers", "form", "expected"),
    [
        ([], {"client_id": DOCUMENT_ID}, Credentials(DOCUMENT_ID, "none")),
        (
            [],
            {"client_id": "a", "client_secret": "b c"},
            Credentials("a", "client_secret_post", "b c"),
        ),
        ([basic("a:b")], {}, Credentials("a", "client_secret_basic", "b")),
        ([basic("a:b", "bASIC")], {}, Credentials("a", "client_secret_basic", "b")),
        ([basic("a:b")], {"client_id": "a"}, Credentials("a", "client_secret_basic", "b")),
        ([basic("a:b:c")], {}, Credentials("a", "client_secret_basic", "b:c")),
        ([basic("a%3Ab:c%25+d")], {}, Credentials("a:b", "client_secret_basic", "c% d")),
        (
            [form_encoded(DOCUMENT_ID, "x")],
            {},
            Credentials(DOCUMENT_ID, "client_secret_basic", "x"),
        ),
    ],
)
def test_the_three_methods_are_read(
    headers: list[str], form: dict[str, str], expected: Credentials
) -> None:
    assert read_credentials(headers, form) == expected


@pytest.mark.requirement("TK14")
@given(VSCHARS, VSCHARS)
def test_form_encoded_basic_credentials_survive(client_id: str, secret: str) -> None:
    credentials = read_credentials([form_encoded(client_id, secret)], {"client_id": client_id})
    assert credentials == Credentials(client_id, "client_secret_basic", secret)


@given(
    st.lists(st.one_of(st.text(), st.binary().map(basic), st.text().map(basic)), max_size=2),
    st.dictionaries(
        st.sampled_from(["client_id", "client_secret", "client_assertion"]), st.text(min_size=1)
    ),
)
def test_any_request_gives_credentials_or_a_refusal(
    headers: list[str], form: dict[str, str]
) -> None:
    with suppress(OAuthError):
        assert read_credentials(headers, form).client_id


def test_a_secret_is_in_no_representation() -> None:
    assert SECRET not in repr(Credentials("a", "client_secret_post", SECRET))


@pytest.mark.requirement("TK13", "TK15", "REG23")
@pytest.mark.parametrize(
    ("used", "secret", "registered", "defaulted"),
    [
        ("none", None, "client_secret_basic", False),
        ("none", None, "client_secret_basic", True),
        ("none", None, "client_secret_post", False),
        ("client_secret_basic", SECRET, "none", False),
        ("client_secret_post", SECRET, "none", False),
        ("client_secret_post", SECRET, "none", True),
        ("client_secret_post", SECRET, "client_secret_basic", False),
        ("client_secret_basic", SECRET, "client_secret_post", False),
        ("client_secret_basic", SECRET, "private_key_jwt", True),
        ("none", None, "private_key_jwt", False),
        ("client_secret_basic", SECRET + "x", "client_secret_basic", False),
        ("client_secret_basic", SECRET[:-1], "client_secret_basic", True),
        ("client_secret_basic", hash_secret(SECRET), "client_secret_basic", False),
        ("client_secret_basic", "", "client_secret_basic", False),
        ("client_secret_basic", None, "client_secret_basic", False),
    ],
)
def test_a_caller_who_is_not_that_client_is_refused(
    used: str, secret: str | None, registered: str, defaulted: bool
) -> None:
    with pytest.raises(OAuthError) as refused:
        authenticate(
            Credentials("a", used, secret),  # type: ignore[arg-type]
            method=registered,
            method_was_defaulted=defaulted,
            secret_hash=hash_secret(SECRET),
            now=NOW,
        )
    assert (refused.value.code, refused.value.status) == ("invalid_client", 401)
    assert refused.value.description == "Client authentication failed"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_without_a_kept_secret_cannot_use_one(method: str) -> None:
    with pytest.raises(OAuthError):
        authenticate(
            Credentials("a", method, "None"),  # type: ignore[arg-type]
            method=method,
            method_was_defaulted=False,
            secret_hash=None,
            now=NOW,
        )


@pytest.mark.requirement("TK15")
@pytest.mark.parametrize(
    ("used", "registered", "defaulted"),
    [
        ("none", "none", False),
        ("client_secret_basic", "client_secret_basic", False),
        ("client_secret_post", "client_secret_post", False),
        ("client_secret_post", "client_secret_basic", True),
        ("client_secret_basic", "client_secret_post", True),
    ],
)
def test_the_registered_method_authenticates(used: str, registered: str, defaulted: bool) -> None:
    authenticate(
        Credentials("a", used, None if used == "none" else SECRET),  # type: ignore[arg-type]
        method=registered,
        method_was_defaulted=defaulted,
        secret_hash=None if used == "none" else hash_secret(SECRET),
        now=NOW,
    )


@pytest.mark.requirement("TK13")
@pytest.mark.parametrize(
    ("expires_at", "accepted"), [(0, True), (NOW + 1, True), (NOW, False), (NOW - 1, False)]
)
def test_an_expired_secret_is_refused(expires_at: int, accepted: bool) -> None:
    def check() -> None:
        authenticate(
            Credentials("a", "client_secret_basic", SECRET),
            method="client_secret_basic",
            method_was_defaulted=False,
            secret_hash=hash_secret(SECRET),
            secret_expires_at=expires_at,
            now=NOW,
        )

    if accepted:
        check()
    else:
        with pytest.raises(OAuthError) as refused:
            check()
        assert refused.value.code == "invalid_client"


@pytest.mark.requirement("REG23")
def test_what_is_kept_of_a_secret_is_its_hash() -> None:
    hashed = hash_secret("abc")
    assert hashed == ("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert secret_matches("abc", hashed)
    for other in ("", "abc", hashed[:-1], hashed.upper(), hashed.removeprefix("sha256:"), "é"):
        assert not secret_matches("abc", other)
