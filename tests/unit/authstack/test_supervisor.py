"""The supervisor, with tiny real processes."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from authstack.control import RESTART, START_MISSING, give_order
from authstack.errors import StackError
from authstack.layout import Layout
from authstack.processes import ProcessIdentity
from authstack.readiness import check_ports
from authstack.services import Service
from authstack.state import StackState
from authstack.supervisor import Supervisor, last_line

MakeService = Callable[..., Service]

_KILLS_THE_FIRST = """
import json, os, signal
open("second", "w").write(str(os.getpid()))
os.kill(json.load(open("state.json"))["services"]["first"]["pid"], signal.SIGKILL)
signal.pause()
"""
_INTERRUPTS_THE_SUPERVISOR = """
import os, signal
open("slow", "w").write(str(os.getpid()))
os.kill(os.getppid(), signal.SIGINT)
signal.pause()
"""


@dataclass
class Stack:
    """A supervised stack, and what was announced about it."""

    layout: Layout
    announced: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    stages: list[tuple[str, str]] = field(default_factory=list)

    def identity(self, name: str) -> ProcessIdentity:
        return self.state().services[name]

    def state(self) -> StackState:
        state = StackState.read(self.layout.state_file)
        assert state is not None
        return state

    async def kill(self, name: str) -> str:
        """kill -9, and what the supervisor says about it."""
        self.identity(name).send(signal.SIGKILL)
        return await self.announced.get()


@asynccontextmanager
async def supervised(
    layout: Layout,
    *services: Service,
    grace_seconds: float = 10,
    end_with: signal.Signals = signal.SIGTERM,
) -> AsyncIterator[Stack]:
    """Run until ready; at the end a signal, and no process may be left."""
    stack, ready = Stack(layout), asyncio.Event()
    supervisor = Supervisor(
        layout,
        services,
        stack.announced.put_nowait,
        watch=lambda name, stage: stack.stages.append((name, stage)),
        grace_seconds=grace_seconds,
    )
    running = asyncio.create_task(supervisor.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        await running
    yield stack
    everyone = list(stack.state().services.values())
    os.kill(os.getpid(), end_with)
    await running
    assert not [each for each in everyone if each.is_alive()]
    assert not layout.state_file.exists()
    assert not layout.control_socket.exists()


async def fails(layout: Layout, *services: Service, ready_seconds: float = 60) -> str:
    """The one line of a start that fails; nothing may be left listening."""
    supervisor = Supervisor(layout, services, print, ready_seconds=ready_seconds)
    with pytest.raises(StackError) as failure:
        await supervisor.run(lambda: pytest.fail("it was never ready"))
    assert not layout.state_file.exists()
    assert "\n" not in str(failure.value)
    return str(failure.value)


def script(name: str, program: str, after: frozenset[str] = frozenset()) -> Service:
    """A service that runs a small program in the data folder and is never ready."""
    return Service(
        name=name,
        command=(sys.executable, "-I", "-S", "-c", program),
        environment={},
        url="",
        ready_address="unix:///nowhere",
        after=after,
    )


async def test_a_service_that_dies_before_all_is_ready_ends_everything(
    layout: Layout, make_service: MakeService
) -> None:
    steady = make_service("steady")
    line = await fails(layout, steady, make_service("bridge", "dies", frozenset({"steady"})))
    check_ports([steady])
    assert line == (
        "bridge ended with status 1 before all was ready: the tiny service cannot go on; "
        f"its log is {layout.log('bridge')}"
    )


async def test_a_service_that_dies_after_it_was_ready_but_before_the_others_ends_everything(
    layout: Layout, make_service: MakeService
) -> None:
    kills_the_first = script("second", _KILLS_THE_FIRST, after=frozenset({"first"}))
    line = await fails(layout, make_service("first"), kills_the_first)
    assert line.startswith("first was killed by SIGKILL before all was ready")
    assert not ProcessIdentity.of(int((layout.data / "second").read_text()))


async def test_a_service_that_never_gets_ready_is_named_with_its_reason(
    layout: Layout, make_service: MakeService
) -> None:
    line = await fails(layout, make_service("bridge", "never"), ready_seconds=1)
    assert line.startswith("bridge was not ready after 1 s (still warming up); its log is ")


async def test_a_port_in_use_is_named_before_anything_starts(
    layout: Layout, make_service: MakeService
) -> None:
    service = make_service("bridge")
    with socket.socket() as other:
        other.bind(("127.0.0.1", service.ports[0]))
        other.listen()
        line = await fails(layout, make_service("first"), service)
    assert line.startswith(f"port {service.ports[0]} (bridge) is in use")
    assert not layout.log("first").exists()


async def test_a_missing_program_is_named_before_anything_starts(
    layout: Layout, make_service: MakeService
) -> None:
    missing = Service("valkey", ("/nowhere/valkey-server",), {}, "", "")
    line = await fails(layout, make_service("first"), missing)
    assert "/nowhere/valkey-server is missing" in line
    assert not layout.log("first").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_everything(
    layout: Layout, make_service: MakeService, number: signal.Signals
) -> None:
    async with supervised(layout, make_service("one"), end_with=number) as stack:
        assert stack.identity("one").is_alive()


async def test_a_killed_service_is_named_while_the_others_go_on(
    layout: Layout, make_service: MakeService
) -> None:
    async with supervised(layout, make_service("one"), make_service("other")) as stack:
        line = await stack.kill("one")
        assert line.startswith("one was killed by SIGKILL; the others go on.")
        assert stack.state().ended == {"one": "was killed by SIGKILL"}
        assert stack.identity("other").is_alive()


async def test_what_is_missing_is_started_again_and_nothing_else(
    layout: Layout, make_service: MakeService
) -> None:
    async with supervised(layout, make_service("one"), make_service("other")) as stack:
        before = stack.state().services
        assert await give_order(layout.control_socket, START_MISSING) == []
        await stack.kill("one")
        assert await give_order(layout.control_socket, START_MISSING) == ["one"]
        assert stack.identity("one").is_alive()
        assert stack.identity("one") != before["one"]
        assert stack.identity("other") == before["other"]
        assert stack.state().ended == {}


async def test_a_restart_gives_a_new_process_and_no_alarm(
    layout: Layout, make_service: MakeService
) -> None:
    async with supervised(layout, make_service("one"), make_service("other")) as stack:
        before = stack.state().services
        assert await give_order(layout.control_socket, RESTART, "one") == ["one"]
        assert stack.identity("one") != before["one"]
        assert stack.identity("other") == before["other"]
        assert stack.announced.empty()


async def test_a_service_that_nobody_knows_cannot_be_restarted(
    layout: Layout, make_service: MakeService
) -> None:
    async with supervised(layout, make_service("one")):
        with pytest.raises(StackError, match=r"no service 'two'; there are one"):
            await give_order(layout.control_socket, RESTART, "two")


async def test_a_restart_that_fails_leaves_the_others_running(
    layout: Layout, make_service: MakeService
) -> None:
    service = make_service("one")
    async with supervised(layout, service, make_service("other")) as stack:
        await stack.kill("one")
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", service.ports[0]))
            thief.listen()
            with pytest.raises(StackError, match="is in use"):
                await give_order(layout.control_socket, START_MISSING)
        assert stack.identity("other").is_alive()
        assert await give_order(layout.control_socket, START_MISSING) == ["one"]


async def test_a_service_deaf_to_sigterm_is_killed_when_the_grace_is_over(
    layout: Layout, make_service: MakeService
) -> None:
    async with supervised(layout, make_service("deaf", "deaf"), grace_seconds=0.2) as stack:
        deaf = stack.identity("deaf")
        assert deaf.is_alive()
    assert not deaf.is_alive()


async def test_a_second_signal_does_not_wait_for_the_grace(
    layout: Layout, make_service: MakeService
) -> None:
    async with supervised(layout, make_service("deaf", "deaf"), grace_seconds=3600) as stack:
        deaf = stack.identity("deaf")
        os.kill(os.getpid(), signal.SIGINT)
    assert not deaf.is_alive()


async def test_a_signal_during_the_start_ends_everything(layout: Layout) -> None:
    supervisor = Supervisor(layout, [script("slow", _INTERRUPTS_THE_SUPERVISOR)], print)
    await supervisor.run(lambda: pytest.fail("it was never ready"))
    assert not ProcessIdentity.of(int((layout.data / "slow").read_text()))


async def test_whoever_watches_is_told_how_far_each_service_is(
    layout: Layout, make_service: MakeService
) -> None:
    first = make_service("first")
    later = make_service("later", after=frozenset({"first"}))
    async with supervised(layout, first, later) as stack:
        told = [("first", "running"), ("first", "done"), ("later", "running"), ("later", "done")]
        assert stack.stages == told


async def test_a_service_starts_only_when_those_before_it_are_ready(
    layout: Layout, make_service: MakeService
) -> None:
    first = make_service("first", "never")
    later = make_service("later", after=frozenset({"first"}))
    line = await fails(layout, first, later, ready_seconds=1)
    assert line.startswith("first was not ready")
    assert not layout.log("later").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "it logged nothing"),
        ("one\ntwo\n\n  \n", "two"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_the_last_line_of_a_log(layout: Layout, text: str, line: str) -> None:
    layout.log("one").write_text(text)
    assert last_line(layout.log("one")) == line
