"""Registrations in DynamoDB before Redis: what happens when one of them fails, or is late."""

from collections.abc import AsyncIterator
from typing import Any

import fakeredis
import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from fakes.registration_world import (
    DAY,
    RegistrationWorld,
    TroubledDynamoDb,
    away,
    dynamodb_world,
    raising,
    refusing,
)
from structlog.testing import capture_logs

from oauth_kit.rules.errors import OAuthError
from registrar.aws import ATTEMPTS
from registrar.registrations.stored import Registration

LOST_ANSWERS = (
    ReadTimeoutError(endpoint_url="http://localhost"),
    ConnectionClosedError(endpoint_url="http://localhost"),
)


@pytest.fixture
def server() -> fakeredis.FakeServer:
    """Of Redis: `connected` says whether it answers."""
    return fakeredis.FakeServer()


@pytest.fixture
async def world(
    dynamodb_client: Any, server: fakeredis.FakeServer
) -> AsyncIterator[RegistrationWorld]:
    client = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)
    yield dynamodb_world(client, TroubledDynamoDb(dynamodb_client))
    server.connected = True
    await client.aclose()


@pytest.fixture
def dynamodb(world: RegistrationWorld) -> TroubledDynamoDb:
    assert world.dynamodb is not None
    return world.dynamodb


async def is_unavailable(call: Any, reason: str) -> None:
    with pytest.raises(OAuthError) as refused:
        await call
    assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
    assert refused.value.retry_after_seconds == 5
    assert refused.value.reason == reason


async def fill(world: RegistrationWorld) -> None:
    for n in range(3):
        world.clock.now += 1
        await world.registrations.create(world.client(n))


async def test_what_fails_at_the_cap_drives_out_nobody(
    world: RegistrationWorld, dynamodb: TroubledDynamoDb
) -> None:
    await fill(world)
    counted = await world.copies.counted()
    dynamodb.instead["put_item"] = away()
    creation = world.registrations.create(world.client(3))
    await is_unavailable(creation, "dynamodb: EndpointConnectionError")
    assert await world.copies.counted() == counted
    assert await world.copies.get(world.client_id(3)) is None
    assert await world.item(3) is None
    assert await world.who_is_left() == [0, 1, 2]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 400),
        ("InternalServerError", 500),
        ("ServiceUnavailable", 503),
    ],
)
async def test_throttling_and_faults_end_in_503_and_nothing_is_kept(
    world: RegistrationWorld, dynamodb: TroubledDynamoDb, code: str, status: int
) -> None:
    trouble = refusing(code, status)
    dynamodb.instead["put_item"] = [trouble] * ATTEMPTS
    with pytest.raises(OAuthError) as refused:
        await world.registrations.create(world.client())
    assert refused.value.status == 503
    assert dynamodb.calls == ["put_item"] * ATTEMPTS
    assert await world.redis.keys() == []
    dynamodb.instead["put_item"] = [trouble] * (ATTEMPTS - 1)
    await world.registrations.create(world.client())
    assert await world.registrations.get(world.client_id()) == world.client()


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "ValidationException"]
)
async def test_a_refusal_is_not_tried_again(
    world: RegistrationWorld, dynamodb: TroubledDynamoDb, code: str
) -> None:
    dynamodb.instead["put_item"] = [refusing(code)]
    await is_unavailable(world.registrations.create(world.client()), f"dynamodb: {code}")
    assert dynamodb.calls == ["put_item"]


@pytest.mark.parametrize("lost", LOST_ANSWERS, ids=lambda error: type(error).__name__)
async def test_a_creation_whose_answer_was_lost_is_made_once(
    world: RegistrationWorld, dynamodb: TroubledDynamoDb, lost: Exception
) -> None:
    dynamodb.after["put_item"] = [raising(lost)]
    await world.registrations.create(world.client())
    assert dynamodb.calls == ["put_item", "put_item", "get_item"]
    assert await world.roll("unused") == [world.client_id()]
    assert await world.registrations.get(world.client_id()) == world.client()


async def test_without_redis_nothing_is_written(
    world: RegistrationWorld, server: fakeredis.FakeServer, dynamodb: TroubledDynamoDb
) -> None:
    server.connected = False
    await is_unavailable(world.registrations.create(world.client()), "redis: ConnectionError")
    await is_unavailable(world.registrations.get(world.client_id()), "redis: ConnectionError")
    assert dynamodb.calls == []
    assert await world.item() is None


async def test_a_registration_is_made_although_redis_goes_away_in_the_middle(
    world: RegistrationWorld, server: fakeredis.FakeServer, dynamodb: TroubledDynamoDb
) -> None:
    await fill(world)
    dynamodb.after["put_item"] = [lambda: setattr(server, "connected", False)]
    with capture_logs() as lines:
        await world.registrations.create(world.client(3))
    assert [line["event"] for line in lines] == ["registration_not_copied"]
    server.connected = True
    assert await world.registrations.get(world.client_id(3)) == world.client(3)
    assert world.client_id(3) in await world.roll("unused")


async def test_a_client_that_cannot_be_removed_stays_and_is_counted(
    world: RegistrationWorld, dynamodb: TroubledDynamoDb
) -> None:
    await fill(world)
    dynamodb.instead["delete_item"] = away()
    await world.registrations.create(world.client(3))
    assert await world.who_is_left() == [0, 1, 2, 3]
    assert len(await world.copies.counted()) == 4
    world.clock.now += 1
    await world.registrations.create(world.client(4))
    assert await world.who_is_left() == [1, 2, 3, 4]


async def test_a_client_in_use_is_never_driven_out_whatever_the_rolls_say(
    world: RegistrationWorld,
) -> None:
    await fill(world)
    await world.create_used(8)
    assert await world.who_is_left() == [1, 2, 8]
    await world.redis.zrem("mcp:test:registrations:used", world.client_id(8))
    await world.redis.zadd("mcp:test:registrations:unused", {world.client_id(8): world.clock() + 1})
    await world.registrations.create(world.client(3))
    assert await world.who_is_left() == [1, 2, 3, 8]
    assert await world.roll("used") == [world.client_id(8)]


async def test_reads_go_on_while_the_table_is_away(
    world: RegistrationWorld, dynamodb: TroubledDynamoDb
) -> None:
    await world.registrations.create(world.client())
    dynamodb.instead = {"get_item": away() * 2, "update_item": away()}
    assert await world.registrations.get(world.client_id()) == world.client()
    missing = world.registrations.get(world.client_id(2))
    await is_unavailable(missing, "dynamodb: EndpointConnectionError")
    use = world.registrations.touch(world.client_id())
    await is_unavailable(use, "dynamodb: EndpointConnectionError")
    assert await world.registrations.get(world.client_id()) == world.client()
    assert 30 * DAY - 5 <= await world.copy_lives() <= 30 * DAY


async def test_a_copy_that_redis_lost_comes_back_with_the_next_read(
    world: RegistrationWorld,
) -> None:
    await world.registrations.create(world.client(1))
    await world.create_used(2)
    world.clock.now += DAY
    await world.redis.flushall()
    for n in (1, 2):
        assert await world.registrations.get(world.client_id(n)) == world.client(n)
        assert await world.copies.get(world.client_id(n)) == world.client(n)
    assert await world.copy_lives(1) == pytest.approx(29 * DAY, abs=5)
    assert await world.copy_lives(2) == pytest.approx(89 * DAY, abs=5)
    assert await world.roll("unused") == [world.client_id(1)]
    assert await world.roll("used") == [world.client_id(2)]


async def test_what_expired_on_its_way_to_redis_is_not_kept(world: RegistrationWorld) -> None:
    await world.copies.keep(Registration(world.client(), world.clock(), used=False))
    assert await world.redis.keys() == []


async def test_a_use_brings_back_the_copy_that_redis_lost(world: RegistrationWorld) -> None:
    await world.registrations.create(world.client())
    await world.redis.flushall()
    assert await world.registrations.touch(world.client_id())
    assert await world.copies.get(world.client_id()) == world.client()
    assert await world.copy_lives() == pytest.approx(90 * DAY, abs=5)
    assert await world.roll("used") == [world.client_id()]


async def test_a_use_makes_nothing_that_the_table_does_not_have(world: RegistrationWorld) -> None:
    """The copy stays: the table may be new, and about to be filled."""
    await world.copies.create(world.client())
    assert not await world.registrations.touch(world.client_id())
    assert await world.item() is None
    assert await world.registrations.get(world.client_id()) == world.client()
    assert await world.copy_lives() == pytest.approx(30 * DAY, abs=5)


@pytest.mark.requirement("REG19")
async def test_an_expired_item_that_is_still_there_is_no_registration(
    world: RegistrationWorld,
) -> None:
    await world.registrations.create(world.client())
    await world.lose_copy()
    expired = await world.item()
    world.clock.now += 30 * DAY - 1
    assert await world.registrations.get(world.client_id()) == world.client()
    await world.lose_copy()
    world.clock.now += 1
    assert await world.registrations.get(world.client_id()) is None
    assert not await world.registrations.touch(world.client_id())
    assert await world.item() == expired
    await world.registrations.create(world.client())
    assert await world.registrations.get(world.client_id()) == world.client()
    assert await world.item() != expired


RECORD = {"client": {"S": "{}"}}
LATER = {"expires_at": {"N": "1900000000"}}


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        RECORD,
        LATER,
        {**RECORD, "expires_at": {"S": "1900000000"}},
        {**RECORD, "expires_at": {"N": "1900000000.5"}},
        {**RECORD, "expires_at": {"N": "-1900000000"}},
        {**RECORD, "expires_at": {"N": "1e38"}},
        {**RECORD, "expires_at": {"NULL": True}},
        {**LATER, "client": {"M": {}}},
        {**LATER, "client": {"B": b"{}"}},
        {**LATER, **RECORD},
        {**LATER, "client": {"S": "x" * 300_000}},
    ],
    ids=lambda attributes: str(attributes)[:80],
)
async def test_an_item_of_another_shape_is_no_registration(
    world: RegistrationWorld, attributes: dict[str, Any]
) -> None:
    await world.plant_item(attributes)
    with capture_logs() as lines:
        assert await world.registrations.get(world.client_id()) is None
    assert [line["event"] for line in lines] == ["registration_unreadable"]
    assert not await world.registrations.touch(world.client_id())
    assert await world.redis.keys() == []


@pytest.mark.requirement("REG23")
async def test_the_table_holds_the_hash_of_a_secret_and_nothing_beside_the_client(
    world: RegistrationWorld,
) -> None:
    await world.registrations.create(world.client())
    assert await world.item() == {
        "client_id": {"S": world.client_id()},
        "client": {"S": world.client().to_json()},
        "expires_at": {"N": str(world.clock() + 30 * DAY)},
        "used": {"BOOL": False},
    }
    await world.registrations.touch(world.client_id())
    used = await world.item()
    assert used is not None
    assert used["used"] == {"BOOL": True}
