"""Processes by identity, and children that end with us."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from authstack.layout import Layout
from authstack.leftovers import all_gone
from authstack.processes import ProcessIdentity, how_it_ended, spawn
from authstack.services import Service

WAITS_FOR_EVER = ("/bin/sh", "-c", "exec sleep 600")


def service(*command: str) -> Service:
    return Service("one", command, {}, "", "")


def test_a_pid_with_another_start_time_is_not_ours_and_gets_no_signal() -> None:
    with subprocess.Popen(WAITS_FOR_EVER) as stranger:
        claimed = ProcessIdentity(stranger.pid, "started at another time")
        assert not claimed.is_alive()
        claimed.send(signal.SIGKILL)
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_is_known_by_pid_and_start_time_until_it_ends() -> None:
    with subprocess.Popen(WAITS_FOR_EVER) as child:
        identity = ProcessIdentity.of(child.pid)
        assert identity is not None
        assert ProcessIdentity.from_json(identity.to_json()).is_alive()
        identity.send(signal.SIGKILL)
        child.wait()
        assert not identity.is_alive()
        identity.send(signal.SIGKILL)


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "exit 0"]) as child:
        identity = ProcessIdentity.of(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert ProcessIdentity.of(child.pid) is None
        assert identity is None or not identity.is_alive()


async def test_the_log_gets_what_a_service_says(layout: Layout) -> None:
    log = layout.log("one")
    running = await spawn(service("/bin/sh", "-c", "echo out; echo err >&2"), log, layout.data)
    assert await running.exited == 0
    assert log.read_text() == "out\nerr\n"
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_log_that_has_grown_long_begins_anew(layout: Layout) -> None:
    log = layout.log("one")
    with log.open("w") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    running = await spawn(service("/bin/sh", "-c", "echo anew"), log, layout.data)
    await running.exited
    assert log.read_text() == "anew\n"
    assert log.with_name("one.log.1").stat().st_size == 16 * 1024 * 1024 + 1


async def test_a_service_writes_files_that_only_its_owner_reads(layout: Layout) -> None:
    running = await spawn(service("/bin/sh", "-c", "echo > made"), layout.log("one"), layout.data)
    await running.exited
    assert (layout.data / "made").stat().st_mode & 0o777 == 0o600


async def test_a_program_that_is_not_there_is_named_in_the_log(layout: Layout) -> None:
    running = await spawn(service("/nowhere/program"), layout.log("one"), layout.data)
    assert await running.exited == 1
    assert "cannot run /nowhere/program" in layout.log("one").read_text()


async def test_stopping_ends_what_a_service_started_too(layout: Layout) -> None:
    script = "sleep 600 & echo $! > grandchild; wait"
    running = await spawn(service("/bin/sh", "-c", script), layout.log("one"), layout.data)
    note = layout.data / "grandchild"
    while not (note.exists() and note.read_text().strip()):
        assert running.identity.is_alive()
    grandchild = ProcessIdentity.of(int(note.read_text()))
    assert grandchild is not None
    await running.stop(grace_seconds=10)
    assert all_gone([running.identity, grandchild], 10)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_service_ends_when_its_supervisor_is_killed(layout: Layout) -> None:
    program = f"""
import asyncio
from pathlib import Path
from authstack.processes import spawn
from authstack.services import Service

async def main():
    service = Service("one", {WAITS_FOR_EVER!r}, {{}}, "", "")
    running = await spawn(service, Path({str(layout.log("one"))!r}), Path({str(layout.data)!r}))
    print(running.identity.pid, flush=True)
    await running.exited

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        child = ProcessIdentity.of(int(supervisor.stdout.readline()))
        assert child is not None
        supervisor.kill()
        assert all_gone([child], 10)


def test_a_launcher_whose_supervisor_is_gone_does_not_start_the_service(tmp_path: Path) -> None:
    launcher = Path(sys.modules["authstack.processes"].__file__ or "").with_name("launch.py")
    made = tmp_path / "made"
    command = [sys.executable, "-I", "-S", str(launcher), "1", "/bin/sh", "-c", f"echo > {made}"]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert (ended.returncode, made.exists()) == (1, False)


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "ended with status 0"), (2, "ended with status 2"), (-9, "was killed by SIGKILL")],
)
def test_an_exit_status_in_words(status: int, words: str) -> None:
    assert how_it_ended(status) == words
