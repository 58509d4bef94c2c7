"""A table that was made anew gets back what Redis holds, once, and nothing that was removed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from fakes.emulator_process import running_emulator
from fakes.registration_world import (
    DAY,
    RegistrationWorld,
    TroubledDynamoDb,
    away,
    dynamodb_world,
    registration_table,
)
from structlog.testing import capture_logs

from oauth_kit.rules.errors import OAuthError
from registrar.registrations.refill import TableRefill
from registrar.registrations.table import connect_dynamodb

KNOWN = "mcp:test:registrations:table"
LOCK = "mcp:test:registrations:refill"


@pytest.fixture
async def world(dynamodb_client: Any, valkey: redis.asyncio.Redis) -> RegistrationWorld:
    """Redis has three clients, of which the second was used; the table has none of them."""
    world = dynamodb_world(valkey, TroubledDynamoDb(dynamodb_client))
    for n in (1, 2, 3):
        world.clock.now += 1
        await world.copies.create(world.client(n))
    await world.copies.touch(world.client_id(2))
    return world


@pytest.fixture
def dynamodb(world: RegistrationWorld) -> TroubledDynamoDb:
    assert world.dynamodb is not None
    return world.dynamodb


@pytest.fixture
def refill(world: RegistrationWorld, dynamodb: TroubledDynamoDb) -> TableRefill:
    return TableRefill(registration_table(dynamodb), world.copies)


@pytest.fixture
async def another_table(tmp_path: Path) -> AsyncIterator[TroubledDynamoDb]:
    """As an emulator has it that was killed and seeded again."""
    with running_emulator(tmp_path) as emulator:
        client = connect_dynamodb("us-east-1", endpoint_url=emulator.url)
        yield TroubledDynamoDb(client)
        client.close()


async def test_a_table_that_is_known_gets_nothing_back_that_was_removed_from_it(
    world: RegistrationWorld, refill: TableRefill, dynamodb: TroubledDynamoDb
) -> None:
    assert await refill.run_once() == 3
    key = {"client_id": {"S": world.client_id()}}
    await asyncio.to_thread(
        dynamodb.boto3.delete_item, TableName="mcp-authstack-registrations", Key=key
    )
    assert await refill.run_once() == 0
    assert await world.item() is None


async def test_clients_that_were_registered_in_redis_alone_come_into_a_known_table(
    world: RegistrationWorld, refill: TableRefill
) -> None:
    """REGISTRATION_STORE was redis for a while."""
    assert await refill.run_once() == 3
    world.with_room(4)
    await world.registrations.create(world.client(4))
    assert await refill.run_once() == 0
    world.with_room(5)
    await world.copies.create(world.client(5))
    assert await refill.run_once() == 1
    assert await world.item(5) is not None


async def test_those_who_expired_do_not_come_back(
    world: RegistrationWorld, refill: TableRefill
) -> None:
    world.clock.now += 30 * DAY - 2  # the first one ends in this second
    assert await refill.run_once() == 2
    assert [await world.item(n) is None for n in (1, 2, 3)] == [True, False, False]


async def test_what_the_table_has_stays_as_it_is(
    world: RegistrationWorld, refill: TableRefill
) -> None:
    longer = {"expires_at": {"N": str(world.clock() + 50 * DAY)}, "used": {"BOOL": True}}
    record = {"client": {"S": world.client().to_json()}}
    await world.plant_item({**record, **longer})
    assert await refill.run_once() == 2
    item = await world.item()
    assert item is not None
    assert longer.items() <= item.items()


async def test_each_client_keeps_its_time_and_whether_it_was_used(
    world: RegistrationWorld, refill: TableRefill
) -> None:
    counted = {entry.client_id: entry for entry in await world.copies.counted()}
    await refill.run_once()
    for n in (1, 2, 3):
        item = await world.item(n)
        entry = counted[world.client_id(n)]
        assert item is not None
        assert item["expires_at"] == {"N": str(entry.expires_at)}
        assert item["used"] == {"BOOL": n == 2}
    await world.redis.flushall()
    assert await world.registrations.get(world.client_id(3)) == world.client(3)


async def test_a_client_without_a_copy_is_left_out(
    world: RegistrationWorld, refill: TableRefill
) -> None:
    await world.lose_copy(1)
    await world.redis.set(f"mcp:test:client:{world.client_id(3)}", "{")
    with capture_logs() as lines:
        assert await refill.run_once() == 1
    assert lines[-1]["event"] == "registrations_refilled"
    assert (lines[-1]["found"], lines[-1]["written"]) == (1, 1)


async def test_a_refill_that_was_interrupted_is_done_again(
    world: RegistrationWorld, refill: TableRefill, dynamodb: TroubledDynamoDb
) -> None:
    dynamodb.instead["put_item"] = [lambda: None, *away()]
    with pytest.raises(OAuthError, match="EndpointConnectionError"):
        await refill.run_once()
    assert await world.redis.get(KNOWN) is None
    assert await world.redis.get(LOCK) is None
    assert await refill.run_once() == 2
    assert await world.redis.get(KNOWN) is not None


async def test_one_replica_refills_while_the_others_wait(
    world: RegistrationWorld, refill: TableRefill, dynamodb: TroubledDynamoDb
) -> None:
    await world.redis.set(LOCK, "another replica")
    assert await refill.run_once() == 0
    assert await world.redis.get(LOCK) == "another replica"
    assert await world.redis.get(KNOWN) is None
    assert set(dynamodb.calls) == {"describe_table"}
    await world.redis.delete(LOCK)
    assert await refill.run_once() == 3
    assert await world.redis.get(LOCK) is None


async def test_a_table_that_was_made_anew_gets_everything_again(
    world: RegistrationWorld, refill: TableRefill, another_table: TroubledDynamoDb
) -> None:
    assert await refill.run_once() == 3
    anew = replace(refill, table=registration_table(another_table))
    assert await anew.run_once() == 3
    assert await anew.run_once() == 0
    world.dynamodb = another_table
    assert [(await world.item(n) or {})["client_id"]["S"] for n in (1, 2, 3)] == [
        world.client_id(n) for n in (1, 2, 3)
    ]


async def test_it_looks_again_and_again_whatever_happens(
    world: RegistrationWorld, refill: TableRefill, dynamodb: TroubledDynamoDb
) -> None:
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 3:
            raise asyncio.CancelledError

    dynamodb.instead["describe_table"] = away()
    with capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await replace(refill, pause=pause).run()
    assert paused == [15, 15, 15]
    events = [line["event"] for line in lines if line["event"] != "aws_retry"]
    assert events == ["registrations_refill_postponed", "registrations_refilled"]
    assert await world.item() is not None
