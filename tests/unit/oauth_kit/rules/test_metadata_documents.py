"""RFC 8414 §2, §3; RFC 9728 §2, §3."""

import json

import pytest

from oauth_kit.rules.metadata_documents import (
    authorization_server_metadata,
    authorization_server_metadata_urls,
    metadata_url,
    protected_resource_metadata,
)

ISSUER = "https://auth.example"
RESOURCE = "https://mcp.example/mcp"
METHODS = ("none", "client_secret_basic", "client_secret_post")


def issuer_document(
    issuer: str = ISSUER,
    scopes: tuple[str, ...] = ("mcp:tools", "mcp:write"),
    registration_endpoint: str | None = "https://registrar.example/register",
    documents_supported: bool = True,
) -> dict[str, object]:
    return authorization_server_metadata(
        issuer=issuer,
        scopes=scopes,
        registration_endpoint=registration_endpoint,
        documents_supported=documents_supported,
        auth_methods=METHODS,
    )


@pytest.mark.requirement(
    *("ASM2", "ASM3", "ASM4", "ASM5", "ASM6", "ASM7", "ASM8", "ASM10", "ASM11", "ASM12")
)
def test_the_issuers_document_says_what_works_and_nothing_else() -> None:
    assert issuer_document() == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks.json",
        "registration_endpoint": "https://registrar.example/register",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "introspection_endpoint": f"{ISSUER}/introspect",
        "scopes_supported": ["mcp:tools", "mcp:write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
        ],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }


@pytest.mark.requirement("ASM5", "ASM7", "ASM12")
def test_what_is_off_is_not_mentioned() -> None:
    on = issuer_document()
    off = issuer_document(registration_endpoint=None, documents_supported=False, scopes=())
    assert on.keys() - off.keys() == {
        "registration_endpoint",
        "client_id_metadata_document_supported",
        "scopes_supported",
    }


@pytest.mark.requirement("ASM9", "RS4")
def test_offline_access_is_not_advertised() -> None:
    scopes = ("mcp:tools", "offline_access")
    assert issuer_document(scopes=scopes)["scopes_supported"] == ["mcp:tools"]
    resource = protected_resource_metadata(resource=RESOURCE, issuers=[ISSUER], scopes=scopes)
    assert resource["scopes_supported"] == ["mcp:tools"]


@pytest.mark.requirement("RS3", "RS4")
def test_a_resources_document_has_no_empty_members() -> None:
    assert protected_resource_metadata(
        resource=RESOURCE, issuers=[ISSUER], scopes=[], name=None
    ) == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.requirement("RS3", "RS4")
def test_a_resources_document_names_issuers_and_scopes() -> None:
    document = protected_resource_metadata(
        resource=RESOURCE, issuers=[ISSUER, "https://b"], scopes=["mcp:tools"], name="Tools"
    )
    assert json.loads(json.dumps(document)) == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER, "https://b"],
        "scopes_supported": ["mcp:tools"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Tools",
    }


@pytest.mark.requirement("RS1")
@pytest.mark.parametrize(
    ("resource", "url"),
    [
        (RESOURCE, "https://mcp.example/.well-known/oauth-protected-resource/mcp"),
        ("https://mcp.example", "https://mcp.example/.well-known/oauth-protected-resource"),
        ("https://mcp.example/", "https://mcp.example/.well-known/oauth-protected-resource"),
        (
            "http://localhost:3001/a/b/?x=/y",
            "http://localhost:3001/.well-known/oauth-protected-resource/a/b/?x=/y",
        ),
        (
            "https://[::1]:8443/A%2Fb",
            "https://[::1]:8443/.well-known/oauth-protected-resource/A%2Fb",
        ),
        ("https://h?x=1", "https://h/.well-known/oauth-protected-resource?x=1"),
    ],
)
def test_a_resources_metadata_is_between_host_and_path(resource: str, url: str) -> None:
    assert metadata_url(resource) == url


@pytest.mark.parametrize("url", ["", "mcp", "/mcp", "https://", "https:///mcp", "https:mcp"])
def test_what_is_no_absolute_url_has_no_metadata(url: str) -> None:
    with pytest.raises(ValueError, match="absolute URL"):
        metadata_url(url)
    with pytest.raises(ValueError, match="absolute URL"):
        authorization_server_metadata_urls(url)


@pytest.mark.requirement("ASM2", "CL3")
@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (
            ISSUER,
            [
                f"{ISSUER}/.well-known/oauth-authorization-server",
                f"{ISSUER}/.well-known/openid-configuration",
            ],
        ),
        (
            f"{ISSUER}/t1",
            [
                f"{ISSUER}/.well-known/oauth-authorization-server/t1",
                f"{ISSUER}/.well-known/openid-configuration/t1",
                f"{ISSUER}/t1/.well-known/openid-configuration",
            ],
        ),
        (
            f"{ISSUER}/t1/",
            [
                f"{ISSUER}/.well-known/oauth-authorization-server/t1",
                f"{ISSUER}/.well-known/openid-configuration/t1",
                f"{ISSUER}/t1/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_an_issuers_metadata_is_looked_for_in_the_order_of_mcp(
    issuer: str, urls: list[str]
) -> None:
    assert authorization_server_metadata_urls(issuer) == urls
