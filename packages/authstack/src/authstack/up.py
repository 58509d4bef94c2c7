"""`authstack up`: start what is not running, here or in the background."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Annotated, Final

import typer

from authstack.background import Report, start_in_background
from authstack.control import START_MISSING, give_order
from authstack.credentials import make_credentials
from authstack.errors import StackError
from authstack.layout import Layout, make_folders
from authstack.leftovers import end_leftovers
from authstack.options import DataDir, PortOffset, named_stack
from authstack.progress import Stage, showing, waiting
from authstack.services import embedded_services
from authstack.state import StackState, SupervisorLock, supervisor_is_alive
from authstack.supervisor import Supervisor, Watch
from authstack.welcome import welcome

_WORDS: Final[dict[Stage, str]] = {"running": "starts", "done": "ready"}


def up(
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when all is ready, leave it running.")
    ] = False,
    port_offset: PortOffset = None,
    data_dir: DataDir = None,
    report_to: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start the whole stack on this machine, or what is missing of it."""
    began = time.monotonic()
    layout = named_stack(port_offset, data_dir)
    make_folders(layout)
    if report_to is not None:
        Report(report_to).about(
            lambda report: _supervise(layout, nullcontext(report.watch), report.ready)
        )
    elif supervisor_is_alive(layout.lock_file):
        _start_missing(layout)
    elif detach:
        with _shown_starting(layout) as watch:
            start_in_background(layout, watch)
        _say(welcome(layout, os.environ, time.monotonic() - began, detached=True))
    else:
        _supervise(
            layout,
            _shown_starting(layout),
            lambda: _say(welcome(layout, os.environ, time.monotonic() - began, detached=False)),
        )
        _announce("everything has ended")


def _supervise(
    layout: Layout, starting: AbstractContextManager[Watch], on_ready: Callable[[], None]
) -> None:
    """starting: who is told how far services are, until all are ready"""
    lock = SupervisorLock.acquire(layout.lock_file)
    if lock is None:
        raise StackError("another `authstack up` was faster; try again")
    try:
        for name in end_leftovers(layout):
            _say(f"authstack: ended {name}, left behind by a supervisor that was killed")
        make_credentials(layout)
        with ExitStack() as shown:
            watch = shown.enter_context(starting)

            def ready() -> None:
                shown.close()
                on_ready()

            asyncio.run(_run(layout, watch, ready))
    finally:
        lock.release()


async def _run(layout: Layout, watch: Watch, on_ready: Callable[[], None]) -> None:
    services = embedded_services(layout, os.environ)
    await Supervisor(layout, services, _announce, watch=watch).run(on_ready)


@contextmanager
def _shown_starting(layout: Layout) -> Iterator[Watch]:
    names = [service.name for service in embedded_services(layout, os.environ)]
    with showing(names) as progress:
        yield lambda name, stage: progress.tell(name, stage, _WORDS.get(stage, ""))


def _start_missing(layout: Layout) -> None:
    state = StackState.read(layout.state_file)
    if state is not None and state.port_offset != layout.port_offset:
        raise StackError(
            f"a stack with --port-offset {state.port_offset} is running in {layout.data}"
        )
    with waiting("starting what is missing"):
        started = asyncio.run(give_order(layout.control_socket, START_MISSING))
    _announce(f"started {', '.join(started)}" if started else "nothing to do, all is running")


def _announce(line: str) -> None:
    _say(f"authstack: {line}")


def _say(text: str) -> None:
    print(text, flush=True)
