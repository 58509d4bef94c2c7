"""Registered clients in Redis: one key each, which expires when nobody uses it."""

from dataclasses import dataclass

import structlog

from oauth_kit.clock import Clock
from oauth_kit.records.client import Client, client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors
from registrar.registrations.port import RegistrationsFullError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RedisRegistrations:
    """Clients under `client:<id>`, and two rolls of ids by expiry that count them.

    The rolls are keys of their own, so the cap is approximate: replicas may pass it together by a
    few, and a renewal that the bridge makes by itself counts from the next `touch`.
    """

    redis: Redis
    keyspace: Keyspace
    clock: Clock
    max_clients: int
    unused_seconds: int
    used_seconds: int

    async def create(self, client: Client) -> None:
        now = self.clock()
        async with store_errors():
            await self._make_room(now)
            # counted before it is kept: a client that was kept only would escape the cap
            async with self.redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(self._unused, {client.client_id: now + self.unused_seconds})
                pipeline.set(
                    client_key(self.keyspace, client.client_id),
                    client.to_json(),
                    ex=self.unused_seconds,
                )
                await pipeline.execute()

    async def get(self, client_id: str) -> Client | None:
        async with store_errors():
            text = await self.redis.get(client_key(self.keyspace, client_id))
        return Client.from_json(text) if isinstance(text, str) else None

    async def touch(self, client_id: str) -> bool:
        async with store_errors():
            key = client_key(self.keyspace, client_id)
            if not await self.redis.expire(key, self.used_seconds):
                return False
            async with self.redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(self._used, {client_id: self.clock() + self.used_seconds})
                pipeline.zrem(self._unused, client_id)
                await pipeline.execute()
        return True

    async def _make_room(self, now: int) -> None:
        """At the cap the oldest client that never logged anybody in gives way.

        Otherwise whoever fills the store with clients would lock everybody out for a month.
        """
        async with self.redis.pipeline(transaction=False) as pipeline:
            for roll in (self._unused, self._used):
                pipeline.zremrangebyscore(roll, "-inf", now)
                pipeline.zcard(roll)
            _, unused, _, used = await pipeline.execute()
        if unused + used < self.max_clients:
            return
        oldest = await self.redis.zpopmin(self._unused)
        if not oldest:
            raise RegistrationsFullError
        client_id = str(oldest[0][0])
        await self.redis.delete(client_key(self.keyspace, client_id))
        log.info("registration_evicted", client_id=client_id)

    @property
    def _unused(self) -> str:
        return self.keyspace.key("registrations", "unused")

    @property
    def _used(self) -> str:
        return self.keyspace.key("registrations", "used")
