"""What goes over the wire is noted for one visitor, in order, and a failure changes nothing."""

import asyncio
import json

import fakeredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from demo_clients.problems import Problem
from demo_clients.timeline.exchange import Check
from demo_clients.timeline.explanations import CHECKS
from demo_clients.timeline.masking import RawAnswer, RawRequest
from demo_clients.timeline.recorder import (
    Recorder,
    answered,
    described,
    failed,
    moved,
    noted,
    observed,
    passed,
    told,
)
from demo_clients.timeline.stream import Timelines

OURS, THEIRS = "our-session-id", "their-session-id"
REQUEST = RawRequest("GET", "https://r.example/a")


@pytest.fixture
def recorder(timelines: Timelines) -> Recorder:
    return Recorder(timelines)


async def call(path: str = "a", status: int = 200) -> None:
    async with observed("rest", RawRequest("GET", f"https://r.example/{path}")) as seen:
        seen.answer = RawAnswer(status)


async def urls(timelines: Timelines, session_id: str) -> list[str]:
    entries = await timelines.latest(session_id)
    return [entry.exchange.url.rpartition("/")[2] for entry in entries]


async def test_without_a_recording_nothing_is_noted(
    timelines: Timelines, redis: fakeredis.FakeAsyncRedis
) -> None:
    await call()
    await noted("consent", REQUEST)
    await told("document", "u", {})
    await answered(RawAnswer(303))
    passed("state_matches")
    failed("x")
    await moved(THEIRS)
    assert await redis.keys("*") == []


async def test_two_visitors_at_once_are_kept_apart(
    recorder: Recorder, timelines: Timelines
) -> None:
    met = asyncio.Barrier(2)

    async def visit(session_id: str, paths: str) -> None:
        async with recorder.recording(session_id, cause="fetch"):
            for path in paths:
                await met.wait()
                await call(path)

    await asyncio.gather(visit(OURS, "abc"), visit(THEIRS, "xyz"))
    assert await urls(timelines, OURS) == ["a", "b", "c"]
    assert await urls(timelines, THEIRS) == ["x", "y", "z"]


async def test_a_task_of_a_recording_belongs_to_it(
    recorder: Recorder, timelines: Timelines
) -> None:
    async with recorder.recording(OURS, cause="refresh"):
        await asyncio.ensure_future(call("a"))
    assert await urls(timelines, OURS) == ["a"]


async def test_a_task_that_outlives_its_recording_is_still_noted(
    recorder: Recorder, timelines: Timelines
) -> None:
    may_go = asyncio.Event()

    async def later() -> None:
        await may_go.wait()
        await call("a")
        await call("b")

    async with recorder.recording(OURS, cause="refresh"):
        task = asyncio.ensure_future(later())
    may_go.set()
    await task
    assert await urls(timelines, OURS) == ["a", "b"]


async def test_a_check_belongs_to_the_latest_exchange(recorder: Recorder) -> None:
    async with recorder.recording(OURS, cause="fetch") as recording:
        passed("issuer_equals")
        await call("a")
        passed("resource_matches")
        await call("b")
        passed("issuer_equals", "s256_offered")
        failed("It is not.")
    first, second = recording.exchanges
    assert first.checks == (Check(CHECKS["resource_matches"]),)
    assert second.checks == (
        Check(CHECKS["issuer_equals"]),
        Check(CHECKS["s256_offered"]),
        Check("It is not.", passed=False),
    )
    assert (first.is_first, second.is_first) == (True, False)
    assert first.cause == second.cause == "fetch"


async def test_an_exchange_appears_before_the_next_one_is_sent(
    recorder: Recorder, timelines: Timelines
) -> None:
    async with recorder.recording(OURS, cause="fetch"):
        await call("a")
        async with observed("rest", REQUEST):
            assert await urls(timelines, OURS) == ["a"]


async def test_what_a_browser_did_is_noted_when_we_come_to_know_of_it(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_clients.timeline.recorder.now_ms", lambda: 5000)
    async with recorder.recording(OURS, cause="callback") as recording:
        await noted("consent", REQUEST, started_at_ms=3000)
        await noted("authorization_response", REQUEST, RawAnswer(303))
        passed("state_matches")
    consent, response = recording.exchanges
    assert (consent.step, consent.status) == ("consent", None)
    assert (consent.started_at_ms, consent.taken_ms) == (3000, 2000)
    assert response.started_at_ms == 5000
    assert (response.status, response.taken_ms) == (303, None)
    assert response.checks == (Check(CHECKS["state_matches"]),)


RETURNED = RawAnswer(303, (("Location", "/?code=canary-code"), ("Allow", "canary-x")))


async def test_the_browser_that_came_back_is_answered_when_all_is_done(
    recorder: Recorder, timelines: Timelines
) -> None:
    async with recorder.recording(OURS, cause="callback"):
        await noted("consent", REQUEST)
        await noted("authorization_response", RawRequest("GET", "u", {"Cookie": "s=canary-x"}))
        passed("state_matches")
        await call("a")
        before = await timelines.latest(OURS)
        assert [entry.exchange.status for entry in before] == [None, None]
        await moved("renewed")
        await answered(RETURNED)
    after = await timelines.latest("renewed")
    assert [entry.exchange.step for entry in after] == ["consent", "authorization_response", "rest"]
    assert [entry.id for entry in after[:2]] == [entry.id for entry in before]
    exchange = after[1].exchange
    assert exchange.status == 303
    assert exchange.taken_ms is not None
    assert exchange.response.headers == (("Location", "/?code=$CODE"), ("Allow", "$COOKIE"))
    assert exchange.checks == (Check(CHECKS["state_matches"]),)


async def test_the_browser_may_be_answered_at_once(
    recorder: Recorder, timelines: Timelines
) -> None:
    async with recorder.recording(OURS, cause="callback"):
        await noted("authorization_response", REQUEST)
        await answered(RawAnswer(400))
        failed("Not yours.")
    (entry,) = await timelines.latest(OURS)
    assert (entry.exchange.status, len(entry.exchange.checks)) == (400, 1)


async def test_an_answer_to_nobody_who_came_back_is_not_noted(
    recorder: Recorder, timelines: Timelines
) -> None:
    async with recorder.recording(OURS, cause="callback"):
        await call("a")
        await answered(RETURNED)
    (entry,) = await timelines.latest(OURS)
    assert (entry.exchange.step, entry.exchange.status) == ("rest", 200)


async def test_a_note_says_nothing_about_an_answer(recorder: Recorder) -> None:
    async with recorder.recording(OURS, cause="log-in") as recording:
        await told("document", "https://c.example/c.json", {"client_name": "é", "token": "canary"})
    (note,) = recording.exchanges
    assert note.is_note
    assert (note.step, note.url) == ("document", "https://c.example/c.json")
    assert (note.status, note.taken_ms, note.cause) == (None, None, "log-in")
    assert json.loads(note.response.body) == {"client_name": "é", "token": "$TOKEN"}


async def test_a_detail_is_masked_and_short(recorder: Recorder) -> None:
    async with recorder.recording(OURS, cause="log-in") as recording:
        async with observed("rest", RawRequest("GET", "u", {"Authorization": "Bearer canary-x"})):
            pass
        described("adds canary-x " + "y" * 500)
    detail = recording.exchanges[0].detail
    assert detail.startswith("adds $ACCESS_TOKEN y")
    assert len(detail) < 140


async def test_a_problem_is_told_where_it_happened(recorder: Recorder) -> None:
    async def unreachable() -> None:
        async with observed("rest", REQUEST):
            raise Problem("Nobody is there.", reason="exact")

    async with recorder.recording(OURS, cause="fetch") as recording:
        with pytest.raises(Problem):
            await unreachable()
        failed("Nobody is there.")
    (exchange,) = recording.exchanges
    assert (exchange.failure, exchange.status, exchange.checks) == ("Nobody is there.", None, ())
    assert exchange.taken_ms is not None


async def test_a_problem_that_ends_the_recording_is_told_and_goes_on(recorder: Recorder) -> None:
    recordings = []

    async def come_back() -> None:
        async with recorder.recording(OURS, cause="callback") as recording:
            recordings.append(recording)
            await call()
            raise Problem("Not yours.", reason="exact")

    with pytest.raises(Problem, match="exact"):
        await come_back()
    (exchange,) = recordings[0].exchanges
    assert exchange.checks == (Check("Not yours.", passed=False),)


async def test_a_reason_of_a_servers_is_masked_too(recorder: Recorder) -> None:
    async with recorder.recording(OURS, cause="log-in") as recording:
        async with observed("rest", RawRequest("GET", "u", {"Authorization": "Bearer canary-x"})):
            pass
        failed("It said canary-x.")
    assert recording.exchanges[0].checks[0].what == "It said $ACCESS_TOKEN."


async def test_what_is_noted_goes_with_the_renewed_session(
    recorder: Recorder, timelines: Timelines
) -> None:
    async with recorder.recording(OURS, cause="callback"):
        await call("a")
        await moved("renewed")
        await call("b")
    assert await urls(timelines, "renewed") == ["a", "b"]
    assert await urls(timelines, OURS) == []


async def test_a_store_that_is_away_is_asked_once_and_breaks_nothing(
    recorder: Recorder, redis: fakeredis.FakeAsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    class Refusing:
        async def __aenter__(self) -> None:
            asked.append(1)
            raise RedisConnectionError("refused")

        async def __aexit__(self, *_: object) -> None: ...

    async def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr(redis, "pipeline", lambda **_: Refusing())
    monkeypatch.setattr(redis, "execute_command", refuse)
    async with recorder.recording(OURS, cause="fetch") as recording:
        await noted("authorization_response", REQUEST)
        for path in "abc":
            await call(path)
        await moved("renewed")
        await answered(RETURNED)
    assert len(recording.exchanges) == 4
    assert len(asked) == 1


async def test_a_mistake_of_ours_breaks_nothing(
    recorder: Recorder, timelines: Timelines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistake(*_: object) -> None:
        raise AttributeError("a mistake")

    monkeypatch.setattr(timelines, "append", mistake)
    async with recorder.recording(OURS, cause="fetch") as recording:
        await call()
        async with observed("rest", RawRequest("GET", None)):  # type: ignore[arg-type]
            pass
    assert len(recording.exchanges) == 1
