"""A lock of limited life that several replicas agree on (SET NX, token-checked release)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.exceptions import RedisError

from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()

_POLL_SECONDS = 0.02


@asynccontextmanager
async def held_lock(
    redis: Redis, key: str, *, lives_seconds: float, waits_seconds: float
) -> AsyncIterator[None]:
    """Hold the lock `key` for the block; whoever had to wait re-reads what it protects.

    It ends after `lives_seconds` even when its holder died. Raises OAuthError
    ("temporarily_unavailable") when it is still taken after `waits_seconds`.
    """
    lock = redis.lock(
        key,
        timeout=lives_seconds,
        sleep=_POLL_SECONDS,
        blocking_timeout=waits_seconds,
        thread_local=False,
    )
    async with store_errors():
        acquired = await lock.acquire()
    if not acquired:
        raise OAuthError(
            "temporarily_unavailable",
            "The service is busy with the same request, try again shortly",
            reason="lock not acquired",
        )
    try:
        yield
    finally:
        # The work is done: a lock that ran out, or a store that went away, must not undo it.
        try:
            await lock.release()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("lock_not_released", reason=type(error).__name__)
