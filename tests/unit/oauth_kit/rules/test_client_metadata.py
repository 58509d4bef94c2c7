"""What a client that registers may say about itself (RFC 7591 §2)."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.client_metadata import (
    ClientMetadata,
    MetadataPolicy,
    clean_display_name,
    read_registration,
)
from oauth_kit.rules.errors import OAuthError

POLICY = MetadataPolicy(native_schemes=frozenset({"cursor"}))
MINIMAL = {"redirect_uris": ["https://client.example/cb"]}
PUBLIC_KEY = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "1"}


def register(**members: object) -> ClientMetadata:
    return read_registration(MINIMAL | members, POLICY)


@pytest.mark.requirement("REG6")
@pytest.mark.parametrize(
    "document",
    [
        {},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": "https://client.example/cb"},
        {"redirect_uris": {"0": "https://client.example/cb"}},
        {"redirect_uris": [None]},
        {"redirect_uris": [["https://client.example/cb"]]},
        {"redirect_uris": ["https://client.example/cb", "javascript:alert(1)"]},
        {"redirect_uris": ["http://localhost:*/cb"]},
    ],
)
def test_redirect_uris_must_be_a_list_of_good_ones(document: dict[str, object]) -> None:
    with pytest.raises(OAuthError) as refused:
        read_registration(document, POLICY)
    assert (refused.value.code, refused.value.status) == ("invalid_redirect_uri", 400)


@pytest.mark.requirement("REG14")
def test_redirect_uris_are_limited_in_number_and_length() -> None:
    def uris(count: int) -> list[str]:
        return [f"https://client.example/{number}" for number in range(count)]

    assert len(register(redirect_uris=uris(20)).redirect_uris) == 20
    longest = "https://client.example/".ljust(2048, "a")
    assert register(redirect_uris=[longest]).redirect_uris == (longest,)
    for bad in (uris(21), [longest + "a"]):
        with pytest.raises(OAuthError) as refused:
            register(redirect_uris=bad)
        assert refused.value.code == "invalid_redirect_uri"


REFUSED_MEMBERS: list[dict[str, Any]] = [
    # REG9
    {"grant_types": ["refresh_token"], "response_types": ["code"]},
    {"grant_types": ["refresh_token"]},
    {"grant_types": []},
    {"response_types": []},
    {"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]},
    # REG10
    {"grant_types": ["authorization_code", "implicit"]},
    {"grant_types": ["authorization_code", "password"]},
    {"grant_types": ["authorization_code", "client_credentials"]},
    {"grant_types": "authorization_code"},
    {"grant_types": [["authorization_code"]]},
    {"grant_types": ["authorization_code", 1]},
    {"grant_types": [f"urn:{number}" for number in range(32)] + ["authorization_code"]},
    {"response_types": ["token"]},
    {"response_types": ["code", "token"]},
    {"response_types": ["code id_token"]},
    {"response_types": "code"},
    {"token_endpoint_auth_method": "client_secret_jwt"},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [PUBLIC_KEY]}},
    {"token_endpoint_auth_method": "tls_client_auth"},
    {"token_endpoint_auth_method": "NONE"},
    {"token_endpoint_auth_method": ["none"]},
    {"token_endpoint_auth_method": True},
    # REG11
    {"jwks": {"keys": [PUBLIC_KEY]}, "jwks_uri": "https://client.example/jwks"},
    {"jwks": {"keys": [PUBLIC_KEY | {"d": "AA"}]}},
    {"jwks": {"keys": [{"kty": "RSA", "n": "AA", "e": "AQAB", "p": "AA"}]}},
    {"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}},
    {"jwks": {"keys": [{"kty": "OCT"}]}},
    {"jwks": {"keys": [{"kty": "EC", "k": "AA"}]}},
    {"jwks": {"keys": [PUBLIC_KEY, {"kty": "oct"}]}},
    {"jwks": {"keys": [{}]}},
    {"jwks": {"keys": ["x"]}},
    {"jwks": {"keys": {}}},
    {"jwks": {}},
    {"jwks": [PUBLIC_KEY]},
    {"jwks": "x"},
    {"jwks_uri": "http://client.example/jwks"},
    {"jwks_uri": "https://10.0.0.1/jwks"},
    {"jwks_uri": "https://127.0.0.1/jwks"},
    {"jwks_uri": "https://localhost/jwks"},
    {"jwks_uri": "https://[::1]/jwks"},
    {"jwks_uri": "https://169.254.169.254/latest"},
    {"jwks_uri": "https://user@client.example/jwks"},
    {"jwks_uri": "https://client.example/jwks#x"},
    {"jwks_uri": "file:///etc/passwd"},
    {"jwks_uri": ["https://client.example/jwks"]},
    # REG12
    *(
        {name: value}
        for name in ("client_uri", "logo_uri", "tos_uri", "policy_uri")
        for value in (
            "javascript:alert(1)",
            "data:image/svg+xml,x",
            "http://client.example/",
            "https://10.0.0.1/logo.png",
            "https://user@client.example/",
            'https://client.example/"onerror=',
            "//client.example/",
            "/logo.png",
            "client.example",
            ["https://client.example/"],
            1,
        )
    ),
    # REG8
    {"application_type": "desktop"},
    {"application_type": "Native"},
    {"application_type": ["native"]},
    # REG14
    {"client_name": "x" * 2049},
    {"client_name": ["x"]},
    {"client_name": 1},
    {"software_id": "x" * 2049},
    {"software_version": 1},
    {"client_uri": "https://client.example/".ljust(2049, "a")},
    {"grant_types": ["authorization_code", "urn:" + "x" * 2048]},
    # REG16
    {"scope": ["mcp-api/read"]},
    {"scope": "a  b"},
    {"scope": 'a"b'},
    {"scope": "a\nb"},
    {"scope": "x" * 2049},
]


@pytest.mark.requirement("REG8", "REG9", "REG10", "REG11", "REG12", "REG14", "REG16")
@pytest.mark.parametrize("members", REFUSED_MEMBERS)
def test_metadata_that_we_cannot_honour_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(OAuthError) as refused:
        register(**members)
    assert (refused.value.code, refused.value.status) == ("invalid_client_metadata", 400)


@pytest.mark.requirement("REG3")
@pytest.mark.parametrize(
    "members",
    [
        {},
        dict.fromkeys(
            ("token_endpoint_auth_method", "grant_types", "response_types", "scope", "jwks")
        ),
        {"token_endpoint_auth_method": "", "scope": "", "client_name": "", "logo_uri": ""},
    ],
)
def test_what_is_left_out_has_the_defaults_of_the_rfc(members: dict[str, Any]) -> None:
    assert register(**members).to_document() == {
        "redirect_uris": ["https://client.example/cb"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    }


@pytest.mark.requirement("REG1", "REG8", "TK17")
def test_everything_that_is_registered_is_told_back() -> None:
    document: dict[str, object] = {
        "redirect_uris": ["https://client.example/cb", "http://127.0.0.1/cb", "cursor://x/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "mcp-api/read mcp-api/write",
        "client_name": "A client",
        "client_uri": "https://client.example",
        "logo_uri": "https://cdn.example/logo.png?x=1",
        "tos_uri": "https://client.example/legal#terms",
        "policy_uri": "http://localhost:3002/policy",
        "software_id": "4f9c",
        "software_version": "1.0",
        "application_type": "native",
    }
    metadata = read_registration(document, POLICY)
    assert metadata.to_document() == document
    assert ClientMetadata.from_document(metadata.to_document()) == metadata
    assert metadata.scope == ("mcp-api/read", "mcp-api/write")
    assert metadata.allows_refresh
    assert not register().allows_refresh


@pytest.mark.requirement("REG4")
def test_unknown_members_and_those_of_the_server_mean_nothing() -> None:
    extra = {"foo": 1, "client_id": "x", "client_secret": "y", "client_name#ja": "z", "": []}
    assert register(**extra) == register()


def test_contacts_are_not_kept() -> None:
    assert "contacts" not in register(contacts=["someone@client.example"]).to_document()


def test_extension_grants_fall_away_and_repetitions_count_once() -> None:
    metadata = register(
        grant_types=["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"] * 2,
        redirect_uris=["https://client.example/cb"] * 2,
    )
    assert metadata.grant_types == ("authorization_code",)
    assert metadata.redirect_uris == ("https://client.example/cb",)


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_supported_methods_are_kept(method: str) -> None:
    assert register(token_endpoint_auth_method=method).token_endpoint_auth_method == method


@pytest.mark.requirement("REG8")
@pytest.mark.parametrize("application_type", [None, "native", "web"])
def test_any_application_type_may_have_a_loopback_redirect(application_type: str | None) -> None:
    metadata = register(
        application_type=application_type, redirect_uris=["http://127.0.0.1:3000/cb"]
    )
    assert metadata.application_type == application_type


@pytest.mark.parametrize(
    "members",
    [{"jwks": {"keys": [PUBLIC_KEY]}}, {"jwks": {"keys": []}}, {"jwks_uri": "https://c.example/j"}],
)
def test_public_keys_are_harmless(members: dict[str, Any]) -> None:
    assert register(**members) == register()


@pytest.mark.requirement("REG14")
def test_members_may_be_as_large_as_the_limits() -> None:
    extension_grants = [f"urn:{number}" for number in range(30)]
    metadata = register(
        software_id="x" * 2048,
        grant_types=["authorization_code", "urn:".ljust(2048, "x"), *extension_grants],
    )
    assert metadata.software_id == "x" * 2048
    assert metadata.grant_types == ("authorization_code",)


@pytest.mark.requirement("REG13")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Claude\N{RIGHT-TO-LEFT OVERRIDE}edualC", "ClaudeedualC"),
        ("\N{LEFT-TO-RIGHT ISOLATE}Claude\N{POP DIRECTIONAL ISOLATE}", "Claude"),
        ("Cl\N{ZERO WIDTH SPACE}au\N{ZERO WIDTH JOINER}de\N{ZERO WIDTH NO-BREAK SPACE}", "Claude"),
        ("Cla\N{SOFT HYPHEN}ude\N{WORD JOINER}", "Claude"),
        ("Cla\N{COMBINING GRAPHEME JOINER}ude", "Claude"),
        ("Claude\U000e0041\U000e007f", "Claude"),
        ("Claude\N{HANGUL FILLER}\N{BRAILLE PATTERN BLANK}\N{HALFWIDTH HANGUL FILLER}", "Claude"),
        ("Claude\ufe0f\U000e0100\N{MONGOLIAN VOWEL SEPARATOR}", "Claude"),
        ("Claude\ue000\U000f0000\u0378\ud800", "Claude"),
        ("\x1b[31mClaude\x07\x00\x7f\x9b", "[31mClaude"),
        ("  Claude\r\n\tCode\u2028x\u3000y\u00a0 ", "Claude Code x y"),
        ("Cafe\N{COMBINING ACUTE ACCENT}", "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("x" + "\N{COMBINING ACUTE ACCENT}" * 30, "x" + "\N{COMBINING ACUTE ACCENT}" * 4),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\N{CJK UNIFIED IDEOGRAPH-4E2D} \N{GRINNING FACE}", "\u4e2d \N{GRINNING FACE}"),
        ("\N{ZERO WIDTH SPACE} \N{HANGUL FILLER}", ""),
        ("x" * 500, "x" * 120),
        ("x" * 119 + " y", "x" * 119),
    ],
)
def test_a_name_is_fit_to_be_shown(name: str, shown: str) -> None:
    assert register(client_name=name).client_name == shown


@given(st.text(max_size=200), st.integers(min_value=1, max_value=50))
def test_a_cleaned_name_is_short_visible_and_stays_as_it_is(name: str, limit: int) -> None:
    cleaned = clean_display_name(name, limit)
    assert len(cleaned) <= limit
    assert not {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} & set(map(unicodedata.category, cleaned))
    assert cleaned == cleaned.strip()
    assert clean_display_name(cleaned, limit) == cleaned


member_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["code", "none"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children),
)
known_names = st.sampled_from(
    [
        "redirect_uris",
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "scope",
        "client_name",
        "logo_uri",
        "jwks",
        "jwks_uri",
        "software_id",
        "application_type",
    ]
)


@given(st.dictionaries(known_names, member_values), st.booleans())
def test_an_arbitrary_object_is_read_or_refused(document: dict[str, object], valid: bool) -> None:
    if valid:
        document = document | MINIMAL
    try:
        metadata = read_registration(document, POLICY)
    except OAuthError as error:
        assert error.code in {"invalid_redirect_uri", "invalid_client_metadata"}  # noqa: PT017
        assert error.status == 400  # noqa: PT017 - both outcomes are right
        return
    assert ClientMetadata.from_document(metadata.to_document()) == metadata
