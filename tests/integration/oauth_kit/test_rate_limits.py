"""Rate limits on a real Valkey: one window for all replicas, and a way on without it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio
from limits.aio.storage import RedisStorage
from structlog.testing import capture_logs

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits

PREFIX = "mcp:test:rate"


class Seconds:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def replica(url: str, clock: Seconds | None = None) -> AsyncIterator[RateLimits]:
    limits = RateLimits(url, prefix=PREFIX, monotonic=clock or Seconds())
    yield limits
    storage = limits._shared.storage
    assert isinstance(storage, RedisStorage)
    await storage.bridge.get_connection().aclose()  # type: ignore[attr-defined]


async def admitted(limits: RateLimits, attempts: int, limit: str, key: str = "192.0.2.0/24") -> int:
    async def once() -> bool:
        try:
            await limits.check("register", key, limit)
        except OAuthError:
            return False
        return True

    return sum(await asyncio.gather(*(once() for _ in range(attempts))))


@pytest.mark.requirement("OP6", "C1")
async def test_replicas_share_one_window(valkey_url: str, valkey: redis.asyncio.Redis) -> None:
    async with replica(valkey_url) as one, replica(valkey_url) as other:
        counts = await asyncio.gather(admitted(one, 20, "10/day"), admitted(other, 20, "10/day"))
        assert sum(counts) == 10
        await one.count("failures", "key", "1/day")
        with pytest.raises(OAuthError) as refused:
            await other.refuse_if_full("failures", "key", "1/day")
        assert refused.value.status == 429


@pytest.mark.requirement("OP7", "C1")
async def test_the_store_holds_short_keys_that_end(
    valkey_url: str, valkey: redis.asyncio.Redis
) -> None:
    async with replica(valkey_url) as limits:
        await limits.check("register", "canary" * 10_000, "10/minute")
        await limits.check("register", "lone \udcff surrogate", "10/minute")
    keys = await valkey.keys()
    assert keys
    for key in keys:
        assert key.startswith(f"{PREFIX}:")
        assert "canary" not in key
        assert len(key) < 200
        assert 0 < await valkey.ttl(key) <= 120


@pytest.mark.requirement("OP6")
async def test_a_store_that_hangs_is_asked_once_and_again_after_a_while(
    valkey_url: str, valkey: redis.asyncio.Redis
) -> None:
    clock = Seconds()
    async with replica(valkey_url, clock) as limits:
        assert await admitted(limits, 3, "2/day") == 2
        await valkey.execute_command("CLIENT", "PAUSE", "1500", "ALL")
        with capture_logs() as lines:
            await limits.check("register", "192.0.2.0/24", "2/day")
            await limits.check("register", "192.0.2.0/24", "2/day")
            with pytest.raises(OAuthError):
                await limits.check("register", "192.0.2.0/24", "2/day")
        assert [line["event"] for line in lines] == ["rate_limits_local", "rate_limited"]
        await valkey.ping()
        clock.now += 4.9
        assert await admitted(limits, 1, "3/day", key="another") == 1
        assert len(await valkey.keys()) == 1, "Redis was left alone"
        clock.now += 0.2
        assert await admitted(limits, 1, "3/day", key="a third") == 1
        assert len(await valkey.keys()) == 2, "Redis counts again"
        assert await admitted(limits, 1, "2/day") == 0
