"""The app client at the identity provider that stands for one MCP client."""

import json
from dataclasses import dataclass, field

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace


@dataclass(frozen=True, slots=True)
class UpstreamClient:
    """Credentials at the identity provider.

    generation:  which pool or realm it was made in; another generation makes it void
    fingerprint: of the metadata and origin that clients with one upstream client share
    """

    client_id: str
    client_secret: str = field(repr=False)
    generation: str
    fingerprint: str


def upstream_key(keyspace: Keyspace, client_id: str) -> str:
    """Where the upstream client of an MCP client is kept; a document's id is a long URL."""
    return keyspace.key("upstream", sha256_hex(client_id))


def upstream_checked_key(keyspace: Keyspace, upstream_client_id: str) -> str:
    """There while the provider is believed to have that upstream client."""
    return keyspace.key("upstream", "checked", upstream_client_id)


class UpstreamClientSealer:
    """Seals upstream clients under UPSTREAM_KEYS, bound to the Redis key's name."""

    def __init__(self, upstream_keys: KeyRing) -> None:
        self._sealer = Sealer(upstream_keys.derive("upstream-client"))

    def seal(self, upstream: UpstreamClient, key: str) -> str:
        document = {
            "client_id": upstream.client_id,
            "client_secret": upstream.client_secret,
            "generation": upstream.generation,
            "fingerprint": upstream.fingerprint,
        }
        return self._sealer.seal(json.dumps(document).encode(), key)

    def open(self, sealed: str | bytes, key: str) -> UpstreamClient:
        """Raises ValueError when it was sealed elsewhere or under keys we no longer have."""
        text = sealed.decode() if isinstance(sealed, bytes) else sealed
        return UpstreamClient(**json.loads(self._sealer.open(text, key)))
