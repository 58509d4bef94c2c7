"""Parts that stop, die or restart under the others, and what the others do."""

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp
import pytest
from compose.containers import CLIENTS, PROVIDER_HOSTS, SERVICES, System, docker, held, inspect
from compose.test_metrics import scrape
from compose.visitor import Answer, AtConsent, Visitor, a_visitor
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage
from e2e.test_demo_clients import log_in, open_client

__all__ = ["log_in", "open_client"]

STOP_SECONDS = 10


def registrations(system: System) -> float:
    return scrape(system, "registrar").sum("authstack_registrations_total", outcome="registered")


async def test_redis_stops_and_comes_back(system: System) -> None:
    async with a_visitor() as visitor:
        await visitor.whoami()
        registered = registrations(system)
        asking = AtConsent(visitor)
        assert (await asking.ask()).status == 200
        system.compose("stop", "redis")
        await visitor.whoami()
        assert await visitor.contexts_status() == 503
        for refused in (await visitor.ask_for_refresh(), await visitor.register()):
            assert refused.status == 503
            assert refused.body["error"] == "temporarily_unavailable"
            assert int(refused.headers["Retry-After"]) > 0
        for page in (await asking.ask(), await asking.approve()):
            assert page.status == 503
            assert int(page.headers["Retry-After"]) > 0
            assert "Location" not in page.headers
        system.up("redis")
        renewed = await visitor.ask_for_refresh()
        assert renewed.status == 200, renewed
        visitor.take(renewed)
        await visitor.whoami()
        assert await visitor.contexts_status() == 200
        assert (await asking.approve()).status == 303
        assert registrations(system) == registered


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


async def until_it_refuses(visitor: Visitor) -> None:
    with contextlib.suppress(aiohttp.ClientError):
        async with asyncio.timeout(STOP_SECONDS):
            while True:
                await visitor.read_keys()


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
