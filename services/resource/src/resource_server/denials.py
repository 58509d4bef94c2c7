"""Grants and tokens that were revoked before they expired, followed from the bridge's stream."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from redis.exceptions import RedisError

from oauth_kit.clock import Clock
from oauth_kit.metrics import uncounted
from oauth_kit.redis import Redis
from oauth_kit.rules.access_token import AccessTokenClaims
from resource_server.metrics import DenialKind

log = structlog.get_logger()

DENIED_STREAM: Final = "denied"
_START: Final = "0-0"
_BLOCK_MILLISECONDS: Final = 1000
_BATCH: Final = 500
_RETRY_SECONDS: Final = 1.0
_PRUNE_SECONDS: Final = 30
_MAX_DENIALS: Final = 200_000
_MAX_DIGITS: Final = 12
_KINDS: Final[dict[str, DenialKind]] = {"gid": "grant", "jti": "token"}


class Denials:
    """What is denied, in memory. An entry lives until no token that it denies can be valid."""

    def __init__(self, clock: Clock, *, capacity: int = _MAX_DENIALS) -> None:
        self._clock = clock
        self._capacity = capacity
        self._not_after: dict[tuple[str, str], int] = {}
        self._prune_at = 0

    def __len__(self) -> int:
        return len(self._not_after)

    def deny(self, kind: str, value: str, not_after: int) -> None:
        """kind: `gid` (a grant and every token of it) or `jti` (one token)."""
        if not_after < self._clock():
            return
        if len(self._not_after) >= self._capacity:
            self._make_room()
        self._not_after[kind, value] = max(not_after, self._not_after.get((kind, value), 0))

    def denies(self, claims: AccessTokenClaims) -> bool:
        known = self._not_after
        return ("gid", claims.grant_id) in known or ("jti", claims.token_id) in known

    def prune(self) -> None:
        """Forget what has no effect any more."""
        now = self._clock()
        if now < self._prune_at:
            return
        self._prune_at = now + _PRUNE_SECONDS
        self._not_after = {key: end for key, end in self._not_after.items() if end >= now}

    def _make_room(self) -> None:
        self._prune_at = 0
        self.prune()
        if len(self._not_after) >= self._capacity:
            soonest = min(self._not_after, key=self._not_after.__getitem__)
            del self._not_after[soonest]
            log.error("denials_full", capacity=self._capacity)


class DenialFollower:
    """Reads the stream `denied` from its beginning, then waits for what comes.

    While Redis is away verification goes on with what is known, and readiness says so.
    """

    def __init__(
        self,
        redis: Redis,
        stream: str,
        denials: Denials,
        *,
        count_loaded: Callable[[DenialKind], None] = uncounted,
    ) -> None:
        self._count_loaded = count_loaded
        self._redis = redis
        self._stream = stream
        self._denials = denials
        self._last_id = _START
        self._following = False
        self._outage_logged = False

    async def not_ready(self) -> str | None:
        """A readiness check."""
        return None if self._following else "denials are not followed"

    async def run(self) -> None:
        """Follow for as long as the process lives."""
        try:
            while True:
                await self._follow()
                await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self._following = False

    async def _follow(self) -> None:
        """Until Redis goes away."""
        try:
            await self._resume()
            while True:
                await self._read(block=_BLOCK_MILLISECONDS)
                self._denials.prune()
        except (RedisError, OSError, TimeoutError) as error:
            self._following = False
            if not self._outage_logged:
                log.warning("denials_not_followed", reason=type(error).__name__)
            self._outage_logged = True

    async def _resume(self) -> None:
        """Go on after the last entry read, or from the start where that entry is gone."""
        if self._last_id != _START and not await self._redis.xrange(
            self._stream, self._last_id, self._last_id, count=1
        ):
            log.info("denials_reread")
            self._last_id = _START
        while await self._read(block=None):
            pass
        self._following, self._outage_logged = True, False
        log.info("denials_followed", known=len(self._denials))

    async def _read(self, *, block: int | None) -> bool:
        """Take in one batch; False when there was nothing to take."""
        answer = await self._redis.xread({self._stream: self._last_id}, count=_BATCH, block=block)
        entries = _entries_of(answer)
        for entry_id, fields in entries:
            self._take(fields)
            self._last_id = entry_id
        return bool(entries)

    def _take(self, fields: dict[str, str]) -> None:
        not_after = fields.get("not_after", "")
        readable = not_after.isascii() and not_after.isdigit() and len(not_after) <= _MAX_DIGITS
        named = [(kind, fields[kind]) for kind in _KINDS if fields.get(kind)]
        if not named or not readable:
            log.warning("denial_unreadable", fields=sorted(fields))
            return
        for kind, value in named:
            self._denials.deny(kind, value, int(not_after))
            self._count_loaded(_KINDS[kind])


def _entries_of(answer: object) -> list[tuple[str, dict[str, str]]]:
    """The entries of the one stream we asked for: RESP2 answers a list, RESP3 a map."""
    if isinstance(answer, dict):
        return [entry for batches in answer.values() for batch in batches for entry in batch]
    if isinstance(answer, list):
        return [entry for _, entries in answer for entry in entries]
    return []
