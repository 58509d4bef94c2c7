"""How often strangers may ask: shared by all replicas through Redis, local when it is away."""

import hashlib
import time
from collections.abc import Callable
from typing import Literal

import structlog
from limits import RateLimitItem, parse, parse_many
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from oauth_kit.metrics import uncounted
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()

_ANSWER_SECONDS = 1.0
_AWAY_SECONDS = 5.0


def check_rate_limit(value: str) -> str:
    """One limit that lets something through, such as `20/minute`. Raises ValueError."""
    try:
        items = parse_many(value)
    except ValueError:
        items = []
    if len(items) != 1 or items[0].amount < 1:
        raise ValueError("must be one limit like 20/minute, above 0")
    return value


class RateLimits:
    """Sliding windows by bucket and key. `enabled=False` lets everything through (tests).

    After a failure Redis is left alone for a few seconds: a store that hangs costs one request
    its time, not every one.

    count_limited: told the bucket of every refusal
    """

    def __init__(
        self,
        redis_url: str,
        *,
        prefix: str,
        enabled: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        count_limited: Callable[[str], None] = uncounted,
    ) -> None:
        self._enabled = enabled
        self._count_limited = count_limited
        self._monotonic = monotonic
        self._away_until = 0.0
        self._shared = SlidingWindowCounterRateLimiter(_shared_storage(redis_url, prefix))
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        if not enabled:
            log.warning("rate_limits_off", reason="RATE_LIMITS=off: strangers are not limited")

    async def check(self, bucket: str, key: str, limit: str) -> None:
        """Count one attempt against e.g. `20/minute`.

        Raises OAuthError with status 429 and Retry-After when the window is full.
        """
        if not self._enabled:
            return
        item = parse(limit)
        if not await self._ask("hit", item, bucket, key):
            raise self._full(item, bucket)

    async def refuse_if_full(self, bucket: str, key: str, limit: str) -> None:
        """Like `check`, without counting: where only failures count (see `count`)."""
        if not self._enabled:
            return
        item = parse(limit)
        if not await self._ask("test", item, bucket, key):
            raise self._full(item, bucket)

    async def count(self, bucket: str, key: str, limit: str) -> None:
        """Count one failure, whatever the window says."""
        if self._enabled:
            await self._ask("hit", parse(limit), bucket, key)

    async def _ask(
        self, verb: Literal["hit", "test"], item: RateLimitItem, bucket: str, key: str
    ) -> bool:
        # hashed: a key may hold whatever a stranger calls itself, at any length
        hashed = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        if self._monotonic() >= self._away_until:
            try:
                return await getattr(self._shared, verb)(item, bucket, hashed) is True
            except (RedisError, OSError, TimeoutError) as error:
                self._away_until = self._monotonic() + _AWAY_SECONDS
                log.warning("rate_limits_local", reason=type(error).__name__)
        return await getattr(self._local, verb)(item, bucket, hashed) is True

    def _full(self, item: RateLimitItem, bucket: str) -> OAuthError:
        log.info("rate_limited", bucket=bucket)
        self._count_limited(bucket)
        return OAuthError(
            "temporarily_unavailable",
            "Too many requests, try again later",
            reason=f"rate limit {bucket}",
            status=429,
            retry_after_seconds=item.get_expiry(),
        )


def _shared_storage(redis_url: str, prefix: str) -> Storage:
    scheme, _, rest = redis_url.partition("://")
    scheme = "redis+unix" if scheme == "unix" else scheme
    storage = storage_from_string(
        f"async+{scheme}://{rest}",
        implementation="redispy",
        key_prefix=prefix,
        socket_connect_timeout=_ANSWER_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # passed on to redis-py as it is
    )
    if not isinstance(storage, Storage):
        raise TypeError(f"no asynchronous rate-limit storage for {scheme}")
    return storage
