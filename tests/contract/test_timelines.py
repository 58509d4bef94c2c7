"""A timeline belongs to one session, is sealed, bounded, and moves with its session."""

from dataclasses import replace

import pytest
import redis.asyncio
from fakes.client_world import Time
from pydantic import TypeAdapter
from redis.exceptions import ConnectionError as RedisConnectionError

from demo_clients.timeline.exchange import Entry, Exchange, Message
from demo_clients.timeline.stream import (
    KEPT_SECONDS,
    MAX_ENTRIES,
    MAX_EXCHANGE_BYTES,
    MAX_EXCHANGES,
    MAX_TIMELINES,
    Timelines,
    is_entry_id,
)
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.errors import OAuthError

OURS, THEIRS = "our-session-id", "their-session-id"


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def timelines(store: redis.asyncio.Redis, time: Time) -> Timelines:
    sealer = Sealer(KeyRing.parse(KeyRing.generate("k1")))
    return Timelines(store, sealer, Keyspace("test"), time, waiting=store, block_milliseconds=5)


def exchange(name: str, body: str = "") -> Exchange:
    return Exchange("rest", "GET", f"https://r.example/{name}", 0, response=Message(body=body))


def names(entries: list[Entry]) -> list[str]:
    return [entry.exchange.url.rpartition("/")[2] for entry in entries]


async def key(store: redis.asyncio.Redis, session_id: str) -> str:
    (found,) = await store.keys(f"mcp:test:timeline:{sha256_hex(session_id)}")
    return str(found)


async def test_another_session_sees_nothing_of_it(timelines: Timelines) -> None:
    await timelines.append(OURS, exchange("a"))
    assert await timelines.latest(THEIRS) == []
    (ours,) = await timelines.latest(OURS)
    assert ours.exchange == exchange("a")


@pytest.mark.requirement("CL20")
async def test_neither_id_nor_content_is_in_the_store(
    timelines: Timelines, store: redis.asyncio.Redis
) -> None:
    await timelines.append(OURS, exchange("visible-name"))
    stored = str([await store.keys("*"), await store.xrange(await key(store, OURS))])
    assert OURS not in stored
    assert "visible-name" not in stored


async def test_what_is_copied_to_another_timeline_does_not_open_there(
    timelines: Timelines, store: redis.asyncio.Redis
) -> None:
    await timelines.append(OURS, exchange("a"))
    await timelines.append(THEIRS, exchange("b"))
    for _, fields in await store.xrange(await key(store, OURS)):
        await store.xadd(await key(store, THEIRS), fields)
    assert names(await timelines.latest(THEIRS)) == ["b"]


@pytest.mark.parametrize("value", ["", "k1.AAAA", "nonsense"])
async def test_what_another_version_wrote_is_skipped(
    timelines: Timelines, store: redis.asyncio.Redis, value: str
) -> None:
    await timelines.append(OURS, exchange("a"))
    await store.xadd(await key(store, OURS), {"exchange": value})
    await store.xadd(await key(store, OURS), {"something": "else"})
    await timelines.append(OURS, exchange("b"))
    assert names(await timelines.latest(OURS)) == ["a", "b"]


async def test_the_oldest_go_first(timelines: Timelines) -> None:
    for number in range(MAX_EXCHANGES + 3):
        await timelines.append(OURS, exchange(str(number)))
    kept = names(await timelines.latest(OURS))
    assert kept == [str(number) for number in range(3, MAX_EXCHANGES + 3)]
    assert names(await timelines.latest(OURS, count=2)) == kept[-2:]


async def test_what_completes_an_exchange_takes_its_place(timelines: Timelines) -> None:
    first = await timelines.append(OURS, exchange("a"))
    await timelines.append(OURS, exchange("b"))
    await timelines.append(OURS, replace(exchange("a"), status=303, completes=first))
    await timelines.move(OURS, "renewed")
    whole, second = await timelines.latest("renewed")
    assert whole == Entry(first, replace(exchange("a"), status=303))
    assert second.exchange == exchange("b")
    assert await timelines.latest("renewed", count=1) == [second]


async def test_what_completes_an_exchange_that_is_gone_is_gone_too(timelines: Timelines) -> None:
    await timelines.append(OURS, replace(exchange("a"), completes="1-0"))
    await timelines.append(OURS, exchange("b"))
    assert names(await timelines.latest(OURS)) == ["b"]


async def test_completing_exchanges_costs_no_others(
    timelines: Timelines, store: redis.asyncio.Redis
) -> None:
    for number in range(MAX_EXCHANGES + 3):
        entry_id = await timelines.append(OURS, exchange(str(number)))
        if number % 5 == 0:
            completed = replace(exchange(str(number)), completes=entry_id)
            await timelines.append(OURS, completed)
    kept = names(await timelines.latest(OURS))
    assert kept == [str(number) for number in range(3, MAX_EXCHANGES + 3)]
    assert await store.xlen(await key(store, OURS)) == MAX_ENTRIES


async def test_the_stalest_timelines_go_when_there_are_too_many(
    timelines: Timelines, store: redis.asyncio.Redis, time: Time
) -> None:
    for number in range(MAX_TIMELINES + 2):
        time.now += 1
        await timelines.append(f"session {number}", exchange("a"))
        if number == 10:
            time.now += 1
            await timelines.append("session 0", exchange("b"))
    assert len(await store.keys("mcp:test:timeline:*")) == MAX_TIMELINES
    assert names(await timelines.latest("session 0")) == ["a", "b"]
    assert await timelines.latest("session 1") == []
    assert await timelines.latest("session 2") == []
    assert names(await timelines.latest("session 3")) == ["a"]


async def test_an_exchange_that_is_too_large_is_kept_without_its_bodies(
    timelines: Timelines,
) -> None:
    empty = len(TypeAdapter(Exchange).dump_json(exchange("a")))
    await timelines.append(OURS, exchange("a", "x" * (MAX_EXCHANGE_BYTES - empty)))
    await timelines.append(OURS, exchange("a", "x" * (MAX_EXCHANGE_BYTES - empty + 1)))
    whole, without = (entry.exchange.response for entry in await timelines.latest(OURS))
    assert whole.left_out == ""
    assert (without.body, without.left_out) == ("", "too large to keep")


async def test_it_ends_eight_hours_after_it_began(
    timelines: Timelines, store: redis.asyncio.Redis
) -> None:
    await timelines.append(OURS, exchange("a"))
    assert await store.ttl(await key(store, OURS)) == KEPT_SECONDS
    await store.expire(await key(store, OURS), 5)
    await timelines.append(OURS, exchange("b"))
    assert await store.ttl(await key(store, OURS)) == 5


async def test_before_an_entry(timelines: Timelines) -> None:
    for name in "abc":
        await timelines.append(OURS, exchange(name))
    entries = await timelines.latest(OURS)
    assert names(await timelines.latest(OURS, before=entries[2].id)) == ["a", "b"]


async def test_a_moved_timeline_keeps_its_entries_and_their_ids(
    timelines: Timelines, store: redis.asyncio.Redis
) -> None:
    for name in "abc":
        await timelines.append(OURS, exchange(name))
    before = await timelines.latest(OURS)
    await store.expire(await key(store, OURS), 5)
    await timelines.move(OURS, "renewed")
    assert await timelines.latest("renewed") == before
    assert await store.ttl(await key(store, "renewed")) == KEPT_SECONDS
    await timelines.append("renewed", exchange("d"))
    assert names(await timelines.latest("renewed")) == ["a", "b", "c", "d"]


async def test_whoever_knows_the_old_id_sees_nothing_any_more(
    timelines: Timelines, store: redis.asyncio.Redis
) -> None:
    await timelines.append(OURS, exchange("a"))
    await timelines.move(OURS, "renewed")
    await timelines.append("renewed", exchange("secretive"))
    assert await timelines.latest(OURS) == []
    followed = [batch async for batch in timelines.follow(OURS, None)]
    assert followed == [[]]
    assert 0 < await store.ttl(await key(store, OURS)) <= 60


async def test_a_timeline_without_entries_can_move(timelines: Timelines) -> None:
    await timelines.move(OURS, "renewed")
    assert await timelines.latest("renewed") == []


async def test_a_listener_gets_what_is_added_and_is_sent_away_when_it_moves(
    timelines: Timelines,
) -> None:
    for name in "ab":
        await timelines.append(OURS, exchange(name))
    first, _ = await timelines.latest(OURS)
    following = timelines.follow(OURS, first.id)
    assert names(await anext(following)) == ["b"]
    await timelines.append(OURS, exchange("c"))
    assert names(await anext(following)) == ["c"]
    await timelines.move(OURS, "renewed")
    assert [batch async for batch in following] == [[]]
    goes_on = timelines.follow("renewed", first.id)
    assert names(await anext(goes_on)) == ["b", "c"]


async def test_a_cleared_timeline_is_gone(timelines: Timelines) -> None:
    await timelines.append(OURS, exchange("a"))
    await timelines.append(THEIRS, exchange("b"))
    await timelines.clear(OURS)
    assert await timelines.latest(OURS) == []
    assert names(await timelines.latest(THEIRS)) == ["b"]


async def test_a_store_that_is_away_is_said_so(
    timelines: Timelines, store: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(store, "execute_command", refuse)
    for call in (
        lambda: timelines.latest(OURS),
        lambda: timelines.clear(OURS),
        lambda: timelines.move(OURS, THEIRS),
        lambda: anext(timelines.follow(OURS, None)),
    ):
        with pytest.raises(OAuthError, match="redis: ConnectionError"):
            await call()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("1795571077-0", True),
        ("0-0", True),
        *((text, False) for text in ("", "$", "-", "+", "1", "1-", "1-0 ", "1-0\n", "x-0")),
        *((text, False) for text in ("١-٠", "1" * 17 + "-0", "1-" + "1" * 11)),
    ],
)
def test_an_id_is_one_of_ours(text: str, is_one: bool) -> None:
    assert is_entry_id(text) is is_one
