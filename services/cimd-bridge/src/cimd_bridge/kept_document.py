"""A client's metadata document as it is kept: what it said, when, and for how long that counts."""

import json
from dataclasses import asdict, dataclass

from oauth_kit.rules.cache_lifetime import CacheLifetime
from oauth_kit.rules.client_metadata import ClientMetadata


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A document that was good when it was fetched or confirmed."""

    metadata: ClientMetadata
    etag: str | None
    lifetime: CacheLifetime
    confirmed_at: int

    @property
    def fresh_until(self) -> int:
        return self.confirmed_at + self.lifetime.fresh_seconds

    def to_json(self) -> str:
        return json.dumps(
            {
                "metadata": self.metadata.to_document(),
                "etag": self.etag,
                "lifetime": asdict(self.lifetime),
                "confirmed_at": self.confirmed_at,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "KeptDocument":
        record = json.loads(text)
        return cls(
            metadata=ClientMetadata.from_document(record["metadata"]),
            etag=record["etag"],
            lifetime=CacheLifetime(**record["lifetime"]),
            confirmed_at=record["confirmed_at"],
        )
