"""Timelines in Redis: one sealed stream a visitor, which any worker can follow."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, cast

import structlog
from pydantic import TypeAdapter

from demo_clients.timeline.exchange import Entry, Exchange
from oauth_kit.clock import Clock
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors

log = structlog.get_logger()

KEPT_SECONDS: Final = 8 * 3600
MAX_EXCHANGES: Final = 100
# with room for what completes some: it takes five exchanges to come back from a log-in
MAX_ENTRIES: Final = 120
MAX_TIMELINES: Final = 33
"""Of one client: three of them fit into one small store."""
MAX_EXCHANGE_BYTES: Final = 6 * 1024
_MOVED_SECONDS: Final = 60
_BLOCK_MILLISECONDS: Final = 1000
_BATCH: Final = 20

# What an exchange is stored under, and what an old name of a timeline is left with
_EXCHANGE: Final = "exchange"
_MOVED: Final = "moved"

_ENTRY_ID: Final = re.compile(r"[0-9]{1,16}-[0-9]{1,10}")
_BEFORE_ALL: Final = "0-0"

RawEntry = tuple[str, dict[str, str]]
_SHAPE: Final = TypeAdapter(Exchange)


def is_entry_id(text: str) -> bool:
    return _ENTRY_ID.fullmatch(text) is not None


class Timelines:
    """A session's exchanges, oldest first. Raises OAuthError("temporarily_unavailable").

    waiting:            a connection pool of its own for those who follow: each holds a connection
    block_milliseconds: how long they wait before they look around
    """

    def __init__(
        self,
        redis: Redis,
        sealer: Sealer,
        keyspace: Keyspace,
        clock: Clock,
        *,
        waiting: Redis,
        block_milliseconds: int = _BLOCK_MILLISECONDS,
    ) -> None:
        self._redis = redis
        self._waiting = waiting
        self._sealer = sealer
        self._keyspace = keyspace
        self._clock = clock
        self._block_milliseconds = block_milliseconds

    async def append(self, session_id: str, exchange: Exchange) -> str:
        """Keep one more; the oldest of the visitor's, and the stalest of all visitors', go.

        Returns the id of its entry.
        """
        digest, roll = sha256_hex(session_id), self._keyspace.key("timeline-roll")
        key = self._keyspace.key("timeline", digest)
        async with store_errors(), self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(
                key, {_EXCHANGE: self._seal(exchange, key)}, maxlen=MAX_ENTRIES, approximate=False
            )
            pipe.expire(key, KEPT_SECONDS, nx=True)
            pipe.zadd(roll, {digest: self._clock()})
            pipe.expire(roll, KEPT_SECONDS)
            pipe.zcard(roll)
            entry_id, *_, visitors = await pipe.execute()
            surplus = visitors - MAX_TIMELINES
            if surplus > 0:
                stalest = cast(list[tuple[str, float]], await self._redis.zpopmin(roll, surplus))
                names = [self._keyspace.key("timeline", digest) for digest, _ in stalest]
                await self._redis.delete(*names)
        return str(entry_id)

    async def latest(
        self, session_id: str, *, before: str | None = None, count: int = MAX_EXCHANGES
    ) -> list[Entry]:
        """The last `count` exchanges (before an entry), oldest first, as complete as they are."""
        key, end = self._key(session_id), f"({before}" if before else "+"
        async with store_errors():
            found = await self._redis.xrevrange(key, end, "-", 2 * count)
        return _completed(self._opened(key, _raw(found)[::-1]))[-count:]

    async def follow(self, session_id: str, after: str | None) -> AsyncIterator[list[Entry]]:
        """What is added after an entry; an empty batch now and then while nothing is.

        Ends when the timeline is another session's from now on.
        """
        key, last_id = self._key(session_id), after or _BEFORE_ALL
        while True:
            async with store_errors():
                answer = await self._waiting.xread(
                    {key: last_id}, count=_BATCH, block=self._block_milliseconds
                )
            entries = _entries_of(answer)
            yield self._opened(key, entries)
            if any(_MOVED in fields for _, fields in entries):
                return
            last_id = entries[-1][0] if entries else last_id

    async def move(self, old: str, new: str) -> None:
        """Give the timeline to the session's new id. Whoever knows the old one sees no more of it.

        Sealed anew, because a sealed value opens at its own place only.
        """
        source, target = self._key(old), self._key(new)
        async with store_errors():
            entries = _raw(await self._redis.xrange(source))
            last_id = await self._copy(source, target, entries)
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.xrange(source, f"({last_id}")
                pipe.xadd(source, {_MOVED: "1"}, maxlen=1, approximate=False)
                pipe.expire(source, _MOVED_SECONDS)
                pipe.zrem(self._keyspace.key("timeline-roll"), sha256_hex(old))
                meanwhile = _raw((await pipe.execute())[0])
            await self._copy(source, target, meanwhile)

    async def clear(self, session_id: str) -> None:
        async with store_errors():
            await self._redis.delete(self._key(session_id))

    async def _copy(self, source: str, target: str, entries: list[RawEntry]) -> str:
        last_id = _BEFORE_ALL
        async with self._redis.pipeline(transaction=True) as pipe:
            for entry in self._opened(source, entries):
                last_id = entry.id
                sealed = self._seal(entry.exchange, target)
                pipe.xadd(target, {_EXCHANGE: sealed}, id=entry.id)
            pipe.expire(target, KEPT_SECONDS)
            await pipe.execute()
        return last_id

    def _seal(self, exchange: Exchange, key: str) -> str:
        return self._sealer.seal(_SHAPE.dump_json(bounded(exchange)), key)

    def _opened(self, key: str, entries: list[RawEntry]) -> list[Entry]:
        opened = []
        for entry_id, fields in entries:
            if _EXCHANGE in fields:
                try:
                    plaintext = self._sealer.open(fields[_EXCHANGE], key)
                    opened.append(Entry(entry_id, _SHAPE.validate_json(plaintext)))
                except ValueError as error:
                    log.warning("exchange_unreadable", reason=type(error).__name__)
        return opened

    def _key(self, session_id: str) -> str:
        return self._keyspace.key("timeline", sha256_hex(session_id))


def _completed(entries: list[Entry]) -> list[Entry]:
    """Each in its own place, with what came to be known of it later."""
    whole = {entry.id: entry for entry in entries if not entry.exchange.completes}
    for entry in entries:
        first = entry.exchange.completes
        if first in whole:
            whole[first] = Entry(first, replace(entry.exchange, completes=""))
    return list(whole.values())


def bounded(exchange: Exchange) -> Exchange:
    """As much of it as may be kept."""
    if len(_SHAPE.dump_json(exchange)) <= MAX_EXCHANGE_BYTES:
        return exchange
    return _without_bodies(exchange)


def _without_bodies(exchange: Exchange) -> Exchange:
    left_out = "too large to keep"
    return replace(
        exchange,
        request=replace(exchange.request, form=(), body="", left_out=left_out),
        response=replace(exchange.response, body="", left_out=left_out),
        tokens=(),
    )


def _raw(answer: object) -> list[RawEntry]:
    """The entries of one stream, as a client that decodes responses gives them."""
    return cast(list[RawEntry], answer or [])


def _entries_of(answer: object) -> list[RawEntry]:
    """The entries of the one stream that was asked for: RESP2 answers a list, RESP3 a map."""
    if isinstance(answer, dict):
        return [entry for batches in answer.values() for batch in batches for entry in batch]
    if isinstance(answer, list):
        return [entry for _, entries in answer for entry in entries]
    return []
