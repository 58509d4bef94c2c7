"""Three bridges behind Caddy: whatever one has begun, any other goes on with."""

from collections.abc import Callable, Iterator

import pytest
from compose.conftest import ISSUER
from compose.containers import System, docker, inspect, service_of
from compose.visitor import a_visitor
from e2e.pages import ClientPage
from e2e.test_demo_clients import log_in, open_client

__all__ = ["log_in", "open_client"]

STEPS = ("/authorize", "/consent", "/callback", "/token")
MAX_REFRESHES = 30


@pytest.fixture(scope="module")
def scaled(system: System) -> Iterator[System]:
    scaled = system.scaled()
    scaled.up()
    yield scaled
    scaled.compose("rm", "--stop", "--force", "caddy")
    system.up()


def steps_by_bridge(scaled: System) -> dict[str, list[str]]:
    """The steps of log-ins that each bridge has served since it was started."""
    return {
        bridge: [
            event["path"]
            for event in scaled.events(bridge)
            if event["event"] == "request_handled" and event["path"] in STEPS
        ]
        for bridge in scaled.containers("cimd-bridge")
    }


def test_the_bridges_have_no_port_of_their_own_and_caddy_is_as_confined(scaled: System) -> None:
    bridges = inspect(scaled.containers("cimd-bridge"))
    assert len(bridges) == 3
    assert not any(bridge["HostConfig"]["PortBindings"] for bridge in bridges)
    (caddy,) = inspect(scaled.containers("caddy"))
    assert service_of(caddy) == "caddy"
    assert caddy["State"]["Health"]["Status"] == "healthy"
    host = caddy["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["NET_BIND_SERVICE"])
    status = docker("exec", caddy["Id"], "cat", "/proc/1/status")
    assert "Uid:\t10001\t10001\t10001\t10001" in status


async def test_a_refresh_token_is_good_at_every_bridge_and_only_once(scaled: System) -> None:
    """Caddy starts another round whenever it has looked up the bridges anew."""
    async with a_visitor() as visitor:
        before = {bridge: len(steps) for bridge, steps in steps_by_bridge(scaled).items()}
        served = dict.fromkeys(before, 0)
        refreshes = 0
        while not all(served.values()) and refreshes < MAX_REFRESHES:
            renewed = await visitor.ask_for_refresh()
            assert renewed.status == 200, renewed
            visitor.take(renewed)
            refreshes += 1
            after = steps_by_bridge(scaled)
            served = {bridge: len(after[bridge]) - before[bridge] for bridge in after}
        assert all(served.values()), served
        assert sum(served.values()) == refreshes
        await visitor.whoami()


def test_the_steps_of_one_log_in_land_on_different_bridges(
    scaled: System, log_in: Callable[[str], ClientPage]
) -> None:
    before = steps_by_bridge(scaled)
    client = log_in("metadata_document")
    assert client.claim("iss") == ISSUER
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    served = {
        bridge: steps[len(before[bridge]) :] for bridge, steps in steps_by_bridge(scaled).items()
    }
    assert sorted(step for steps in served.values() for step in steps) == sorted(STEPS)
    assert sum(1 for steps in served.values() if steps) >= 2
