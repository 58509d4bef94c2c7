"""The registrar as it runs with its registrations in the emulator's DynamoDB."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import redis.asyncio
from fakes.processes import free_ports, has_ended

BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}
REGISTRATION = {"redirect_uris": ["http://localhost:3000/callback"], "client_name": "A client"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def in_dynamodb(emulator: Any) -> dict[str, str]:
    return stored_at(emulator.url)


def stored_at(url: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": "development",
        "REGISTRATION_STORE": "dynamodb",
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        # of an account: no emulator gets them
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


async def register(http: aiohttp.ClientSession, registrar: Any) -> dict[str, Any]:
    async with http.post(f"{registrar.public}/register", json=REGISTRATION) as answer:
        assert answer.status == 201, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def read(http: aiohttp.ClientSession, registrar: Any, client_id: str) -> tuple[int, Any]:
    url = f"{registrar.internal}/internal/clients/{client_id}"
    async with http.get(url, headers=BEARER) as answer:
        return answer.status, await answer.json()


def has_logged(registrar: Any, event: str) -> bool:
    for _ in range(300):
        if any(line["event"] == event for line in registrar.events()):
            return True
        assert not has_ended(registrar.process, within_seconds=0.1)
    return False


async def test_a_table_that_is_away_is_503_with_the_reason_in_readyz(
    start_registrar: Any, http: aiohttp.ClientSession, valkey: redis.asyncio.Redis
) -> None:
    (nobody,) = free_ports(1)
    with start_registrar(**stored_at(f"http://127.0.0.1:{nobody}")) as registrar:
        async with http.post(f"{registrar.public}/register", json=REGISTRATION) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert (await answer.json())["error"] == "temporarily_unavailable"
        async with http.get(f"{registrar.management}/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["reasons"] == ["dynamodb: EndpointConnectionError"]
    assert await valkey.keys() == []


async def test_a_registration_outlives_redis_and_is_known_to_every_process(
    start_registrar: Any,
    http: aiohttp.ClientSession,
    valkey: redis.asyncio.Redis,
    in_dynamodb: dict[str, str],
) -> None:
    with start_registrar(**in_dynamodb) as first, start_registrar(**in_dynamodb) as second:
        told = await register(http, first)
        await valkey.flushall()
        status, document = await read(http, second, told["client_id"])
        assert (status, document["client_id"]) == (200, told["client_id"])
        assert told["client_secret"] not in str(document)
        assert await valkey.exists(f"mcp:development:client:{told['client_id']}")
        assert (await read(http, second, "mcp-nobody"))[0] == 404
        async with http.get(f"{second.management}/readyz") as answer:
            assert answer.status == 200


async def test_clients_of_redis_are_in_the_table_once_it_is_chosen(
    start_registrar: Any,
    http: aiohttp.ClientSession,
    valkey: redis.asyncio.Redis,
    in_dynamodb: dict[str, str],
) -> None:
    with start_registrar(ENVIRONMENT="development") as registrar:
        told = await register(http, registrar)
    with start_registrar(**in_dynamodb) as registrar:
        assert has_logged(registrar, "registrations_refilled")
        await valkey.flushall()
        assert (await read(http, registrar, told["client_id"]))[0] == 200
