"""What failures of the store mean: 503, soon, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import fakeredis
import pytest
import redis.exceptions

from oauth_kit import redis as kit
from oauth_kit.redis import connect, redis_ready, store_errors
from oauth_kit.rules.errors import OAuthError


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[tuple[str, list[int]]]:
    """A port that takes connections: closes them after `answer`, or never says a word."""
    accepted: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(1)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield f"redis://127.0.0.1:{port}", accepted
    listening.close()
    await listening.wait_closed()


@pytest.mark.requirement("TK29")
@pytest.mark.parametrize(
    "error",
    [
        redis.exceptions.ConnectionError("canary"),
        redis.exceptions.TimeoutError("canary"),
        redis.exceptions.ResponseError("canary"),
        redis.exceptions.ReadOnlyError("canary"),
        redis.exceptions.OutOfMemoryError("canary"),
        ConnectionRefusedError("canary"),
        TimeoutError("canary"),
    ],
    ids=lambda error: f"{type(error).__module__}.{type(error).__name__}",
)
async def test_every_failure_of_the_store_is_temporary(error: Exception) -> None:
    with pytest.raises(OAuthError) as refused:
        async with store_errors():
            raise error
    assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
    assert refused.value.retry_after_seconds == 5
    assert refused.value.reason == f"redis: {type(error).__name__}"
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("error", [ValueError("x"), OAuthError("invalid_grant", "x")])
async def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as passed:
        async with store_errors():
            raise error
    assert passed.value is error


@pytest.mark.requirement("OP5")
async def test_readiness_follows_the_store() -> None:
    fake = fakeredis.FakeServer()
    client = fakeredis.FakeAsyncRedis(server=fake, decode_responses=True)
    assert await redis_ready(client) is None
    fake.connected = False
    assert await redis_ready(client) == "redis: ConnectionError"
    fake.connected = True
    assert await redis_ready(client) is None
    await client.aclose()


@pytest.mark.requirement("TK29", "OP5")
@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "unix:///nonexistent/valkey.sock"])
async def test_a_store_that_is_not_there_is_told_as_such(url: str) -> None:
    client = connect(url)
    assert await redis_ready(client) == "redis: ConnectionError"
    await client.aclose()


@pytest.mark.requirement("TK29")
async def test_a_store_that_hangs_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kit._CONNECT_SECONDS + kit._ANSWER_SECONDS <= 3
    monkeypatch.setattr(kit, "_ANSWER_SECONDS", 0.05)
    async with server(None) as (url, accepted):
        client = connect(url)
        assert await redis_ready(client) == "redis: TimeoutError"
        assert len(accepted) == 1
        await client.aclose()


@pytest.mark.requirement("TK29")
async def test_a_connection_that_was_closed_is_tried_once_more() -> None:
    async with server(b"") as (url, accepted):
        client = connect(url)
        assert await redis_ready(client) == "redis: ConnectionError"
        assert len(accepted) == 2
        await client.aclose()
