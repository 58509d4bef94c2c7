"""What the servers say about themselves, checked before use (RFC 9728 §3.3, RFC 8414 §3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo_clients.addresses import check_server_url
from demo_clients.problems import Problem

_MAX_LIST = 100


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """A resource's metadata (RFC 9728 §2)."""

    resource: str
    authorization_servers: tuple[str, ...]
    scopes_supported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """An authorization server's metadata (RFC 8414 §2), as far as this client uses it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str | None
    revocation_endpoint: str | None
    scopes_supported: tuple[str, ...]
    auth_methods: tuple[str, ...]
    promises_iss: bool
    supports_documents: bool


def read_protected_resource(
    document: Mapping[str, object], *, resource: str, loopback_allowed: bool
) -> ProtectedResource:
    """Raises Problem unless the document speaks for exactly `resource` (RFC 9728 §3.3)."""
    if document.get("resource") != resource:
        raise Problem(
            "The resource metadata is for another resource, so nothing was sent to anyone.",
            reason="resource mismatch",
        )
    issuers = _strings(document, "authorization_servers")
    if not issuers:
        raise Problem("The resource names no authorization server.")
    for issuer in issuers:
        check_issuer(issuer, loopback_allowed=loopback_allowed)
    return ProtectedResource(resource, issuers, _strings(document, "scopes_supported"))


def check_issuer(issuer: str, *, loopback_allowed: bool) -> str:
    """An issuer has no query and no fragment (RFC 8414 §2)."""
    check_server_url(issuer, "issuer", loopback_allowed=loopback_allowed)
    if "?" in issuer:
        raise Problem("The authorization server's issuer has a query.", reason="issuer: query")
    return issuer


def read_authorization_server(
    document: Mapping[str, object], *, issuer: str, loopback_allowed: bool
) -> AuthorizationServer:
    """Raises Problem for another issuer's document, one without S256, or unusable endpoints."""
    if document.get("issuer") != issuer:
        raise Problem(
            "The authorization server's metadata names another issuer, so it was not used.",
            reason="issuer mismatch",
        )
    if "S256" not in _strings(document, "code_challenge_methods_supported"):
        raise Problem(
            "The authorization server does not offer PKCE with S256, so this client refuses it.",
            reason="no S256",
        )

    def endpoint(name: str) -> str:
        return check_server_url(document.get(name), name, loopback_allowed=loopback_allowed)

    def optional(name: str) -> str | None:
        return endpoint(name) if document.get(name) is not None else None

    return AuthorizationServer(
        issuer=issuer,
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        registration_endpoint=optional("registration_endpoint"),
        revocation_endpoint=optional("revocation_endpoint"),
        scopes_supported=_strings(document, "scopes_supported"),
        # RFC 8414 §2: left out, it means client_secret_basic
        auth_methods=_strings(document, "token_endpoint_auth_methods_supported")
        or ("client_secret_basic",),
        promises_iss=document.get("authorization_response_iss_parameter_supported") is True,
        supports_documents=document.get("client_id_metadata_document_supported") is True,
    )


def _strings(document: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise Problem("The server's metadata is malformed.", reason=f"{name}: not a short list")
    strings = tuple(item for item in value if isinstance(item, str))
    if len(strings) != len(value):
        raise Problem("The server's metadata is malformed.", reason=f"{name}: not strings")
    return strings
