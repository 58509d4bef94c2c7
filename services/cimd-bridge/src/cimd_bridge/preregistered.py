"""Clients and resource servers that the operator wrote into `clients.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oauth_kit.records.client import Client
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.redirect_uris import is_loopback_redirect

_CLIENT_MEMBERS = {
    "kind",
    "client_id",
    "name",
    "secret_hash",
    "redirect_uris",
    "scopes",
    "grant_types",
    "token_endpoint_auth_method",
    "trusted",
}
_RESOURCE_SERVER_MEMBERS = {"kind", "client_id", "secret_hash", "resource"}


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """A resource server that may introspect tokens meant for it (RFC 7662)."""

    client_id: str
    secret_hash: str
    resource: str


@dataclass(frozen=True, slots=True)
class Preregistered:
    clients: Mapping[str, Client]
    resource_servers: Mapping[str, ResourceServer]


def load_preregistered(
    path: Path | None, policy: MetadataPolicy, *, loopback_issuer: bool
) -> Preregistered:
    """Read `clients.toml`. Raises ValueError that names the entry and what is wrong with it."""
    if path is None:
        return Preregistered({}, {})
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"PREREGISTERED_CLIENTS_FILE: {error}") from error
    clients: dict[str, Client] = {}
    resource_servers: dict[str, ResourceServer] = {}
    for entry in document.get("clients", []):
        client_id = str(entry.get("client_id", ""))
        if not client_id or client_id in clients or client_id in resource_servers:
            raise ValueError(f"clients.toml: client_id {client_id!r} is missing or repeated")
        if entry.get("kind") == "resource_server":
            resource_servers[client_id] = _resource_server(entry)
        else:
            clients[client_id] = _client(entry, policy, loopback_issuer)
    return Preregistered(clients, resource_servers)


def _resource_server(entry: Mapping[str, Any]) -> ResourceServer:
    _refuse_unknown(entry, _RESOURCE_SERVER_MEMBERS)
    return ResourceServer(entry["client_id"], _secret_hash(entry, required=True), entry["resource"])


def _client(entry: Mapping[str, Any], policy: MetadataPolicy, loopback_issuer: bool) -> Client:
    _refuse_unknown(entry, _CLIENT_MEMBERS)
    secret_hash = _secret_hash(entry, required=False)
    registration = {
        "client_name": entry.get("name", entry["client_id"]),
        "redirect_uris": entry.get("redirect_uris"),
        "grant_types": entry.get("grant_types", ["authorization_code", "refresh_token"]),
        "token_endpoint_auth_method": entry.get(
            "token_endpoint_auth_method", "client_secret_basic" if secret_hash else "none"
        ),
    }
    if "scopes" in entry:
        registration["scope"] = " ".join(entry["scopes"])
    try:
        metadata = read_registration(registration, policy)
    except OAuthError as error:
        raise ValueError(f"clients.toml: {entry['client_id']}: {error.description}") from error
    trusted = bool(entry.get("trusted", False))
    if trusted and not (
        secret_hash and _redirects_are_safe(metadata.redirect_uris, loopback_issuer)
    ):
        raise ValueError(
            f"clients.toml: {entry['client_id']}: only a confidential client with https redirect "
            "URIs may be trusted"
        )
    return Client(
        client_id=entry["client_id"],
        kind="preregistered",
        metadata=metadata,
        secret_hash=secret_hash or None,
        method_was_defaulted="token_endpoint_auth_method" not in entry,
        trusted=trusted,
    )


def _redirects_are_safe(redirect_uris: tuple[str, ...], loopback_issuer: bool) -> bool:
    return all(
        uri.startswith("https://") or (loopback_issuer and is_loopback_redirect(uri))
        for uri in redirect_uris
    )


def _secret_hash(entry: Mapping[str, Any], *, required: bool) -> str:
    value = entry.get("secret_hash", "")
    if (required or value) and not (
        isinstance(value, str) and value.startswith("sha256:") and len(value) == 71
    ):
        raise ValueError(
            f"clients.toml: {entry['client_id']}: secret_hash is sha256:<64 hex digits>"
        )
    return str(value)


def _refuse_unknown(entry: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(entry.keys() - known)
    if unknown:
        raise ValueError(f"clients.toml: {entry['client_id']}: unknown {', '.join(unknown)}")
