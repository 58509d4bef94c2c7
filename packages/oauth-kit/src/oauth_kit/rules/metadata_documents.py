"""Metadata of the authorization server and of a protected resource (RFC 8414, RFC 9728)."""

import re
from collections.abc import Sequence

from oauth_kit.rules.scopes import without_ignored

_AUTHORIZATION_SERVER = "oauth-authorization-server"
_OPENID_PROVIDER = "openid-configuration"
_PROTECTED_RESOURCE = "oauth-protected-resource"
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+")


def authorization_server_metadata(
    *,
    issuer: str,
    scopes: Sequence[str],
    registration_endpoint: str | None,
    documents_supported: bool,
    auth_methods: Sequence[str],
) -> dict[str, object]:
    """The issuer's own document (RFC 8414 §2), made from configuration alone.

    registration_endpoint: None while dynamic registration is off
    documents_supported:   client ID metadata documents can be fetched
    auth_methods:          methods of client authentication that work
    """
    authenticated = [method for method in auth_methods if method != "none"]
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "registration_endpoint": registration_endpoint,
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "scopes_supported": list(without_ignored(scopes)),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": list(auth_methods),
        "revocation_endpoint_auth_methods_supported": list(auth_methods),
        "introspection_endpoint_auth_methods_supported": authenticated,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": documents_supported,
    }
    return _without_empty(document)


def protected_resource_metadata(
    *, resource: str, issuers: Sequence[str], scopes: Sequence[str], name: str | None = None
) -> dict[str, object]:
    """A protected resource's document (RFC 9728 §2)."""
    return _without_empty(
        {
            "resource": resource,
            "authorization_servers": list(issuers),
            "scopes_supported": list(without_ignored(scopes)),
            "bearer_methods_supported": ["header"],
            "resource_name": name,
        }
    )


def metadata_url(resource: str) -> str:
    """Where the metadata of a protected resource is (RFC 9728 §3.1)."""
    return _inserted(resource, _PROTECTED_RESOURCE)


def authorization_server_metadata_urls(issuer: str) -> list[str]:
    """Where the metadata of an issuer may be, in the order in which MCP clients try."""
    urls = [_inserted(issuer, _AUTHORIZATION_SERVER), _inserted(issuer, _OPENID_PROVIDER)]
    appended = f"{issuer.removesuffix('/')}/.well-known/{_OPENID_PROVIDER}"
    return [*urls, appended] if appended not in urls else urls


def _inserted(url: str, suffix: str) -> str:
    """The well-known URL: its path goes between host and path, on the raw text."""
    match = _ORIGIN.match(url)
    if match is None:
        raise ValueError("must be an absolute URL")
    path, question_mark, query = url[match.end() :].partition("?")
    # RFC 8414 §3.1: "any terminating '/' MUST be removed"; RFC 9728 says so of a bare host only.
    kept = path.removesuffix("/") if path == "/" or suffix != _PROTECTED_RESOURCE else path
    return f"{match.group()}/.well-known/{suffix}{kept}{question_mark}{query}"


def _without_empty(document: dict[str, object]) -> dict[str, object]:
    """Members without a value are left out (RFC 8414 §3.2, RFC 9728 §3.2)."""
    return {name: value for name, value in document.items() if value not in (None, False, "", [])}
