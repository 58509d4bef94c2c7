"""Which app client stands for which MCP client: sealed in Redis, shared by fingerprint, counted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from oauth_kit.clock import Clock
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import (
    UpstreamClient,
    UpstreamClientSealer,
    upstream_checked_key,
    upstream_key,
)
from oauth_kit.redis import Redis, store_errors

# a proposed record that nobody confirms is gone before it can mislead anyone for long
PROPOSAL_SECONDS = 60
_COUNT_SECONDS = 86_400
_SCANNED_AT_ONCE = 1000
_LOCK_SECONDS = 90
_LOCK_WAIT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class UpstreamClients:
    """Records that the bridge reads under `upstream:<hash of the client_id>`, and our own beside.

    Clients of one fingerprint share `upstream:shared:<fingerprint>`; a record of another
    generation of the provider is no record.
    """

    redis: Redis
    keyspace: Keyspace
    sealer: UpstreamClientSealer
    clock: Clock
    lives_seconds: int

    async def find(self, client_id: str, generation: str) -> UpstreamClient | None:
        return await self._read(upstream_key(self.keyspace, client_id), generation)

    async def find_shared(self, fingerprint: str, generation: str) -> UpstreamClient | None:
        return await self._read(self._shared_key(fingerprint), generation)

    async def propose(self, client_id: str, upstream: UpstreamClient) -> None:
        """Write a new app client's records for a minute.

        When the answer is lost nobody knows whether they were written; they vanish by themselves,
        so the caller may delete the app client.
        """
        async with store_errors(), self.redis.pipeline() as pipeline:
            for key in self._keys(client_id, upstream.fingerprint):
                pipeline.set(key, self.sealer.seal(upstream, key), ex=PROPOSAL_SECONDS)
            await pipeline.execute()

    async def confirm(self, client_id: str, upstream: UpstreamClient) -> None:
        """Keep what was proposed, and count it."""
        count_key = self._count_key(upstream.generation)
        async with store_errors(), self.redis.pipeline() as pipeline:
            for key in self._keys(client_id, upstream.fingerprint):
                pipeline.expire(key, self.lives_seconds)
            pipeline.incr(count_key)
            pipeline.expire(count_key, _COUNT_SECONDS, nx=True)
            await pipeline.execute()

    async def assign(self, client_id: str, upstream: UpstreamClient) -> None:
        """Let a client share the app client that its fingerprint has."""
        key = upstream_key(self.keyspace, client_id)
        async with store_errors(), self.redis.pipeline() as pipeline:
            pipeline.set(key, self.sealer.seal(upstream, key), ex=self.lives_seconds)
            pipeline.expire(self._shared_key(upstream.fingerprint), self.lives_seconds)
            await pipeline.execute()

    async def touch(self, client_id: str) -> None:
        """A client was used: its record and the one it shares live on."""
        key = upstream_key(self.keyspace, client_id)
        async with store_errors():
            upstream = self._opened(await self.redis.get(key), key)
            if upstream is not None:
                await self.redis.expire(key, self.lives_seconds)
                await self.redis.expire(self._shared_key(upstream.fingerprint), self.lives_seconds)

    async def note_checked(self, upstream: UpstreamClient, seconds: int) -> None:
        """The provider has it; the bridge does not ask again for so long."""
        async with store_errors():
            key = upstream_checked_key(self.keyspace, upstream.client_id)
            await self.redis.set(key, "1", ex=seconds)

    async def void(self, client_id: str, upstream: UpstreamClient) -> None:
        """Forget an app client that the provider has no more; what names another one stays."""
        await self._void(upstream_key(self.keyspace, client_id), upstream)

    async def void_lost(self, generation: str, is_lost: Callable[[str], Awaitable[bool]]) -> int:
        """Void every record whose app client is lost; returns how many clients that were."""
        voided = set()
        async with store_errors():
            async for key in self.redis.scan_iter(
                self.keyspace.key("upstream", "*"), count=_SCANNED_AT_ONCE, _type="string"
            ):
                upstream = await self._read(key, generation)
                if upstream is not None and await is_lost(upstream.client_id):
                    await self._void(key, upstream)
                    voided.add(upstream.client_id)
        return len(voided)

    async def count(self, generation: str) -> int | None:
        """App clients of the pool when last counted, and those made since; None = not counted."""
        async with store_errors():
            text = await self.redis.get(self._count_key(generation))
        return None if text is None else int(text)

    async def set_count(self, generation: str, counted: int) -> None:
        async with store_errors():
            await self.redis.set(self._count_key(generation), counted, ex=_COUNT_SECONDS)

    async def reserve(self, subject: str, fingerprint: str, limit: int) -> bool:
        """Charge one upstream client to the user who causes it; False when the user has `limit`.

        Charged before it is checked: two at once may both be refused, never both be let through.
        """
        key, now = self._subject_key(subject), self.clock()
        async with store_errors(), self.redis.pipeline() as pipeline:
            pipeline.zremrangebyscore(key, "-inf", now)
            pipeline.zadd(key, {fingerprint: now + self.lives_seconds})
            pipeline.expire(key, self.lives_seconds)
            pipeline.zcard(key)
            charged = (await pipeline.execute())[-1]
        if charged > limit:
            await self.release(subject, fingerprint)
        return bool(charged <= limit)

    async def release(self, subject: str, fingerprint: str) -> None:
        async with store_errors():
            await self.redis.zrem(self._subject_key(subject), fingerprint)

    @asynccontextmanager
    async def locked(self, fingerprint: str) -> AsyncIterator[None]:
        """One at a time makes or removes the app client of a fingerprint."""
        async with store_errors():
            lock = self.redis.lock(
                self.keyspace.key("lock", "upstream", fingerprint),
                timeout=_LOCK_SECONDS,
                blocking_timeout=_LOCK_WAIT_SECONDS,
                raise_on_release_error=False,
            )
            async with lock:
                yield

    @asynccontextmanager
    async def reconciling(self, seconds: int) -> AsyncIterator[bool]:
        """True for the one replica that may reconcile now."""
        lock = self.redis.lock(
            self.keyspace.key("lock", "reconcile"), timeout=seconds, raise_on_release_error=False
        )
        async with store_errors():
            acquired = await lock.acquire(blocking=False)
        try:
            yield acquired
        finally:
            if acquired:
                async with store_errors():
                    await lock.release()

    async def _void(self, key: str, upstream: UpstreamClient) -> None:
        """Under the lock, or a record that is made anew meanwhile could be the one that goes."""
        async with self.locked(upstream.fingerprint), store_errors():
            for named in (key, self._shared_key(upstream.fingerprint)):
                kept = await self._read(named, upstream.generation)
                if kept is not None and kept.client_id == upstream.client_id:
                    await self.redis.delete(named)
            # counted anew before the next one is made
            await self.redis.delete(
                upstream_checked_key(self.keyspace, upstream.client_id),
                self._count_key(upstream.generation),
            )

    async def _read(self, key: str, generation: str) -> UpstreamClient | None:
        async with store_errors():
            upstream = self._opened(await self.redis.get(key), key)
        return upstream if upstream and upstream.generation == generation else None

    def _opened(self, sealed: str | bytes | None, key: str) -> UpstreamClient | None:
        """None as well for what was sealed under keys that we no longer have."""
        if not isinstance(sealed, str):
            return None
        try:
            return self.sealer.open(sealed, key)
        except ValueError:
            return None

    def _keys(self, client_id: str, fingerprint: str) -> tuple[str, str]:
        return upstream_key(self.keyspace, client_id), self._shared_key(fingerprint)

    def _shared_key(self, fingerprint: str) -> str:
        return self.keyspace.key("upstream", "shared", fingerprint)

    def _count_key(self, generation: str) -> str:
        return self.keyspace.key("upstream", "count", generation)

    def _subject_key(self, subject: str) -> str:
        return self.keyspace.key("upstream", "subject", subject)
