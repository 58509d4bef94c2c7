"""Which grants a user and a client have: written after the grant, repaired when read."""

from cimd_bridge.records.grant import Grant, Lifetimes
from cimd_bridge.records.store import RecordStore
from oauth_kit.redis import store_errors


class GrantIndex:
    """`by-subject:<hash>` and `by-client:<hash>`: gids, each with the end of its grant as score.

    Names are keyed hashes. After the key ring turned, older names are read too.
    """

    def __init__(self, store: RecordStore, lifetimes: Lifetimes) -> None:
        self._store = store
        self._lifetimes = lifetimes

    async def add(self, grant: Grant, *, now: int) -> None:
        """Enter a grant that is already written, and drop entries whose end has passed."""
        async with store_errors():
            pipeline = self._store.redis.pipeline(transaction=False)
            for noun, value in _entries(grant):
                key = self._names(noun, value)[0]
                pipeline.zremrangebyscore(key, "-inf", now)
                pipeline.zadd(key, {grant.gid: grant.ends_at(self._lifetimes)})
                pipeline.expire(key, self._lifetimes.absolute_seconds)
            await pipeline.execute()

    async def remove(self, grant: Grant) -> None:
        async with store_errors():
            pipeline = self._store.redis.pipeline(transaction=False)
            for noun, value in _entries(grant):
                for key in self._names(noun, value):
                    pipeline.zrem(key, grant.gid)
            await pipeline.execute()

    async def of_subject(self, subject: str, *, now: int) -> tuple[Grant, ...]:
        return await self._listed("by-subject", subject, now=now)

    async def of_client(self, client_id: str, *, now: int) -> tuple[Grant, ...]:
        return await self._listed("by-client", client_id, now=now)

    async def get(self, gid: str, *, now: int) -> Grant | None:
        """The grant, unless it is dead, expired or gone."""
        state, record, checked_at, live_until = await self._store.fields(
            self._store.key("grant", gid), "state", "record", "checked_at", "live_until"
        )
        if state not in ("pending", "live") or now >= int(live_until):
            return None
        return self.unseal(gid, record, checked_at)

    def unseal(self, gid: str, record: str, checked_at: str) -> Grant | None:
        """A grant of its stored parts; None when there are none, or no key of ours opens them."""
        if not record:
            return None
        document = self._store.unseal(record, self._store.key("grant", gid), "record")
        if document is None:
            return None
        return Grant.from_document(document, gid=gid, upstream_checked_at=int(checked_at))

    async def _listed(self, noun: str, value: str, *, now: int) -> tuple[Grant, ...]:
        found: dict[str, Grant] = {}
        for key in self._names(noun, value):
            async with store_errors():
                members = await self._store.redis.zrange(key, 0, -1)
            for gid in map(str, members):
                grant = await self.get(gid, now=now)
                if grant is not None:
                    found[gid] = grant
                    continue
                async with store_errors():
                    await self._store.redis.zrem(key, gid)
        return tuple(found.values())

    def _names(self, noun: str, value: str) -> tuple[str, ...]:
        """Names of one index, newest key first."""
        digests = self._store.candidates(noun, value).split(",")
        return tuple(self._store.keyspace.key(noun, digest) for digest in digests)


def _entries(grant: Grant) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("by-subject", grant.subject), ("by-client", grant.client_id)
