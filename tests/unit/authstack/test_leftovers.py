"""What a supervisor that was killed has left behind."""

import subprocess

from authstack.layout import Layout
from authstack.leftovers import end_leftovers, end_processes
from authstack.processes import ProcessIdentity
from authstack.state import StackState

WAITS_FOR_EVER = ("/bin/sh", "-c", "exec sleep 600")
DEAF = ("/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done")


def written(layout: Layout, **services: ProcessIdentity) -> None:
    StackState(0, ProcessIdentity(1, "long ago"), services).write(layout.state_file)


def identity(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    found = ProcessIdentity.of(process.pid)
    assert found is not None
    return found


def test_a_foreign_process_with_the_same_pid_is_left_alone(layout: Layout) -> None:
    with subprocess.Popen(WAITS_FOR_EVER) as stranger:
        written(layout, bridge=ProcessIdentity(stranger.pid, "another start"))
        assert end_leftovers(layout) == []
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_is_surely_ours_is_ended(layout: Layout) -> None:
    with subprocess.Popen(WAITS_FOR_EVER) as ours:
        written(layout, bridge=identity(ours), registrar=ProcessIdentity(ours.pid, "no"))
        assert end_leftovers(layout) == ["bridge"]
        assert ours.wait() == -15
    assert not layout.state_file.exists()


def test_one_that_is_deaf_is_killed(layout: Layout) -> None:
    with subprocess.Popen(DEAF, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        end_processes([identity(deaf)], grace_seconds=0.1)
        assert deaf.wait() == -9


def test_nothing_is_left_of_a_stack_that_never_was(layout: Layout) -> None:
    assert end_leftovers(layout) == []
