"""How a stack begins and ends: Ctrl-C, early deaths, killed supervisors, neighbours."""

import signal
import subprocess
from pathlib import Path

import pytest
from fakes.stack_command import Command

from authstack.leftovers import all_gone

OFFSET = 12_000


def start_in_foreground(command: Command) -> subprocess.Popen[str]:
    """Returns when it says that it is ready."""
    process = subprocess.Popen(
        command.arguments("up"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C ends everything" in line:
            return process
    pytest.fail("it was never ready")


def test_ctrl_c_ends_everything_and_leaves_no_process(new_folder: Path) -> None:
    command = Command(new_folder, OFFSET)
    with start_in_foreground(command) as supervisor:
        everyone = [*command.identities().values(), command.supervisor()]
        assert len(everyone) == 9
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(timeout=30) == 0
    assert [each for each in everyone if each.is_alive()] == []
    assert command.run("status").returncode == 1


def test_a_service_that_dies_early_is_one_line_and_leaves_nothing_running(
    new_folder: Path,
) -> None:
    command = Command(new_folder, OFFSET)
    failed = command.run("up", "--detach", environment={"ACCESS_TOKEN_SECONDS": "1"})
    assert failed.returncode == 1
    *progress, reason = failed.stderr.splitlines()
    assert reason.startswith("authstack: bridge ended with status 2 before all was ready: ")
    assert "ACCESS_TOKEN_SECONDS" in reason
    assert any(line.startswith("bridge: failed (") for line in progress)
    assert not any(line.startswith("authstack:") for line in progress)
    found = command.status()["services"].values()
    assert [service for service in found if service["pid"] or service["ready"]] == []


def test_two_stacks_run_side_by_side_and_one_ends_without_the_other(new_folder: Path) -> None:
    one = Command(new_folder / "one", OFFSET)
    other = Command(new_folder / "other", OFFSET + 1000)
    try:
        for stack in (one, other):
            started = stack.run("up", "--detach")
            assert started.returncode == 0, started.stderr
        assert one.run("down").returncode == 0
        assert len(other.identities()) == 8
        walked = other.run("smoke")
        assert walked.returncode == 0, walked.stdout
    finally:
        one.run("down")
        other.run("down")
    assert other.identities() == {}


def test_state_survives_down_and_a_supervisor_that_is_killed(new_folder: Path) -> None:
    command = Command(new_folder, OFFSET)
    secrets = new_folder / "secrets/bridge/master_keys"
    assert command.run("up", "--detach").returncode == 0
    before = secrets.read_text()
    assert command.run("down").returncode == 0
    assert command.run("down").stdout == "authstack: nothing is running\n"

    assert command.run("up", "--detach").returncode == 0
    everyone = [*command.identities().values(), command.supervisor()]
    command.supervisor().send(signal.SIGKILL)
    assert all_gone(everyone[-1:], 10)

    again = command.run("up", "--detach")
    assert again.returncode == 0, again.stderr
    assert [each for each in everyone if each.is_alive()] == []
    assert secrets.read_text() == before
    walked = command.run("smoke")
    assert walked.returncode == 0, walked.stdout
    assert command.run("down").stdout == "authstack: everything has ended\n"
