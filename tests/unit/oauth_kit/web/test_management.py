"""The management port: alive is not the same as ready, and numbers are for those who may ask."""

import pytest
from fakes.kit_service import send, serving
from fakes.scraped import Scraped

from oauth_kit.metrics import Metrics


async def ready() -> str | None:
    return None


async def away() -> str | None:
    return "redis: ConnectionError"


async def without_keys() -> str | None:
    return "no signing keys"


@pytest.mark.requirement("OP5")
@pytest.mark.parametrize(
    ("checks", "status", "reasons"),
    [
        ([], 200, []),
        ([ready], 200, []),
        ([away], 503, ["redis: ConnectionError"]),
        ([ready, away, without_keys], 503, ["redis: ConnectionError", "no signing keys"]),
    ],
)
async def test_a_service_is_ready_when_every_check_passes(
    checks: list[object], status: int, reasons: list[str]
) -> None:
    async with serving(readiness=checks) as ports:
        answer = await send(ports.management, "/readyz")
        assert answer.status == status
        assert answer.json() == {"service": "sample", "ready": not reasons, "reasons": reasons}
        alive = await send(ports.management, "/livez")
        assert (alive.status, alive.json()) == (200, {"service": "sample", "alive": True})


@pytest.mark.requirement("OP5")
async def test_a_check_that_fails_itself_is_not_ready() -> None:
    async def broken() -> str | None:
        raise RuntimeError("canary")

    async with serving(readiness=[broken]) as ports:
        answer = await send(ports.management, "/readyz")
    assert answer.status == 500
    assert b"canary" not in answer.body


async def test_metrics_are_text_that_nobody_keeps() -> None:
    async with serving() as ports:
        answer = await send(ports.management, "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_what_is_not_known_without_asking_is_asked_at_each_scrape() -> None:
    metrics, asked = Metrics(), [3, 2]
    gauge = metrics.gauge("things", "Things")

    async def measure() -> None:
        gauge.set(asked.pop())

    async with serving(metrics=metrics, measurements=[measure]) as ports:
        for expected in (2, 3):
            text = (await send(ports.management, "/metrics")).body.decode()
            assert Scraped.of(text).sum("things") == expected
