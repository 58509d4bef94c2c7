"""`authstack down`: end every process of the stack; its data stay."""

from authstack.layout import Layout
from authstack.leftovers import all_gone, end_leftovers, end_processes
from authstack.options import DataDir, PortOffset, named_stack
from authstack.progress import waiting
from authstack.state import StackState, SupervisorLock

_SUPERVISOR_SECONDS = 30.0
"""Twice the grace of a service, and some time to notice."""


def down(port_offset: PortOffset = None, data_dir: DataDir = None) -> None:
    """End every process of the stack. What it stored stays for the next `up`."""
    layout = named_stack(port_offset, data_dir)
    if not layout.data.is_dir():
        print("authstack: nothing is running")
        return
    stopped = _stop_supervisor(layout)
    lock = SupervisorLock.acquire(layout.lock_file)
    if lock is not None:
        stopped = bool(end_leftovers(layout)) or stopped
        lock.release()
    print("authstack: everything has ended" if stopped else "authstack: nothing is running")


def _stop_supervisor(layout: Layout) -> bool:
    state = StackState.read(layout.state_file)
    if state is None or not state.supervisor.is_alive():
        return False
    with waiting("ending every process"):
        end_processes([state.supervisor], _SUPERVISOR_SECONDS)
        return all_gone([state.supervisor, *state.services.values()], _SUPERVISOR_SECONDS)
