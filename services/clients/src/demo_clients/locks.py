"""A lock in Redis around one thing at a time, whichever worker serves the request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from redis.exceptions import LockError, RedisError

from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()

# outlasts the calls made while it is held (each at most OUTBOUND_TIMEOUT_SECONDS, 60 at most)
_HELD_SECONDS: Final = 90.0
_WAIT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02


@asynccontextmanager
async def locked(redis: Redis, name: str) -> AsyncIterator[None]:
    """Raises OAuthError("temporarily_unavailable") when it cannot be had."""
    lock = redis.lock(
        name, timeout=_HELD_SECONDS, blocking_timeout=_WAIT_SECONDS, sleep=_POLL_SECONDS
    )
    async with store_errors():
        acquired = await lock.acquire()
    if not acquired:
        raise OAuthError(
            "temporarily_unavailable",
            "Another request of this kind is still under way, try again shortly",
            reason="lock is held",
        )
    try:
        yield
    finally:
        try:
            await lock.release()
        except (LockError, RedisError, OSError) as error:
            # it ends by itself, and what was done under it stands
            log.warning("lock_not_released", reason=type(error).__name__)
