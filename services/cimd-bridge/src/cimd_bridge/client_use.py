"""A client was used: what is kept of it lives on, and once a day the registrar hears of it."""

from dataclasses import dataclass

from cimd_bridge.registrar_api import RegistrarApi
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.records.client import client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import upstream_key
from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.errors import OAuthError

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class ClientUse:
    """lives_seconds: how long a client is kept after its last use, as the registrar has it

    Redis is told by us, so that a registrar that is away lets no client expire that is in use.
    The registrar keeps the rolls and, elsewhere, the registrations themselves.
    """

    redis: Redis
    keyspace: Keyspace
    registrar: RegistrarApi
    lives_seconds: int

    async def note(self, client_id: str) -> None:
        """Raises OAuthError("temporarily_unavailable")."""
        records = (client_key(self.keyspace, client_id), upstream_key(self.keyspace, client_id))
        told_key = self.keyspace.key("client-used", sha256_hex(client_id))
        async with store_errors(), self.redis.pipeline(transaction=False) as pipeline:
            for key in records:
                pipeline.expire(key, self.lives_seconds, gt=True)
            pipeline.set(told_key, "1", nx=True, ex=_DAY_SECONDS)
            is_first = (await pipeline.execute())[-1]
        if not is_first:
            return
        try:
            await self.registrar.renew(client_id)
        except OAuthError:
            async with store_errors():
                await self.redis.delete(told_key)
            raise
