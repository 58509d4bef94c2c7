"""Registered clients in Redis: one key each, which expires when nobody uses it."""

from dataclasses import dataclass
from typing import cast

import structlog

from oauth_kit.clock import Clock
from oauth_kit.records.client import Client, client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors
from registrar.registrations.port import RegistrationsFullError
from registrar.registrations.stored import Registration, id_is_taken, read_client

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counted:
    """An entry of the rolls: a client that takes a place until then."""

    client_id: str
    expires_at: int
    used: bool


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
        oldest = await self.make_room()
        if oldest is not None:
            await self.evict(oldest.client_id)
        record = client.to_json()
        async with store_errors(), self.redis.pipeline(transaction=False) as pipeline:
            # counted before it is kept: a client that was kept only would escape the cap
            pipeline.zadd(self._unused, {client.client_id: self.expiry_unused()}, nx=True)
            pipeline.set(
                client_key(self.keyspace, client.client_id),
                record,
                ex=self.unused_seconds,
                nx=True,
                get=True,
            )
            # what Redis alone has is missing in every table
            pipeline.delete(self.table_key)
            _, kept_before, _ = await pipeline.execute()
        # our own, when the connection broke after it was kept and the command went out again
        if kept_before not in (None, record):
            raise id_is_taken()

    async def get(self, client_id: str) -> Client | None:
        async with store_errors():
            text = await self.redis.get(client_key(self.keyspace, client_id))
        return read_client(text, client_id) if isinstance(text, str) else None

    async def touch(self, client_id: str) -> bool:
        async with store_errors():
            key = client_key(self.keyspace, client_id)
            is_there = await self.redis.expire(key, self.used_seconds)
        if is_there:
            await self.count(Counted(client_id, self.expiry_used(), used=True))
        return bool(is_there)

    def expiry_unused(self) -> int:
        return self.clock() + self.unused_seconds

    def expiry_used(self) -> int:
        return self.clock() + self.used_seconds

    async def make_room(self) -> Counted | None:
        """At the cap, whoever gives way: the oldest client that never logged anybody in.

        Otherwise whoever fills the store with clients would lock everybody out for a month. It is
        no longer counted, and still there: the caller evicts it, or counts it again. Raises
        RegistrationsFullError when all are in use.
        """
        now = self.clock()
        async with store_errors():
            async with self.redis.pipeline(transaction=False) as pipeline:
                for roll in (self._unused, self._used):
                    pipeline.zremrangebyscore(roll, "-inf", now)
                    pipeline.zcard(roll)
                _, unused, _, used = await pipeline.execute()
            if unused + used < self.max_clients:
                return None
            oldest = await self.redis.zpopmin(self._unused)
        if not oldest:
            raise RegistrationsFullError
        client_id, expires_at = cast("list[tuple[str, float]]", oldest)[0]
        return Counted(client_id, int(expires_at), used=False)

    async def count(self, entry: Counted) -> None:
        roll, other = self._rolls(used=entry.used)
        async with store_errors(), self.redis.pipeline(transaction=False) as pipeline:
            pipeline.zadd(roll, {entry.client_id: entry.expires_at})
            pipeline.zrem(other, entry.client_id)
            await pipeline.execute()

    async def counted(self) -> list[Counted]:
        """Everybody on the rolls who has not expired."""
        found = []
        for used in (False, True):
            roll, _ = self._rolls(used=used)
            async with store_errors():
                entries = await self.redis.zrangebyscore(
                    roll, self.clock() + 1, "+inf", withscores=True
                )
            scored = cast("list[tuple[str, float]]", entries)
            found += [Counted(name, int(score), used) for name, score in scored]
        return found

    async def keep(self, registration: Registration) -> None:
        """What another store holds, to be read here until it expires there."""
        client = registration.client
        lives_seconds = registration.expires_at - self.clock()
        if lives_seconds <= 0:
            return
        await self.count(Counted(client.client_id, registration.expires_at, registration.used))
        async with store_errors():
            await self.redis.set(
                client_key(self.keyspace, client.client_id), client.to_json(), ex=lives_seconds
            )

    async def evict(self, client_id: str) -> None:
        async with store_errors():
            await self.redis.delete(client_key(self.keyspace, client_id))
        log.info("registration_evicted", client_id=client_id)

    @property
    def table_key(self) -> str:
        """Names the table of DynamoDB that has all of these, if there is one."""
        return self.keyspace.key("registrations", "table")

    def _rolls(self, *, used: bool) -> tuple[str, str]:
        """The roll of such clients, and the other one."""
        return (self._used, self._unused) if used else (self._unused, self._used)

    @property
    def _unused(self) -> str:
        return self.keyspace.key("registrations", "unused")

    @property
    def _used(self) -> str:
        return self.keyspace.key("registrations", "used")
