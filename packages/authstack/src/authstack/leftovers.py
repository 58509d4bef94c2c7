"""End what a supervisor that was killed has left behind: processes that are surely ours."""

import signal
import time

from authstack.layout import Layout
from authstack.processes import ProcessIdentity
from authstack.state import StackState

_GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.05


def end_leftovers(layout: Layout) -> list[str]:
    """The names of the services that had to be ended. Call only with the supervisor's lock.

    A process is ours when its pid and its start time are those that were written down.
    """
    state = StackState.read(layout.state_file)
    if state is None:
        return []
    alive = {name: each for name, each in state.services.items() if each.is_alive()}
    end_processes(list(alive.values()), _GRACE_SECONDS)
    layout.state_file.unlink(missing_ok=True)
    return list(alive)


def end_processes(processes: list[ProcessIdentity], grace_seconds: float) -> None:
    """SIGTERM, and SIGKILL for those that are still there when the grace is over."""
    for process in processes:
        process.send(signal.SIGTERM)
    if not all_gone(processes, grace_seconds):
        for process in processes:
            process.send(signal.SIGKILL)
        all_gone(processes, grace_seconds)


def all_gone(processes: list[ProcessIdentity], within_seconds: float) -> bool:
    """Not our children, so there is nothing to wait for but their absence."""
    deadline = time.monotonic() + within_seconds
    while any(process.is_alive() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
