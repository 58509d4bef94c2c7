"""Windows by bucket and key; without Redis each process counts for itself."""

import pytest
from structlog.testing import capture_logs

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits

NOWHERE = "unix:///nonexistent/valkey.sock"


def limits(url: str = "memory://", *, enabled: bool = True) -> RateLimits:
    return RateLimits(url, prefix="test:rate", enabled=enabled)


async def passes(tested: RateLimits, bucket: str, key: str, limit: str) -> bool:
    try:
        await tested.check(bucket, key, limit)
    except OAuthError as error:
        return error.status != 429
    return True


@pytest.mark.requirement("OP6", "C1")
@pytest.mark.parametrize("url", ["memory://", NOWHERE])
async def test_a_window_lets_so_many_through_by_bucket_and_key(url: str) -> None:
    tested = limits(url)
    attempts = [await passes(tested, "register", "192.0.2.0/24", "2/day") for _ in range(3)]
    assert attempts == [True, True, False]
    assert await passes(tested, "register", "198.51.100.0/24", "2/day")
    assert await passes(tested, "authorize", "192.0.2.0/24", "2/day")


@pytest.mark.requirement("OP6")
@pytest.mark.parametrize(("limit", "seconds"), [("1/minute", 60), ("1/hour", 3600)])
async def test_who_is_refused_learns_when_the_window_is_over(limit: str, seconds: int) -> None:
    tested = limits()
    await tested.check("bucket", "key", limit)
    with pytest.raises(OAuthError) as refused:
        await tested.check("bucket", "key", limit)
    assert refused.value.retry_after_seconds == seconds
    assert "key" not in refused.value.reason


@pytest.mark.requirement("OP6")
async def test_only_what_is_counted_fills_the_window_of_failures() -> None:
    tested = limits()
    for _ in range(5):
        await tested.refuse_if_full("failures", "key", "2/day")
    await tested.count("failures", "key", "2/day")
    await tested.refuse_if_full("failures", "key", "2/day")
    await tested.count("failures", "key", "2/day")
    with pytest.raises(OAuthError) as refused:
        await tested.refuse_if_full("failures", "key", "2/day")
    assert refused.value.status == 429
    await tested.count("failures", "key", "2/day")


@pytest.mark.requirement("OP6")
async def test_every_refusal_is_counted_by_its_bucket_and_nothing_else_is() -> None:
    counted: list[str] = []
    tested = RateLimits("memory://", prefix="test:rate", count_limited=counted.append)
    for _ in range(3):
        await passes(tested, "register", "canary", "2/day")
    await tested.count("failures", "canary", "1/day")
    assert counted == ["register"]
    with pytest.raises(OAuthError):
        await tested.refuse_if_full("failures", "canary", "1/day")
    assert counted == ["register", "failures"]


async def test_limits_that_are_off_let_everything_through_and_say_so() -> None:
    with capture_logs() as lines:
        tested = limits(NOWHERE, enabled=False)
    assert [line["event"] for line in lines] == ["rate_limits_off"]
    for _ in range(3):
        await tested.check("bucket", "key", "1/day")
        await tested.refuse_if_full("bucket", "key", "1/day")
        await tested.count("bucket", "key", "1/day")


@pytest.mark.requirement("OP6", "OP1")
async def test_a_redis_that_is_away_is_told_once_and_without_keys() -> None:
    tested = limits(NOWHERE)
    with capture_logs() as lines:
        for _ in range(3):
            await tested.check("bucket", "canary", "9/day")
    assert [line["event"] for line in lines] == ["rate_limits_local"]
    assert "canary" not in str(lines)


@pytest.mark.parametrize("scheme", ["nothing", "http"])
def test_another_store_is_refused_at_the_start(scheme: str) -> None:
    with pytest.raises(Exception, match=r"storage|rate-limit|prerequisite|library"):
        limits(f"{scheme}://localhost")
