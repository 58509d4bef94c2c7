"""One sealed record a visitor, changed by one request at a time."""

import asyncio
from dataclasses import replace

import fakeredis
import pytest
from fakes.client_world import Time
from pydantic import TypeAdapter

from demo_clients.sealed_records import SealedRecords
from demo_clients.sessions import SESSION_SECONDS, Outcome, Session, SessionId, Sessions
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace

KEYS = KeyRing.generate("k1")


def make_sessions(redis: fakeredis.FakeAsyncRedis, time: Time, keys: str = KEYS) -> Sessions:
    return Sessions(redis, Sealer(KeyRing.parse(keys)), Keyspace("test"), time)


@pytest.fixture
def redis() -> fakeredis.FakeAsyncRedis:
    return fakeredis.FakeAsyncRedis(decode_responses=True)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sessions(redis: fakeredis.FakeAsyncRedis, time: Time) -> Sessions:
    return make_sessions(redis, time)


async def count(sessions: Sessions, session_id: SessionId) -> None:
    async with sessions.changing(session_id) as record:
        number = record.session.step_ups.get("n", 0)
        await asyncio.sleep(0)
        record.session = replace(record.session, step_ups={"n": number + 1})


@pytest.mark.requirement("CL15")
async def test_changes_at_once_are_all_kept(sessions: Sessions) -> None:
    session_id = sessions.new_id()
    await asyncio.gather(*(count(sessions, session_id) for _ in range(10)))
    assert (await sessions.read(session_id)).step_ups == {"n": 10}


async def test_a_change_that_fails_is_not_kept(sessions: Sessions) -> None:
    session_id = sessions.new_id()
    await count(sessions, session_id)

    async def fail() -> None:
        async with sessions.changing(session_id) as record:
            record.session = replace(record.session, step_ups={})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert (await sessions.read(session_id)).step_ups == {"n": 1}
    await count(sessions, session_id)


async def test_looking_writes_nothing(sessions: Sessions, redis: fakeredis.FakeAsyncRedis) -> None:
    session_id = sessions.new_id()
    async with sessions.changing(session_id):
        pass
    await sessions.read(session_id)
    assert await redis.keys("*") == []


async def test_a_session_lives_eight_hours_however_often_it_is_written(
    sessions: Sessions, redis: fakeredis.FakeAsyncRedis, time: Time
) -> None:
    session_id = sessions.new_id()
    await count(sessions, session_id)
    time.now += SESSION_SECONDS - 1
    await count(sessions, session_id)
    (key,) = await redis.keys("mcp:test:session:*")
    assert await redis.ttl(key) == 1
    assert (await sessions.read(session_id)).step_ups == {"n": 2}
    time.now += 1
    assert (await sessions.read(session_id)).step_ups == {}


async def test_a_renewed_session_is_found_under_the_new_id_only(
    sessions: Sessions, time: Time
) -> None:
    session_id = sessions.new_id()
    await count(sessions, session_id)
    time.now += 100
    session = await sessions.read(session_id)
    renewed = await sessions.renew(session_id, session)
    assert (await sessions.read(session_id)).step_ups == {}
    moved = await sessions.read(renewed)
    assert moved.step_ups == {"n": 1}
    assert moved.expires_at == time.now + SESSION_SECONDS


@pytest.mark.requirement("CL20")
async def test_the_id_and_the_content_are_not_in_the_store(
    sessions: Sessions, redis: fakeredis.FakeAsyncRedis
) -> None:
    session_id = sessions.new_id()
    async with sessions.changing(session_id) as record:
        record.session = replace(record.session, outcome=Outcome("a", True, "visible text"))
    (key,) = await redis.keys("*")
    stored = f"{key} {await redis.get(key)}"
    assert session_id not in stored
    assert "visible text" not in stored


@pytest.mark.requirement("CL20")
async def test_a_record_opens_at_its_own_place_and_with_its_own_keys_only(
    sessions: Sessions, redis: fakeredis.FakeAsyncRedis, time: Time
) -> None:
    session_id = sessions.new_id()
    await count(sessions, session_id)
    (key,) = await redis.keys("*")
    other = make_sessions(redis, time, KeyRing.generate("k1"))
    assert (await other.read(session_id)).step_ups == {}
    rotated = make_sessions(redis, time, f"{KeyRing.generate('k2')},{KEYS}")
    assert (await rotated.read(session_id)).step_ups == {"n": 1}
    another_id = sessions.new_id()
    await count(sessions, another_id)
    (another_key,) = set(await redis.keys("*")) - {key}
    await redis.set(another_key, await redis.get(key))
    assert (await sessions.read(another_id)).step_ups == {}


async def test_what_another_version_wrote_counts_as_nothing(
    redis: fakeredis.FakeAsyncRedis,
) -> None:
    sealer = Sealer(KeyRing.parse(KEYS))
    numbers = SealedRecords(redis, sealer, TypeAdapter(dict[str, int]))
    await numbers.write("key", {"tokens": 7}, seconds=60)
    assert await SealedRecords(redis, sealer, TypeAdapter(Session)).read("key") is None
    await redis.set("key", "no sealed value")
    assert await numbers.read("key") is None
