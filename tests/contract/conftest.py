"""What adapters are proven against: both kinds of Redis, the Cognito emulator, Keycloak."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import fakeredis
import pytest
import redis.asyncio
from fakes.emulator_process import Emulator, running_emulator
from fakes.keycloak_process import Keycloak, running_keycloak

from registrar.registrations.table import connect_dynamodb


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def dynamodb_client(emulator: Emulator) -> Iterator[Any]:
    client = connect_dynamodb("us-east-1", endpoint_url=emulator.url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Keycloak]:
    with running_keycloak() as keycloak:
        yield keycloak


@pytest.fixture(params=["fakeredis", "valkey"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[redis.asyncio.Redis]:
    """An empty store: in memory, then a real one."""
    if request.param == "fakeredis":
        client = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), decode_responses=True)
    else:
        url = request.getfixturevalue("valkey_url")
        client = redis.asyncio.Redis.from_url(url, decode_responses=True)
        await client.flushall()
    yield client
    await client.aclose()
