"""Every store of registered clients keeps the same promises."""

import asyncio
from dataclasses import replace

import pytest

from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis
from oauth_kit.rules.client_metadata import ClientMetadata
from registrar.registrations.port import Registrations, RegistrationsFullError
from registrar.registrations.redis import RedisRegistrations

DAY = 86_400
KEYSPACE = Keyspace("test")


class SteppingClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000

    def __call__(self) -> int:
        return self.now


def client(client_id: str = "mcp-1") -> Client:
    return Client(
        client_id=client_id,
        kind="registered",
        metadata=ClientMetadata(
            redirect_uris=("https://client.example/cb?a=\u00e9", "http://127.0.0.1/cb"),
            token_endpoint_auth_method="client_secret_basic",
            scope=("mcp-api/read",),
            client_name="名前",
            application_type="native",
        ),
        secret_hash="sha256:00",
        method_was_defaulted=True,
        issued_at=1_800_000_000,
    )


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def registrations(store: Redis, clock: SteppingClock) -> RedisRegistrations:
    return RedisRegistrations(
        store,
        KEYSPACE,
        clock,
        max_clients=3,
        unused_seconds=30 * DAY,
        used_seconds=90 * DAY,
    )


async def ttl(store: Redis, client_id: str = "mcp-1") -> int:
    return int(await store.ttl(KEYSPACE.key("client", client_id)))


async def create_used(registrations: Registrations, *numbers: int) -> None:
    for number in numbers:
        await registrations.create(client(f"mcp-{number}"))
        assert await registrations.touch(f"mcp-{number}")


async def who_is_left(registrations: Registrations) -> list[int]:
    return [n for n in range(9) if await registrations.get(f"mcp-{n}")]


@pytest.mark.requirement("REG18")
async def test_the_cap_refuses_when_all_clients_are_in_use(registrations: Registrations) -> None:
    await create_used(registrations, 0, 1, 2)
    with pytest.raises(RegistrationsFullError):
        await registrations.create(client("mcp-3"))
    assert await who_is_left(registrations) == [0, 1, 2]


@pytest.mark.requirement("REG18")
async def test_a_flood_of_clients_drives_out_itself_and_nobody_in_use(
    registrations: Registrations, clock: SteppingClock
) -> None:
    await create_used(registrations, 0)
    for n in range(1, 9):
        clock.now += 1
        await registrations.create(client(f"mcp-{n}"))
    assert await who_is_left(registrations) == [0, 7, 8]


@pytest.mark.requirement("REG19")
async def test_an_expired_client_no_longer_counts(
    registrations: Registrations, clock: SteppingClock
) -> None:
    await create_used(registrations, 0, 1, 2)
    clock.now += 90 * DAY - 1
    with pytest.raises(RegistrationsFullError):
        await registrations.create(client("mcp-3"))
    clock.now += 1
    await registrations.create(client("mcp-3"))


async def test_the_rolls_forget_those_who_expired(
    registrations: Registrations, clock: SteppingClock, store: Redis
) -> None:
    await registrations.create(client("mcp-0"))
    await create_used(registrations, 1)
    clock.now += 30 * DAY
    await registrations.create(client("mcp-2"))
    assert await store.zrange(KEYSPACE.key("registrations", "unused"), 0, -1) == ["mcp-2"]
    assert await store.zrange(KEYSPACE.key("registrations", "used"), 0, -1) == ["mcp-1"]
    clock.now += 60 * DAY
    await registrations.create(client("mcp-3"))
    assert await store.zrange(KEYSPACE.key("registrations", "used"), 0, -1) == []


@pytest.mark.requirement("REG19")
async def test_an_unused_client_lives_30_days_and_a_used_one_90(
    registrations: Registrations, store: Redis
) -> None:
    await registrations.create(client())
    assert 30 * DAY - 5 <= await ttl(store) <= 30 * DAY
    assert await registrations.touch("mcp-1")
    assert 90 * DAY - 5 <= await ttl(store) <= 90 * DAY


@pytest.mark.requirement("REG19")
async def test_an_expired_client_is_unknown(registrations: Registrations, store: Redis) -> None:
    await registrations.create(client())
    await store.delete(KEYSPACE.key("client", "mcp-1"))
    assert await registrations.get("mcp-1") is None
    assert not await registrations.touch("mcp-1")
    assert await registrations.get("mcp-1") is None


async def test_an_unknown_client_cannot_be_used(registrations: Registrations, store: Redis) -> None:
    assert not await registrations.touch("mcp-1")
    assert await store.keys() == []


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
async def test_a_client_comes_back_as_it_was(registrations: Registrations, method: str) -> None:
    kept = client()
    kept = replace(kept, metadata=replace(kept.metadata, token_endpoint_auth_method=method))
    await registrations.create(kept)
    assert await registrations.get("mcp-1") == kept
    assert await registrations.get("mcp-") is None
    assert await registrations.get("mcp-2") is None


async def test_clients_created_at_once_are_all_kept(
    store: Redis, registrations: RedisRegistrations
) -> None:
    roomy = replace(registrations, max_clients=100)
    await asyncio.gather(*(roomy.create(client(f"mcp-{n}")) for n in range(50)))
    found = await asyncio.gather(*(roomy.get(f"mcp-{n}") for n in range(50)))
    assert [each.client_id for each in found if each] == [f"mcp-{n}" for n in range(50)]
