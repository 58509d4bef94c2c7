"""Parts that stop, die or restart under the others, and what the others do."""

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import pytest
from compose.containers import CLIENTS, PROVIDER_HOSTS, SERVICES, System, docker, inspect
from compose.visitor import Answer, Visitor, a_visitor
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage
from e2e.test_demo_clients import log_in, open_client

__all__ = ["log_in", "open_client"]

VISITORS, REGISTRATIONS, READS = 4, 6, 20
ROUNDS_AFTER_THE_KILL, MAX_ROUNDS = 5, 500
STOP_SECONDS = 10

WORKERS = """
import os, pathlib, signal
workers = [
    int(process.name) for process in pathlib.Path("/proc").glob("[0-9]*")
    if (process / "stat").read_text().rpartition(")")[2].split()[1] == "1"
]
"""
KILL_ONE = "os.kill(workers[0], signal.SIGKILL)"
COUNT = "print(len(workers))"


async def test_redis_stops_and_comes_back(system: System) -> None:
    async with a_visitor() as visitor:
        await visitor.whoami()
        system.compose("stop", "redis")
        await visitor.whoami()
        assert await visitor.contexts_status() == 503
        refused = await visitor.ask_for_refresh()
        assert refused.status == 503
        assert refused.body["error"] == "temporarily_unavailable"
        assert int(refused.headers["Retry-After"]) > 0
        system.up("redis")
        renewed = await visitor.ask_for_refresh()
        assert renewed.status == 200, renewed
        visitor.take(renewed)
        await visitor.whoami()
        assert await visitor.contexts_status() == 200


async def test_the_provider_stops_during_a_refresh(system: System) -> None:
    provider = PROVIDER_HOSTS[system.profile]
    async with a_visitor() as visitor:
        system.compose("stop", provider)
        refused = await visitor.ask_for_refresh()
        assert refused.status == 503
        assert int(refused.headers["Retry-After"]) > 0
        await visitor.whoami()
        system.up(provider)
        renewed = await visitor.ask_for_refresh()
        assert renewed.status == 200, renewed
        visitor.take(renewed)
        await visitor.whoami()


@contextlib.contextmanager
def held(container: str) -> Iterator[None]:
    """All its processes stand still, its first one (which only the engine reaches) included.

    A pause would do the same, but leaves the container unhealthy.
    """
    signal_all(container, "STOP")
    try:
        yield
    finally:
        signal_all(container, "CONT")


def signal_all(container: str, name: str) -> None:
    docker("kill", "--signal", f"SIG{name}", container)
    docker("exec", container, "sh", "-c", f"kill -{name} -1 || true")


async def until_it_refuses(visitor: Visitor) -> None:
    with contextlib.suppress(aiohttp.ClientError):
        async with asyncio.timeout(STOP_SECONDS):
            while True:
                await read_metadata(visitor)


async def a_refresh_that_waits(visitor: Visitor) -> asyncio.Task[Answer]:
    """For a provider that does not answer; within a second of its last word it is not asked."""
    async with asyncio.timeout(STOP_SECONDS):
        while True:
            asked = asyncio.create_task(visitor.ask_for_refresh())
            answered, _ = await asyncio.wait({asked}, timeout=2)
            if not answered:
                return asked
            visitor.take(asked.result())


async def test_a_refresh_under_way_is_answered_before_its_bridge_stops(system: System) -> None:
    """The provider is held until the bridge takes no more connections."""
    (provider,) = system.containers(PROVIDER_HOSTS[system.profile])
    (bridge,) = system.containers("cimd-bridge")
    try:
        async with a_visitor() as visitor:
            with held(provider):
                asked = await a_refresh_that_waits(visitor)
                stopping = asyncio.create_task(asyncio.to_thread(docker, "stop", bridge))
                await until_it_refuses(visitor)
                assert not asked.done()
            renewed = await asked
            assert renewed.status == 200, renewed
            await stopping
            assert [one["State"]["ExitCode"] for one in inspect([bridge])] == [0]
    finally:
        system.up()


async def on_one_retry(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """As a client does it: a connection that breaks, or a 5xx, is tried once more."""
    try:
        answer = await ask()
        if answer.status < 500:
            return answer
    except (aiohttp.ClientError, ConnectionError):
        pass
    return await ask()


def token_id(access_token: str) -> str:
    payload = access_token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["jti"])


async def keep_refreshing(visitor: Visitor, killed: asyncio.Event) -> list[Answer]:
    """Refresh until a worker was killed, and some times more."""
    answers: list[Answer] = []
    left = ROUNDS_AFTER_THE_KILL
    while left and len(answers) < MAX_ROUNDS:
        left -= killed.is_set()
        answer = await on_one_retry(visitor.ask_for_refresh)
        assert answer.status == 200, answer
        visitor.take(answer)
        answers.append(answer)
    return answers


async def register(visitor: Visitor) -> Answer:
    document = {"redirect_uris": ["http://127.0.0.1/callback"], "client_name": "Under load"}
    endpoint = visitor.server.endpoint("registration_endpoint")
    async with visitor.session.post(endpoint, json=document) as answer:
        return Answer(answer.status, dict(answer.headers), await answer.json())


async def read_metadata(visitor: Visitor) -> Answer:
    address = visitor.server.endpoint("jwks_uri")
    async with visitor.session.get(address) as answer:
        return Answer(answer.status, dict(answer.headers), await answer.json())


async def test_a_bridge_worker_is_killed_under_load(system: System) -> None:
    killed = asyncio.Event()

    async def kill() -> None:
        done = await asyncio.to_thread(
            system.run_in, "cimd-bridge", "python", "-c", WORKERS + KILL_ONE
        )
        assert done.returncode == 0, done.stderr
        killed.set()

    async with AsyncExitStack() as visitors, asyncio.TaskGroup() as group:
        present = [await visitors.enter_async_context(a_visitor()) for _ in range(VISITORS)]
        chains = [group.create_task(keep_refreshing(visitor, killed)) for visitor in present]
        others = [
            group.create_task(on_one_retry(partial(ask, visitor)))
            for ask, times in ((register, REGISTRATIONS), (read_metadata, READS))
            for visitor in (present * times)[:times]
        ]
        group.create_task(kill())
    assert {task.result().status for task in others} == {200, 201}
    answers = [answer for chain in chains for answer in chain.result()]
    refresh_tokens = [answer.body["refresh_token"] for answer in answers]
    assert len(set(refresh_tokens)) == len(refresh_tokens)
    token_ids = [token_id(str(answer.body["access_token"])) for answer in answers]
    assert len(set(token_ids)) == len(token_ids)
    counted = system.run_in("cimd-bridge", "python", "-c", WORKERS + COUNT).stdout.strip()
    assert counted == "2"
    assert [one["RestartCount"] for one in inspect(system.containers("cimd-bridge"))] == [0]


@pytest.mark.parametrize("how", ["stopped", "recreated"])
def test_everything_restarts_and_nobody_has_to_log_in_again(
    system: System, stack: Stack, log_in: Callable[[str], ClientPage], how: str
) -> None:
    client = log_in("dynamic")
    registered, grant = client.says("client-id"), client.claim("gid")
    if how == "stopped":
        system.compose("stop")
        stopped = inspect(system.containers(*SERVICES, *CLIENTS, "redis"))
        # 137 would be one that had to be killed, with requests under way
        assert {one["State"]["ExitCode"] for one in stopped} == {0}
    else:
        system.end(volumes=False)
    system.up()
    client.open().expect_logged_in()
    client.press("refresh")
    client.expect_status("The tokens are new.")
    assert client.claim("gid") == grant
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    assert client.says("client-id") == registered
    # another client of the same person: the provider knows the browser still
    other = ClientPage(client.page.context.new_page(), stack.client("metadata_document")).open()
    other.press("log-in")
    ConsentPage(other.page).expect_here(stack.issuer).approve()
    other.expect_here().expect_logged_in()
