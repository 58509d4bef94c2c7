"""What one worker does is seen at another, live, by its own visitor and nobody else."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
import redis.asyncio
from integration.demo_clients.conftest import TwoWorkers, Worker

from demo_clients.timeline.live import MAX_LISTENERS, MAX_LISTENERS_A_SESSION


@dataclass
class Visitor:
    """A browser that goes to one worker and listens at another."""

    session: aiohttp.ClientSession
    cookie: str = ""

    async def get(self, worker: Worker, path: str) -> str:
        async with self._asked("GET", f"{worker.origin}{path}") as answer:
            assert answer.status == 200
            return await answer.text()

    async def press(self, worker: Worker, path: str) -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', await self.get(worker, "/"))
        assert found is not None
        form = {"form_token": found[1]}
        async with self._asked("POST", f"{worker.origin}{path}", data=form) as answer:
            assert answer.status == 303
            return answer.headers["Location"]

    async def come_back(self, worker: Worker, location: str) -> None:
        """From the authorization server, which logs everybody in at once."""
        async with self.session.get(location, allow_redirects=False) as answer:
            query = answer.headers["Location"].partition("?")[2]
        async with self._asked("GET", f"{worker.origin}/callback?{query}") as answer:
            assert answer.status == 303

    @asynccontextmanager
    async def listening(
        self, worker: Worker, last_id: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Cookie": self.cookie, **({"Last-Event-ID": last_id} if last_id else {})}
        url = f"{worker.origin}/timeline/events"
        async with self.session.get(url, headers=headers) as answer:
            yield answer

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, **options: object
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self.session.request(
            method,
            url,
            headers={"Cookie": self.cookie},
            allow_redirects=False,
            **options,  # type: ignore[arg-type]
        ) as answer:
            given = answer.headers.get("Set-Cookie")
            self.cookie = given.partition(";")[0] if given else self.cookie
            yield answer


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str]]:
    """Id and step of each event until the stream ends."""
    entry_id = ""
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "id":
            entry_id = value
        if name == "data":
            found = re.search(r'data-step="(\w+)"', json.loads(value)["html"])
            assert found is not None
            yield entry_id, found[1]


@pytest.fixture
async def visitor(workers: TwoWorkers) -> Visitor:
    visitor = Visitor(workers.session)
    await visitor.get(workers.first, "/")
    return visitor


BEFORE = [
    *("probe", "resource_metadata", "server_metadata", "registration", "authorization_request"),
]
AFTER = ["consent", "authorization_response", "token", "mcp"]


async def test_a_listener_at_another_worker_sees_a_log_in_as_it_happens(
    workers: TwoWorkers, visitor: Visitor
) -> None:
    async with visitor.listening(workers.second) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        seen = events(answer)
        location = await visitor.press(workers.first, "/login")
        first = [await anext(seen) for _ in BEFORE]
        assert [step for _, step in first] == BEFORE
        await visitor.come_back(workers.first, location)
        # the session has a new id: what is left is what happened before it had
        rest = [entry async for entry in seen]
    assert [step for _, step in rest] == AFTER[: len(rest)]
    last_id, _ = [*first, *rest][-1]
    async with visitor.listening(workers.second, last_id) as answer:
        seen = events(answer)
        further = [await anext(seen) for _ in AFTER[len(rest) :]]
    assert [step for _, step in [*rest, *further]] == AFTER
    ids = [entry_id for entry_id, _ in [*first, *rest, *further]]
    assert len(set(ids)) == len(ids)


async def test_the_former_id_of_a_session_hears_nothing_of_its_log_in(
    workers: TwoWorkers, visitor: Visitor
) -> None:
    location = await visitor.press(workers.first, "/login")
    planted = Visitor(workers.session, visitor.cookie)
    await visitor.come_back(workers.first, location)
    await visitor.press(workers.first, "/actions/fetch")
    async with planted.listening(workers.second) as answer:
        assert [entry async for entry in events(answer)] == []
    assert 'data-step="' not in await planted.get(workers.second, "/timeline")
    assert 'data-step="rest"' in await visitor.get(workers.second, "/timeline")


async def test_a_listener_does_not_hold_up_the_end_of_its_worker(
    workers: TwoWorkers, visitor: Visitor
) -> None:
    async with visitor.listening(workers.second) as answer:
        assert await answer.content.readline() == b"retry: 2000\n"
        workers.second.process.terminate()
        assert b"event" not in await answer.content.read()
    assert workers.second.process.wait(timeout=5) == 0


async def test_listeners_leave_the_connections_of_others_alone(
    workers: TwoWorkers, valkey: redis.asyncio.Redis
) -> None:
    visitors = [Visitor(workers.session) for _ in range(MAX_LISTENERS // MAX_LISTENERS_A_SESSION)]
    async with AsyncExitStack() as listening:
        for visitor in visitors:
            await visitor.get(workers.first, "/")
            for _ in range(MAX_LISTENERS_A_SESSION):
                answer = await listening.enter_async_context(visitor.listening(workers.second))
                assert answer.status == 200
            async with visitor.listening(workers.second) as answer:
                assert answer.status == 429
        another = Visitor(workers.session)
        await another.get(workers.second, "/")
        async with another.listening(workers.second) as answer:
            assert answer.status == 429
        location = await another.press(workers.second, "/login")
        await another.come_back(workers.second, location)
        assert 'data-step="token"' in await another.get(workers.second, "/timeline")
