"""Clients and resource servers that the operator wrote into `clients.toml`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oauth_kit.records.client import Client
from oauth_kit.rules.client_document import is_document_client_id
from oauth_kit.rules.client_metadata import ClientMetadata, MetadataPolicy, read_registration
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.redirect_uris import is_loopback_redirect

_CLIENT_ID = re.compile(r"[\x21-\x7E]{1,200}")
_SECRET_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_CLIENT_MEMBERS: dict[str, type] = {
    "kind": str,
    "client_id": str,
    "name": str,
    "secret_hash": str,
    "redirect_uris": list,
    "scopes": list,
    "grant_types": list,
    "token_endpoint_auth_method": str,
    "trusted": bool,
}
_RESOURCE_SERVER_MEMBERS: dict[str, type] = {
    "kind": str,
    "client_id": str,
    "secret_hash": str,
    "resource": str,
}


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
    except OSError as error:
        raise ValueError(f"PREREGISTERED_CLIENTS_FILE: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"PREREGISTERED_CLIENTS_FILE: {error}") from error
    clients: dict[str, Client] = {}
    resource_servers: dict[str, ResourceServer] = {}
    for entry in _entries(document):
        client_id = _client_id(entry)
        if client_id in clients or client_id in resource_servers:
            raise _wrong(client_id, "client_id is repeated")
        if entry.get("kind", "client") == "client":
            clients[client_id] = _client(client_id, entry, policy, loopback_issuer)
        elif entry["kind"] == "resource_server":
            resource_servers[client_id] = _resource_server(client_id, entry)
        else:
            raise _wrong(client_id, "kind is client or resource_server")
    return Preregistered(clients, resource_servers)


def _entries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = document.get("clients", [])
    tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if document.keys() - {"clients"} or not tables:
        raise ValueError("clients.toml: has nothing but [[clients]] tables")
    return list(entries)


def _client_id(entry: Mapping[str, Any]) -> str:
    client_id = entry.get("client_id")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise ValueError(f"clients.toml: client_id {client_id!r} is missing or malformed")
    if is_document_client_id(client_id):
        raise _wrong(client_id, "a URL is the client_id of a metadata document")
    return client_id


def _resource_server(client_id: str, entry: Mapping[str, Any]) -> ResourceServer:
    _check_members(client_id, entry, _RESOURCE_SERVER_MEMBERS)
    secret_hash = _secret_hash(client_id, entry)
    if not secret_hash or not entry.get("resource"):
        raise _wrong(client_id, "a resource server needs secret_hash and resource")
    return ResourceServer(client_id, secret_hash, entry["resource"])


def _client(
    client_id: str, entry: Mapping[str, Any], policy: MetadataPolicy, loopback_issuer: bool
) -> Client:
    _check_members(client_id, entry, _CLIENT_MEMBERS)
    secret_hash = _secret_hash(client_id, entry)
    metadata = _metadata(client_id, entry, policy, is_confidential=secret_hash is not None)
    if (metadata.token_endpoint_auth_method == "none") != (secret_hash is None):
        raise _wrong(client_id, "secret_hash and token_endpoint_auth_method contradict each other")
    trusted = entry.get("trusted", False)
    if trusted and not (
        secret_hash and _redirects_are_safe(metadata.redirect_uris, loopback_issuer)
    ):
        raise _wrong(
            client_id, "only a confidential client with https redirect URIs may be trusted"
        )
    return Client(
        client_id=client_id,
        kind="preregistered",
        metadata=metadata,
        secret_hash=secret_hash,
        method_was_defaulted="token_endpoint_auth_method" not in entry,
        trusted=trusted,
    )


def _metadata(
    client_id: str, entry: Mapping[str, Any], policy: MetadataPolicy, *, is_confidential: bool
) -> ClientMetadata:
    registration = {
        "client_name": entry.get("name", client_id),
        "redirect_uris": entry.get("redirect_uris"),
        "grant_types": entry.get("grant_types", ["authorization_code", "refresh_token"]),
        "token_endpoint_auth_method": entry.get(
            "token_endpoint_auth_method", "client_secret_basic" if is_confidential else "none"
        ),
    }
    if "scopes" in entry:
        if not entry["scopes"]:
            raise _wrong(client_id, "scopes is empty; left out, it means all of them")
        registration["scope"] = " ".join(entry["scopes"])
    try:
        return read_registration(registration, policy)
    except OAuthError as error:
        raise _wrong(client_id, error.description) from error


def _redirects_are_safe(redirect_uris: tuple[str, ...], loopback_issuer: bool) -> bool:
    return all(
        uri.startswith("https://") or (loopback_issuer and is_loopback_redirect(uri))
        for uri in redirect_uris
    )


def _secret_hash(client_id: str, entry: Mapping[str, Any]) -> str | None:
    value = entry.get("secret_hash")
    if value is not None and not _SECRET_HASH.fullmatch(value):
        raise _wrong(client_id, "secret_hash is sha256:<64 hex digits in lower case>")
    return None if value is None else str(value)


def _check_members(client_id: str, entry: Mapping[str, Any], known: Mapping[str, type]) -> None:
    for name, value in entry.items():
        if name not in known:
            raise _wrong(client_id, f"{name} is not known here")
        items = value if isinstance(value, list) else []
        if type(value) is not known[name] or not all(isinstance(item, str) for item in items):
            raise _wrong(client_id, f"{name} has the wrong type")


def _wrong(client_id: str, problem: str) -> ValueError:
    return ValueError(f"clients.toml: {client_id}: {problem}")
