"""A timeline as it happens: server-sent events, bounded in number and life (WHATWG HTML §9.2)."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from demo_clients.timeline.exchange import Entry
from demo_clients.timeline.page import fragment_of
from demo_clients.timeline.presented import present
from demo_clients.timeline.stream import Timelines
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.pages import Pages

log = structlog.get_logger()

MAX_LISTENERS: Final = 48
MAX_LISTENERS_A_SESSION: Final = 4
_LIFE_SECONDS: Final = 600
_ROUNDS_TO_HEARTBEAT: Final = 15
_RETRY: Final = b"retry: 2000\n\n"
_HEARTBEAT: Final = b": still here\n\n"


class LiveTimelines:
    """Gives each listener what is added to its timeline.

    One process holds `MAX_LISTENERS` of them, and one session four: a browser opens six
    connections to a host, and whoever fills them with pages that listen could load nothing more.
    """

    def __init__(
        self, timelines: Timelines, pages: Pages, *, life_seconds: float = _LIFE_SECONDS
    ) -> None:
        self._timelines = timelines
        self._pages = pages
        self._life_seconds = life_seconds
        self._listeners: Counter[str] = Counter()
        self._is_closing = False

    async def close(self, _: object = None) -> None:
        """End every stream within a second, so that none holds up the end of the process."""
        self._is_closing = True

    @contextmanager
    def seat(self, session_id: str) -> Iterator[None]:
        """A place among the listeners. Raises OAuthError with 429 when there is none."""
        if (
            self._is_closing
            or self._listeners[session_id] >= MAX_LISTENERS_A_SESSION
            or self._listeners.total() >= MAX_LISTENERS
        ):
            raise OAuthError(
                "temporarily_unavailable",
                "There are enough live timelines, close one or reload the page to see what is new",
                reason="listeners",
                status=429,
            )
        self._listeners[session_id] += 1
        try:
            yield
        finally:
            self._listeners[session_id] -= 1
            if not self._listeners[session_id]:
                del self._listeners[session_id]

    async def listen(self, session_id: str, after: str) -> AsyncIterator[bytes]:
        """Events, with a comment now and then so that a dead connection is noticed.

        An empty chunk is a chance to look whether anybody still listens. It ends when it has
        lived long enough, when Redis or the session goes away, and when the process ends.
        """
        yield _RETRY
        ends_at = asyncio.get_running_loop().time() + self._life_seconds
        quiet_rounds = 0
        try:
            async for entries in self._timelines.follow(session_id, after):
                quiet_rounds = 0 if entries else quiet_rounds + 1
                for entry in entries:
                    yield _event(entry, self._pages)
                if self._is_closing or asyncio.get_running_loop().time() >= ends_at:
                    return
                yield _HEARTBEAT if quiet_rounds % _ROUNDS_TO_HEARTBEAT == 1 else b""
        except OAuthError as error:
            log.info("timeline_not_followed", reason=error.reason)


def _event(entry: Entry, pages: Pages) -> bytes:
    """One line of JSON: no line break of a stranger's can begin a field or an event of its own."""
    replaced = entry.exchange.completes
    fragment = fragment_of(present(entry.exchange, replaced or entry.id), pages)
    data = json.dumps({"html": fragment, "replaces": replaced})
    return f"id: {entry.id}\nevent: exchange\ndata: {data}\n\n".encode()
