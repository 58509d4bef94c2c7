"""Every store of registered clients keeps the same promises: Redis, and DynamoDB before Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import fakeredis
import pytest
import redis.asyncio
from fakes.registration_world import (
    DAY,
    RegistrationWorld,
    TroubledDynamoDb,
    a_client,
    dynamodb_world,
    redis_world,
)
from structlog.testing import capture_logs

from oauth_kit.rules.errors import OAuthError
from registrar.registrations.port import RegistrationsFullError

GOOD = a_client("mcp-good").to_document()


@pytest.fixture(params=["fakeredis", "valkey", "dynamodb"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[RegistrationWorld]:
    if request.param == "fakeredis":
        client = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), decode_responses=True)
    else:
        url = request.getfixturevalue("valkey_url")
        client = redis.asyncio.Redis.from_url(url, decode_responses=True)
        await client.flushall()
    if request.param == "dynamodb":
        dynamodb = TroubledDynamoDb(request.getfixturevalue("dynamodb_client"))
        yield dynamodb_world(client, dynamodb)
    else:
        yield redis_world(client)
    await client.aclose()


@pytest.mark.requirement("REG18")
async def test_the_cap_refuses_when_all_clients_are_in_use(world: RegistrationWorld) -> None:
    await world.create_used(0, 1, 2)
    with pytest.raises(RegistrationsFullError):
        await world.registrations.create(world.client(3))
    assert await world.who_is_left() == [0, 1, 2]


@pytest.mark.requirement("REG18")
async def test_a_flood_of_clients_drives_out_itself_and_nobody_in_use(
    world: RegistrationWorld,
) -> None:
    await world.create_used(0)
    for n in range(1, 9):
        world.clock.now += 1
        await world.registrations.create(world.client(n))
    assert await world.who_is_left() == [0, 7, 8]


async def test_an_id_is_given_once(world: RegistrationWorld) -> None:
    await world.registrations.create(world.client())
    other = replace(world.client(), secret_hash="sha256:11")
    with pytest.raises(OAuthError) as refused:
        await world.registrations.create(other)
    assert (refused.value.status, refused.value.reason) == (503, "client_id is taken")
    assert await world.registrations.get(world.client_id()) == world.client()
    assert len(await world.roll("unused")) == 1


async def test_a_creation_that_is_made_again_is_the_same_one(world: RegistrationWorld) -> None:
    for _ in range(2):
        await world.registrations.create(world.client())
    assert await world.registrations.get(world.client_id()) == world.client()
    assert len(await world.roll("unused")) == 1


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 16_000,
        json.dumps({**GOOD, "metadata": None}),
        json.dumps({**GOOD, "metadata": {"redirect_uris": 7}}),
        json.dumps({name: value for name, value in GOOD.items() if name != "secret_hash"}),
        json.dumps({**GOOD, "kind": "preregistered"}),
        json.dumps({**GOOD, "kind": "document"}),
        json.dumps({**GOOD, "client_id": "mcp-somebody-else"}),
    ],
)
async def test_a_record_that_is_no_client_of_ours_is_none(
    world: RegistrationWorld, record: str
) -> None:
    await world.plant(record.replace("mcp-good", world.client_id()))
    with capture_logs() as lines:
        assert await world.registrations.get(world.client_id()) is None
    assert [line["event"] for line in lines] == ["registration_unreadable"]
    assert lines[0]["client_id"] == world.client_id()


async def test_a_record_that_is_too_large_is_none(world: RegistrationWorld) -> None:
    client = replace(world.client(), secret_hash="sha256:")
    largest = replace(client, secret_hash="sha256:" + "0" * (16 * 1024 - len(client.to_json())))
    await world.plant(largest.to_json())
    assert await world.registrations.get(world.client_id()) == largest
    await world.lose_copy()
    await world.plant(replace(largest, secret_hash=f"{largest.secret_hash}0").to_json())
    assert await world.registrations.get(world.client_id()) is None


@pytest.mark.parametrize(
    "client_id", ["", "mcp-", "https://client.example/c.json", "mcp-" + "x" * 3000, "mcp-\u00e9"]
)
async def test_what_is_no_id_of_ours_is_unknown_and_cannot_be_used(
    world: RegistrationWorld, client_id: str
) -> None:
    assert await world.registrations.get(client_id) is None
    assert not await world.registrations.touch(client_id)
    if world.dynamodb is not None:
        assert world.dynamodb.calls == []


@pytest.mark.requirement("REG19")
async def test_an_expired_client_no_longer_counts(world: RegistrationWorld) -> None:
    await world.create_used(0, 1, 2)
    world.clock.now += 90 * DAY - 1
    with pytest.raises(RegistrationsFullError):
        await world.registrations.create(world.client(3))
    world.clock.now += 1
    await world.registrations.create(world.client(3))


async def test_the_rolls_forget_those_who_expired(world: RegistrationWorld) -> None:
    await world.registrations.create(world.client(0))
    await world.create_used(1)
    world.clock.now += 30 * DAY
    await world.registrations.create(world.client(2))
    assert await world.roll("unused") == [world.client_id(2)]
    assert await world.roll("used") == [world.client_id(1)]
    world.clock.now += 60 * DAY
    await world.registrations.create(world.client(3))
    assert await world.roll("used") == []


@pytest.mark.requirement("REG19")
async def test_an_unused_client_lives_30_days_and_a_used_one_90(world: RegistrationWorld) -> None:
    await world.registrations.create(world.client())
    assert 30 * DAY - 5 <= await world.copy_lives() <= 30 * DAY
    assert await world.registrations.touch(world.client_id())
    assert 90 * DAY - 5 <= await world.copy_lives() <= 90 * DAY
    if world.dynamodb is not None:
        item = await world.item()
        assert item is not None
        assert item["expires_at"] == {"N": str(world.clock() + 90 * DAY)}


@pytest.mark.requirement("REG19")
async def test_an_expired_client_is_unknown(world: RegistrationWorld) -> None:
    await world.registrations.create(world.client())
    world.clock.now += 30 * DAY
    await world.lose_copy()
    assert await world.registrations.get(world.client_id()) is None
    assert not await world.registrations.touch(world.client_id())
    assert await world.registrations.get(world.client_id()) is None


async def test_an_unknown_client_cannot_be_used(world: RegistrationWorld) -> None:
    assert not await world.registrations.touch(world.client_id())
    assert await world.registrations.get(world.client_id()) is None
    assert await world.redis.keys() == []


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
async def test_a_client_comes_back_as_it_was(world: RegistrationWorld, method: str) -> None:
    kept = world.client()
    kept = replace(kept, metadata=replace(kept.metadata, token_endpoint_auth_method=method))
    await world.registrations.create(kept)
    assert await world.registrations.get(world.client_id()) == kept
    assert await world.registrations.get(world.client_id()[:-1]) is None
    assert await world.registrations.get(world.client_id(2)) is None


async def test_clients_created_at_once_are_all_kept(world: RegistrationWorld) -> None:
    world.with_room(100)
    numbers = range(50)
    await asyncio.gather(*(world.registrations.create(world.client(n)) for n in numbers))
    found = await asyncio.gather(*(world.registrations.get(world.client_id(n)) for n in numbers))
    assert found == [world.client(n) for n in numbers]
