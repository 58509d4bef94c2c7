"""A client as the authorization server knows it, however it became known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.client_metadata import ClientMetadata

ClientKind = Literal["preregistered", "registered", "document"]


@dataclass(frozen=True, slots=True)
class Client:
    """One OAuth client.

    secret_hash:          `sha256:<hex>` of a high-entropy secret, None for a public client
    secret_expires_at:    Unix seconds, 0 = never (RFC 7591 §3.2.1)
    method_was_defaulted: the registration named no token_endpoint_auth_method
    trusted:              pre-registered and exempt from the consent page
    verified_host:        the host that served the client's document, None otherwise
    loopback_document:    the document came from this computer (development only)
    """

    client_id: str
    kind: ClientKind
    metadata: ClientMetadata
    secret_hash: str | None = None
    secret_expires_at: int = 0
    method_was_defaulted: bool = False
    issued_at: int = 0
    trusted: bool = False
    verified_host: str | None = None
    loopback_document: bool = False

    def to_document(self) -> dict[str, object]:
        return {
            "client_id": self.client_id,
            "kind": self.kind,
            "metadata": self.metadata.to_document(),
            "secret_hash": self.secret_hash,
            "secret_expires_at": self.secret_expires_at,
            "method_was_defaulted": self.method_was_defaulted,
            "issued_at": self.issued_at,
            "trusted": self.trusted,
            "verified_host": self.verified_host,
            "loopback_document": self.loopback_document,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Client":
        """Read what `to_document` wrote; it is trusted."""
        return cls(
            client_id=document["client_id"],
            kind=cast(ClientKind, document["kind"]),
            metadata=ClientMetadata.from_document(document["metadata"]),
            secret_hash=document["secret_hash"],
            secret_expires_at=document["secret_expires_at"],
            method_was_defaulted=document["method_was_defaulted"],
            issued_at=document["issued_at"],
            trusted=document["trusted"],
            verified_host=document["verified_host"],
            loopback_document=document["loopback_document"],
        )

    def to_json(self) -> str:
        return json.dumps(self.to_document(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Client":
        return cls.from_document(json.loads(text))


def client_key(keyspace: Keyspace, client_id: str) -> str:
    return keyspace.key("client", client_id)
