"""Notes what goes over the wire while a visitor's request is handled, and never gets in its way.

async with recorder.recording(session_id, cause="fetch") as recording:
    ...                       # every call through `Outgoing` is noted with its step
    passed("issuer_equals")   # a check of the latest exchange
recording.exchanges           # what it came to, masked
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

import structlog

from demo_clients.problems import Problem
from demo_clients.timeline.exchange import Check, Exchange, Step
from demo_clients.timeline.explanations import CHECKS, CheckName
from demo_clients.timeline.masking import (
    MAX_DETAIL_CHARACTERS,
    RawAnswer,
    RawRequest,
    mask,
    mask_answer,
    mask_note,
)
from demo_clients.timeline.secrets import Known
from demo_clients.timeline.stream import Timelines
from demo_clients.timeline.text import fit
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()

# the one exchange that is answered after others of the same recording
_RETURN: Final = "authorization_response"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Observation:
    """What is filled in while an exchange is under way."""

    answer: RawAnswer | None = None


class Recording:
    """The exchanges of one request of a visitor's.

    The latest one stays open for the checks that are made on it, and is kept when the next one
    begins or the recording ends.
    """

    def __init__(self, timelines: Timelines, session_id: str, cause: str) -> None:
        self.exchanges: list[Exchange] = []
        self.known = Known()
        self.attack = ""
        self._timelines = timelines
        self._session_id = session_id
        self._cause = cause
        self._open: Exchange | None = None
        self._returned: tuple[str, Exchange] | None = None
        self._is_kept = True
        self._is_over = False

    async def add(self, exchange: Exchange) -> None:
        await self.flush()
        self._open = replace(
            exchange, cause=self._cause, is_first=not self.exchanges, attack=self.attack
        )
        if self._is_over:
            await self.flush()

    def check(self, *checks: Check) -> None:
        if self._open is not None:
            self._open = replace(self._open, checks=(*self._open.checks, *checks))

    def describe(self, detail: str) -> None:
        if self._open is not None:
            detail = fit(self.known.scrub(detail), MAX_DETAIL_CHARACTERS)
            self._open = replace(self._open, detail=detail)

    def fail(self, message: str) -> None:
        if self._open is not None and self._open.failure != message:
            self.check(Check(self.known.scrub(message), passed=False))

    async def flush(self) -> None:
        exchange, self._open = self._open, None
        if exchange is None:
            return
        self.exchanges.append(exchange)
        if self._is_kept:
            entry_id = await self._keep(exchange)
            if exchange.step == _RETURN:
                self._returned = entry_id, exchange

    async def complete(self, answer: RawAnswer) -> None:
        """How this client answered the browser that came back, whatever it did before that."""
        if self._open is not None and self._open.step == _RETURN:
            self._open = self._completed(self._open, answer)
        elif self._returned is not None and self._is_kept:
            await self.flush()
            entry_id, exchange = self._returned
            await self._keep(replace(self._completed(exchange, answer), completes=entry_id))

    async def end(self) -> None:
        """A task that goes on all the same still has its exchanges noted."""
        self._is_over = True
        await self.flush()

    async def move(self, renewed: str) -> None:
        """The visitor has a new session id, and what was noted goes with it."""
        await self.flush()
        former, self._session_id = self._session_id, renewed
        with _failures_logged():
            await self._timelines.move(former, renewed)

    def _completed(self, exchange: Exchange, answer: RawAnswer) -> Exchange:
        return replace(
            exchange,
            status=answer.status,
            response=mask_answer(exchange.step, answer, self.known),
            taken_ms=now_ms() - exchange.started_at_ms,
        )

    async def _keep(self, exchange: Exchange) -> str:
        """The entry that it became, "" when it did not."""
        self._is_kept, entry_id = False, ""  # a store that fails once is not waited for again
        with _failures_logged():
            entry_id = await self._timelines.append(self._session_id, exchange)
            self._is_kept = True
        return entry_id


_current: ContextVar[Recording | None] = ContextVar("recording", default=None)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Opens recordings."""

    timelines: Timelines

    @asynccontextmanager
    async def recording(self, session_id: str, cause: str) -> AsyncIterator[Recording]:
        """Everything that is observed inside belongs to this visitor.

        cause: what he did, as `explanations.CAUSES` names it
        """
        recording = Recording(self.timelines, session_id, cause)
        token = _current.set(recording)
        try:
            yield recording
        except Problem as problem:
            failed(problem.message)
            raise
        finally:
            _current.reset(token)
            await recording.end()


@asynccontextmanager
async def observed(step: Step, request: RawRequest) -> AsyncIterator[Observation]:
    """Around one call: what is put into the observation, or the Problem it ends with, is noted."""
    recording, seen = _current.get(), Observation()
    if recording is None:
        yield seen
        return
    await recording.flush()
    started_at_ms, started = now_ms(), time.perf_counter()
    failure = ""
    try:
        yield seen
    except Problem as problem:
        failure = problem.message
        raise
    finally:
        taken_ms = round((time.perf_counter() - started) * 1000)
        await _note(recording, step, request, seen.answer, started_at_ms, taken_ms, failure)


async def noted(
    step: Step,
    request: RawRequest,
    answer: RawAnswer | None = None,
    *,
    started_at_ms: int | None = None,
) -> None:
    """An exchange that is not a call of ours: what the browser sent, or was sent away with.

    started_at_ms: for one that is over now; else it is noted as it happens
    """
    recording = _current.get()
    if recording is not None:
        at_ms = now_ms()
        began_ms = at_ms if started_at_ms is None else started_at_ms
        taken_ms = None if started_at_ms is None else at_ms - began_ms
        await _note(recording, step, request, answer, began_ms, taken_ms, "")


async def answered(answer: RawAnswer) -> None:
    """What the browser got that came back: known only when all that it led to is done."""
    recording = _current.get()
    if recording is not None:
        with _failures_logged():
            await recording.complete(answer)


async def told(step: Step, url: str, document: Mapping[str, object]) -> None:
    """A note about what we know, in the place where a request for it would stand."""
    recording = _current.get()
    if recording is not None:
        with _failures_logged():
            note = mask_note(step, url, document, at_ms=now_ms(), known=recording.known)
            await recording.add(note)


def passed(*names: CheckName) -> None:
    """What was compared with the latest exchange, and was right."""
    recording = _current.get()
    if recording is not None:
        recording.check(*(Check(CHECKS[name]) for name in names))


def failed(message: str) -> None:
    """Why the latest exchange was the last one."""
    recording = _current.get()
    if recording is not None:
        recording.fail(message)


def described(detail: str) -> None:
    """Which of several requests of its step the latest exchange is."""
    recording = _current.get()
    if recording is not None:
        recording.describe(detail)


def belongs_to(attack: str) -> None:
    """Which attack the exchanges that follow are about."""
    recording = _current.get()
    if recording is not None:
        recording.attack = attack


async def recorded() -> tuple[Exchange, ...]:
    """What has been noted so far, the latest exchange with the checks made of it until now."""
    recording = _current.get()
    if recording is None:
        return ()
    await recording.flush()
    return tuple(recording.exchanges)


async def moved(renewed: str) -> None:
    """The visitor's session has a new id."""
    recording = _current.get()
    if recording is not None:
        await recording.move(renewed)


async def _note(
    recording: Recording,
    step: Step,
    request: RawRequest,
    answer: RawAnswer | None,
    started_at_ms: int,
    taken_ms: int | None,
    failure: str,
) -> None:
    with _failures_logged():
        exchange = mask(step, request, answer, started_at_ms=started_at_ms, known=recording.known)
        await recording.add(replace(exchange, taken_ms=taken_ms, failure=failure))


@contextmanager
def _failures_logged() -> Iterator[None]:
    """A flow goes on without its timeline."""
    try:
        yield
    except OAuthError as error:
        log.warning("timeline_not_kept", reason=error.reason)
    except Exception:
        log.exception("timeline_failed")
