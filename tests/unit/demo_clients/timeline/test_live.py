"""Listeners get what happens as events of their own, and never stay for ever."""

import json
import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace

import fakeredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from demo_clients.timeline.exchange import Exchange
from demo_clients.timeline.live import (
    MAX_LISTENERS,
    MAX_LISTENERS_A_SESSION,
    LiveTimelines,
)
from demo_clients.timeline.stream import Timelines
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.pages import Pages

OURS = "our-session-id"
RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"


@pytest.fixture
def live(timelines: Timelines) -> LiveTimelines:
    return LiveTimelines(timelines, Pages("demo_clients"))


def exchange(url: str = "https://r.example/a") -> Exchange:
    return Exchange("rest", "GET", url, 0, cause="fetch", is_first=True)


async def test_an_exchange_is_one_event_with_its_html(
    live: LiveTimelines, timelines: Timelines
) -> None:
    await timelines.append(OURS, exchange())
    (entry,) = await timelines.latest(OURS)
    listening = live.listen(OURS, "")
    assert await anext(listening) == RETRY
    event = (await anext(listening)).decode()
    found = re.fullmatch(r"id: (\S+)\nevent: exchange\ndata: (.+)\n\n", event)
    assert found is not None
    assert found[1] == entry.id
    assert "You pressed “Read contexts”" in json.loads(found[2])["html"]


async def test_what_is_known_later_takes_the_place_of_what_was_known_before(
    live: LiveTimelines, timelines: Timelines
) -> None:
    first = await timelines.append(OURS, exchange())
    second = await timelines.append(OURS, replace(exchange(), status=200, completes=first))
    listening = live.listen(OURS, first)
    await anext(listening)
    event = (await anext(listening)).decode()
    assert event.startswith(f"id: {second}\n")
    data = json.loads(event.partition("data: ")[2])
    assert data["replaces"] == first
    assert f'data-id="{first}"' in data["html"]
    assert 'data-status="200"' in data["html"]


async def test_no_line_of_a_strangers_begins_an_event(
    live: LiveTimelines, timelines: Timelines
) -> None:
    await timelines.append(OURS, exchange("https://r.example/\r\n\n\rdata: {}\n\nid: 9-9\u2028"))
    listening = live.listen(OURS, "")
    await anext(listening)
    event = await anext(listening)
    assert len(re.findall(rb"\r\n|\r|\n", event)) == 4
    assert event.count(b"\nid:") + event.startswith(b"id:") == 1


async def test_a_listener_goes_on_after_what_it_has_seen(
    live: LiveTimelines, timelines: Timelines
) -> None:
    for name in "ab":
        await timelines.append(OURS, exchange(f"https://r.example/{name}"))
    first, _ = await timelines.latest(OURS)
    listening = live.listen(OURS, first.id)
    await anext(listening)
    event = await anext(listening)
    assert b"r.example/b" in event
    assert b"r.example/a" not in event


async def test_a_quiet_connection_is_looked_after(live: LiveTimelines) -> None:
    listening = live.listen(OURS, "")
    chunks = [await anext(listening) for _ in range(33)]
    assert chunks == [RETRY, *[HEARTBEAT, *[b""] * 14] * 2, HEARTBEAT, b""]


async def test_it_ends_when_it_has_lived_long_enough(timelines: Timelines) -> None:
    live = LiveTimelines(timelines, Pages("demo_clients"), life_seconds=0)
    await timelines.append(OURS, exchange())
    chunks = [chunk async for chunk in live.listen(OURS, "")]
    assert len(chunks) == 2


async def test_it_ends_when_the_process_does(live: LiveTimelines) -> None:
    listening = live.listen(OURS, "")
    assert await anext(listening) == RETRY
    assert await anext(listening) == HEARTBEAT
    await live.close()
    assert [chunk async for chunk in listening] == []
    with pytest.raises(OAuthError), live.seat(OURS):
        pass


async def test_it_ends_when_the_session_has_another_id(
    live: LiveTimelines, timelines: Timelines
) -> None:
    await timelines.append(OURS, exchange())
    listening = live.listen(OURS, "")
    await anext(listening)
    await timelines.move(OURS, "renewed")
    assert b"event:" not in b"".join([chunk async for chunk in listening])


async def test_it_ends_when_the_store_goes_away(
    live: LiveTimelines, redis: fakeredis.FakeAsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(redis, "execute_command", refuse)
    assert [chunk async for chunk in live.listen(OURS, "")] == [RETRY]


@pytest.mark.parametrize(
    ("sessions", "places"),
    [(["one"] * MAX_LISTENERS, MAX_LISTENERS_A_SESSION), (map(str, range(99)), MAX_LISTENERS)],
    ids=["one session", "all together"],
)
def test_there_are_so_many_places(
    live: LiveTimelines, sessions: Iterable[str], places: int
) -> None:
    waiting = iter(sessions)
    with ExitStack() as taken:
        for _ in range(places):
            taken.enter_context(live.seat(next(waiting)))
        with pytest.raises(OAuthError) as refused, live.seat(next(waiting)):
            pass
        assert (refused.value.status, refused.value.retry_after_seconds) == (429, 5)
    with live.seat("one"):
        pass


def test_a_session_that_is_full_leaves_room_for_others(live: LiveTimelines) -> None:
    with ExitStack() as taken:
        for _ in range(MAX_LISTENERS_A_SESSION):
            taken.enter_context(live.seat(OURS))
        taken.enter_context(live.seat("another"))
        with pytest.raises(OAuthError), live.seat(OURS):
            pass


def test_a_place_is_free_again_whatever_happened(live: LiveTimelines) -> None:
    for _ in range(MAX_LISTENERS + 1):
        with pytest.raises(ZeroDivisionError), live.seat(OURS):
            raise ZeroDivisionError
    assert live._listeners == {}
