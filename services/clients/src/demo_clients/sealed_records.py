"""Records in Redis that nobody can read or move without our keys."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from pydantic import TypeAdapter

from oauth_kit.crypto.sealing import Sealer
from oauth_kit.redis import Redis, store_errors

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SealedRecords(Generic[T]):
    """Raises OAuthError("temporarily_unavailable") when Redis is away."""

    redis: Redis
    sealer: Sealer
    shape: TypeAdapter[T]

    async def read(self, key: str) -> T | None:
        """None for what is not there, and for what an older key or an older version wrote."""
        async with store_errors():
            sealed = await self.redis.get(key)
        if sealed is None:
            return None
        try:
            return self.shape.validate_json(self.sealer.open(str(sealed), key))
        except ValueError as error:
            log.warning("sealed_record_unreadable", reason=type(error).__name__)
            return None

    async def write(self, key: str, record: T, *, seconds: int) -> None:
        sealed = self.sealer.seal(self.shape.dump_json(record), key)
        async with store_errors():
            await self.redis.set(key, sealed, ex=seconds)

    async def delete(self, key: str) -> None:
        async with store_errors():
            await self.redis.delete(key)
