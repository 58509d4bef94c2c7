"""Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document-02)."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.client_document import (
    DOCUMENT_REFUSED,
    MAX_DOCUMENT_BYTES,
    DocumentUrl,
    check_document_url,
    is_document_client_id,
    read_client_document,
)
from oauth_kit.rules.client_metadata import ClientMetadata, MetadataPolicy
from oauth_kit.rules.errors import OAuthError

URL = "https://client.example/oauth/client.json"
POLICY = MetadataPolicy(native_schemes=frozenset({"cursor"}))
DOCUMENT: dict[str, Any] = {
    "client_id": URL,
    "client_name": "A client",
    "redirect_uris": ["http://127.0.0.1/cb", "https://client.example/cb"],
}

CLAUDE_CODE = {
    "client_id": "https://claude.ai/oauth/claude-code-client-metadata",
    "client_name": "Claude Code",
    "client_uri": "https://claude.ai",
    "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}
CLAUDE = CLAUDE_CODE | {
    "client_id": "https://claude.ai/oauth/mcp-oauth-client-metadata",
    "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
    "grant_types": [
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
}
VS_CODE = {
    "client_id": "https://vscode.dev/oauth/client-metadata.json",
    "client_name": "Visual Studio Code",
    "client_uri": "https://vscode.dev/product",
    "logo_uri": "https://cdn.other.example/vscode-icon.png",
    "grant_types": [
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ],
    "response_types": ["code"],
    "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    "token_endpoint_auth_method": "none",
    "application_type": "native",
}
CHATGPT = {
    "client_id": "https://chatgpt.com/oauth/client.json?source=mcp",
    "client_name": "ChatGPT",
    "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
}


def read(
    document: object, *, url: str = URL, content_type: str = "application/json"
) -> ClientMetadata:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_client_document(url, content_type, body, POLICY)


@pytest.mark.requirement("CI1", "CI2", "CI10")
@pytest.mark.parametrize(
    "client_id",
    [
        "http://client.example/c.json",
        "https://client.example",
        "https://client.example/",
        "https://client.example?x=1",
        "https://client.example/?x=1",
        "https://client.example/a/../b",
        "https://client.example/./b",
        "https://client.example/%2e%2e/b",
        "https://client.example/%2E/b",
        "https://client.example/.%2e/b",
        "https://client.example/a%2f..%2fb",
        "https://client.example/c#f",
        "https://client.example/c#",
        "https://client.example/c?",
        "https://u:p@client.example/c",
        "https://u@client.example/c",
        "https://@client.example/c",
        "https://client.example\\c",
        "https://client.example/c\\d",
        "https://client.example./c",
        "https://Client.example/c",
        "HTTPS://client.example/c",
        "https://client.example:0/c",
        "https://client.example:65536/c",
        "https://client.example:/c",
        "https://client.example/c d",
        "https://client.example/c\n",
        "https://client.example/c\t",
        " https://client.example/c",
        "https://client.example/c\x00",
        "https://client.example/%",
        "https://client.example/\N{LATIN SMALL LETTER E WITH ACUTE}",
        "https://xn--80ak6aa92e.example/c",
        "https://127.0.0.1/c.json",
        "https://10.0.0.1/c",
        "https://8.8.8.8/c",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/c",
        "https://0x7f000001/c",
        "https://0x7f.1/c",
        "https://0177.0.0.1/c",
        "https://127.1/c",
        "https://0/c",
        "https://[::1]/c.json",
        "https://[::ffff:127.0.0.1]/c",
        "https://[64:ff9b::7f00:1]/c",
        "https://[fe80::1%25eth0]/c",
        "https://localhost/c.json",
        "http://localhost:3003/c.json",
        "http://127.0.0.1:3003/c.json",
        "https:///c",
        "https://",
        "ftp://client.example/c",
        "c",
        "",
        "https://client.example/".ljust(2049, "a"),
    ],
)
def test_a_client_id_in_another_form_is_never_fetched(client_id: str) -> None:
    with pytest.raises(OAuthError) as refused:
        check_document_url(client_id)
    assert refused.value.code == "invalid_client"
    assert refused.value.reason


@pytest.mark.requirement("CI1", "CI2")
@pytest.mark.parametrize(
    ("client_id", "host", "port", "path"),
    [
        (URL, "client.example", 443, "/oauth/client.json"),
        ("https://client.example:443/c", "client.example", 443, "/c"),
        ("https://client.example:8443/c", "client.example", 8443, "/c"),
        (CHATGPT["client_id"], "chatgpt.com", 443, "/oauth/client.json"),
        ("https://client.example/%7Ec/", "client.example", 443, "/%7Ec/"),
        ("https://client.example//", "client.example", 443, "//"),
        ("https://client.example/".ljust(2048, "a"), "client.example", 443, "/" + "a" * 2025),
    ],
)
def test_a_document_s_url_is_kept_byte_for_byte(
    client_id: str, host: str, port: int, path: str
) -> None:
    assert check_document_url(client_id) == DocumentUrl(client_id, "https", host, port, path)


@pytest.mark.requirement("CI11")
def test_loopback_is_allowed_only_when_asked_and_for_json() -> None:
    url = check_document_url("http://localhost:3003/c.json?x", allow_loopback_http=True)
    assert url == DocumentUrl(
        "http://localhost:3003/c.json?x", "http", "localhost", 3003, "/c.json"
    )
    assert url.is_loopback
    assert check_document_url("http://[::1]/c.json", allow_loopback_http=True).port == 80
    assert check_document_url("https://127.0.0.1/c.json", allow_loopback_http=True).port == 443
    assert not check_document_url(URL, allow_loopback_http=True).is_loopback
    for client_id in (
        "http://localhost:3003/c",
        "http://localhost:3003/c?x.json",
        "http://localhost.evil.example/c.json",
        "http://127.0.0.2/c.json",
        "http://client.example/c.json",
    ):
        with pytest.raises(OAuthError):
            check_document_url(client_id, allow_loopback_http=True)


def test_a_client_id_is_a_document_s_by_its_scheme() -> None:
    assert is_document_client_id(URL)
    assert is_document_client_id("http://localhost:3003/c.json")
    assert not is_document_client_id("HTTPS://client.example/c")
    assert not is_document_client_id("https:client")
    assert not is_document_client_id("a-https://x")


@pytest.mark.requirement("CI4", "CI8", "CI9")
@pytest.mark.parametrize(
    ("document", "content_type"),
    [
        (DOCUMENT, "text/html"),
        (DOCUMENT, "text/json"),
        (DOCUMENT, ""),
        (DOCUMENT, "application/jsonp"),
        (DOCUMENT, "application/x-json"),
        (DOCUMENT, "application/+json"),
        (DOCUMENT, "text/html; application/json"),
        (DOCUMENT, "application/json, text/html"),
        (DOCUMENT | {"client_id": URL + "/"}, "application/json"),
        (DOCUMENT | {"client_id": URL.upper()}, "application/json"),
        (DOCUMENT | {"client_id": URL + "?"}, "application/json"),
        (DOCUMENT | {"client_id": URL + "?x=1"}, "application/json"),
        (DOCUMENT | {"client_id": URL + "#"}, "application/json"),
        (
            DOCUMENT | {"client_id": "https://client.example:443/oauth/client.json"},
            "application/json",
        ),
        (
            DOCUMENT | {"client_id": "https://client.example/oauth/./client.json"},
            "application/json",
        ),
        (
            DOCUMENT | {"client_id": "https://client.example/oauth/%63lient.json"},
            "application/json",
        ),
        (DOCUMENT | {"client_id": "https://Client.example/oauth/client.json"}, "application/json"),
        (DOCUMENT | {"client_id": [URL]}, "application/json"),
        (DOCUMENT | {"client_id": None}, "application/json"),
        ({"client_name": "A client", "redirect_uris": ["http://127.0.0.1/cb"]}, "application/json"),
        ([DOCUMENT], "application/json"),
        (b"null", "application/json"),
        (b"", "application/json"),
        (b"{", "application/json"),
        (b'{"client_id":"%s","client_id":"%s"}' % (URL.encode(), URL.encode()), "application/json"),
        (json.dumps(DOCUMENT).encode("utf-16"), "application/json; charset=utf-16"),
        (json.dumps(DOCUMENT).encode().ljust(MAX_DOCUMENT_BYTES + 1), "application/json"),
    ],
)
def test_what_does_not_speak_for_its_url_is_refused_with_one_sentence(
    document: object, content_type: str
) -> None:
    with pytest.raises(OAuthError) as refused:
        read(document, content_type=content_type)
    assert (refused.value.code, refused.value.description) == ("invalid_client", DOCUMENT_REFUSED)
    assert refused.value.reason


@pytest.mark.requirement("CI2")
def test_the_port_that_is_the_default_makes_another_client() -> None:
    with pytest.raises(OAuthError):
        read(DOCUMENT, url="https://client.example:443/oauth/client.json")


@pytest.mark.requirement("CI4", "CI5", "CI13")
@pytest.mark.parametrize(
    "members",
    [
        {"client_secret": "s"},
        {"client_secret": None},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/j"},
        {"token_endpoint_auth_method": "unknown"},
        {"token_endpoint_auth_method": 1},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        {"token_endpoint_auth_methods_supported": "none"},
        {
            "token_endpoint_auth_method": "client_secret_post",
            "token_endpoint_auth_methods_supported": ["none"],
        },
        {"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}},
        {"jwks": {"keys": [{"kty": "EC", "d": "AA"}]}},
        {"jwks": {"keys": []}, "jwks_uri": "https://client.example/jwks"},
        {"jwks_uri": "https://10.0.0.1/jwks"},
        {"jwks_uri": "http://client.example/jwks"},
        {"logo_uri": "https://169.254.169.254/logo"},
        {"logo_uri": "javascript:alert(1)"},
        {"client_name": None},
        {"client_name": ""},
        {"client_name": " \N{ZERO WIDTH SPACE} "},
        {"client_name": ["A client"]},
        {"redirect_uris": None},
        {"redirect_uris": []},
        {"redirect_uris": "http://127.0.0.1/cb"},
        {"redirect_uris": ["http://localhost:*/cb"]},
        {"redirect_uris": ["https://*.client.example/cb"]},
        {"redirect_uris": ["https://client.example/cb", "http://client.example/cb"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://client.example/cb?code=1"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]},
        {"grant_types": ["refresh_token"]},
        {"response_types": ["token"]},
        {"application_type": "x"},
        {"scope": 1},
    ],
)
def test_a_document_that_breaks_a_rule_is_told_which(members: dict[str, object]) -> None:
    with pytest.raises(OAuthError) as refused:
        read(DOCUMENT | members)
    assert (refused.value.code, refused.value.status) == ("invalid_client", 401)
    assert refused.value.description != DOCUMENT_REFUSED
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", refused.value.description)
    assert refused.value.reason


def test_a_document_without_a_name_is_told_that_mcp_requires_one() -> None:
    with pytest.raises(OAuthError, match="client_name") as refused:
        read({name: value for name, value in DOCUMENT.items() if name != "client_name"})
    assert "MCP" in refused.value.description


def test_a_document_may_be_as_large_as_the_limit() -> None:
    assert read(json.dumps(DOCUMENT).encode().ljust(MAX_DOCUMENT_BYTES)).client_name == "A client"


@pytest.mark.requirement("CI9")
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        " application/json ;x=y",
        "application/cimd+json",
        "application/vnd.x.y+json",
    ],
)
def test_json_may_be_declared_in_several_ways(content_type: str) -> None:
    assert read(DOCUMENT, content_type=content_type).client_name == "A client"


@pytest.mark.requirement("CI6")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": None},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]},
        {"token_endpoint_auth_methods_supported": ["client_secret_basic", "none"]},
    ],
)
def test_a_document_s_client_has_no_secret(members: dict[str, object]) -> None:
    assert read(DOCUMENT | members).token_endpoint_auth_method == "none"


@pytest.mark.requirement("CI6")
def test_the_stronger_method_is_chosen_once_it_is_supported() -> None:
    policy = MetadataPolicy(supported_auth_methods=frozenset({"none", "private_key_jwt"}))
    document = json.dumps(CHATGPT).encode()
    metadata = read_client_document(str(CHATGPT["client_id"]), "application/json", document, policy)
    assert metadata.token_endpoint_auth_method == "private_key_jwt"


@pytest.mark.requirement("CI6", "CI7", "CI10")
@pytest.mark.parametrize("document", [CLAUDE_CODE, CLAUDE, VS_CODE, CHATGPT])
def test_documents_of_real_clients_are_read(document: dict[str, Any]) -> None:
    metadata = read(document, url=document["client_id"])
    assert metadata.client_name == document["client_name"]
    assert metadata.redirect_uris == tuple(document["redirect_uris"])
    assert metadata.grant_types == ("authorization_code", "refresh_token")
    assert metadata.token_endpoint_auth_method == "none"


@pytest.mark.requirement("CI7", "TK17")
def test_unknown_members_and_grants_fall_away() -> None:
    metadata = read(DOCUMENT | {"foo": {}, "grant_types": ["authorization_code", "implicit", "x"]})
    assert metadata.grant_types == ("authorization_code",)
    assert not metadata.allows_refresh


@given(st.binary(), st.text())
def test_arbitrary_bytes_are_read_or_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(OAuthError):
        read_client_document(URL, content_type, body, POLICY)


@given(
    st.dictionaries(
        st.sampled_from(
            [*DOCUMENT, "jwks", "grant_types", "token_endpoint_auth_methods_supported"]
        ),
        st.none() | st.integers() | st.text() | st.lists(st.text() | st.none(), max_size=3),
    )
)
def test_an_arbitrary_document_is_read_or_refused(members: dict[str, object]) -> None:
    try:
        metadata = read(DOCUMENT | members)
    except OAuthError as error:
        assert error.code == "invalid_client"  # noqa: PT017 - both outcomes are right
    else:
        assert metadata.token_endpoint_auth_method == "none"


@given(st.text() | st.text(alphabet="htps:/.@?#[]%2e019a\\\n").map("https://".__add__))
def test_an_arbitrary_client_id_is_a_url_or_refused(client_id: str) -> None:
    try:
        assert check_document_url(client_id).url == client_id
    except OAuthError as error:
        assert error.code == "invalid_client"  # noqa: PT017 - both outcomes are right
