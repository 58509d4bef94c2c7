"""What a supervisor leaves on disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from authstack.processes import ProcessIdentity
from authstack.state import StackState, SupervisorLock, supervisor_is_alive


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = StackState(
        port_offset=3000,
        supervisor=ProcessIdentity(10, "then"),
        services={"bridge": ProcessIdentity(11, "a moment later")},
        ended={"resource": "was killed by SIGKILL"},
    )
    path = tmp_path / "state.json"
    state.write(path)
    assert StackState.read(path) == state
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"port_offset": 0}',
        '{"port_offset": 0, "supervisor": {"pid": "x", "started": ""}, "services": {}}',
        '{"port_offset": 0, "supervisor": {"pid": 1, "started": ""}, "services": []}',
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_a_state_that_is_not_ours_is_no_state(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert StackState.read(path) is None


def test_no_state_is_no_state(tmp_path: Path) -> None:
    assert StackState.read(tmp_path / "state.json") is None


def test_only_one_supervisor_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "supervisor.lock"
    assert not supervisor_is_alive(path)
    lock = SupervisorLock.acquire(path)
    assert lock is not None
    assert SupervisorLock.acquire(path) is None
    assert supervisor_is_alive(path)
    lock.release()
    assert not supervisor_is_alive(path)


def test_the_lock_goes_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "supervisor.lock"
    program = (
        "import pathlib, sys\n"
        "from authstack.state import SupervisorLock\n"
        "lock = SupervisorLock.acquire(pathlib.Path(sys.argv[1]))\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert supervisor_is_alive(path)
        holder.kill()
        holder.wait()
        assert not supervisor_is_alive(path)
