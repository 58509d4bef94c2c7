"""The connection to Redis (or Valkey), and what its failures mean to callers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from oauth_kit.rules.errors import OAuthError

Redis = redis.asyncio.Redis

STORE_UNREACHABLE: Final = "The service cannot reach its store, try again shortly"

# A store that hangs must not hold requests for long; denials are awaited for 1 s (XREAD BLOCK)
_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 2.0


def connect(redis_url: str, *, max_connections: int = 64) -> Redis:
    """A client for `redis://`, `rediss://` or `unix://` URLs; it connects at first use.

    One immediate retry covers a connection that Redis closed while it was idle; a store that
    does not answer in time is not asked twice.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        redis_url,
        decode_responses=True,
        max_connections=max_connections,
        timeout=_CONNECT_SECONDS,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        retry_on_error=[RedisConnectionError],
    )
    return redis.asyncio.Redis.from_pool(pool)


@asynccontextmanager
async def store_errors() -> AsyncIterator[None]:
    """Turn any failure of Redis into `temporarily_unavailable` (503 with Retry-After)."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise OAuthError(
            "temporarily_unavailable",
            STORE_UNREACHABLE,
            reason=f"redis: {type(error).__name__}",
        ) from error


async def redis_ready(client: Redis) -> str | None:
    """A readiness check: None when Redis answers, else the reason."""
    try:
        await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return f"redis: {type(error).__name__}"
    return None
