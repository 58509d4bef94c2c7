"""Processes by identity: a pid alone may be somebody else's by now."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from authstack.services import Service

_LAUNCHER = Path(__file__).with_name("launch.py")
_PROC = Path("/proc")
_MAX_LOG_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid and when its process started."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """None when there is no such process, or only its zombie."""
        started = _start_time(pid)
        return None if started is None else cls(pid, started)

    @classmethod
    def mine(cls) -> "ProcessIdentity":
        return cls(os.getpid(), _start_time(os.getpid()) or "")

    def is_alive(self) -> bool:
        return _start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal the process, unless it is gone or its pid belongs to another one now."""
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def to_json(self) -> dict[str, object]:
        return {"pid": self.pid, "started": self.started}

    @classmethod
    def from_json(cls, record: Mapping[str, object]) -> "ProcessIdentity":
        return cls(int(str(record["pid"])), str(record["started"]))


def _start_time(pid: int) -> str | None:
    if (_PROC / "self").exists():
        return _start_time_of_proc(pid)
    # macOS and the BSDs have no /proc
    shown = subprocess.run(  # noqa: S603 -- a fixed program, a number
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return None if not shown or shown.startswith("Z") else shown.partition(" ")[2].strip()


def _start_time_of_proc(pid: int) -> str | None:
    """Clock ticks since boot, and which boot. The name in parentheses may hold anything."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"


@dataclass(frozen=True, slots=True)
class Running:
    """A child of ours, in a session and process group of its own."""

    process: asyncio.subprocess.Process
    identity: ProcessIdentity
    exited: asyncio.Task[int]
    """Done when it has ended, with its exit status."""

    async def stop(self, grace_seconds: float) -> None:
        """SIGTERM, then SIGKILL for the whole group when the grace is over."""
        if not self.exited.done() and self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait({self.exited}, timeout=grace_seconds)
        self.kill()
        await self.exited

    def kill(self) -> None:
        if not self.exited.done():
            _kill_group(self.process.pid)


async def spawn(service: Service, log_file: Path, folder: Path) -> Running:
    """Start a service that writes to its log, knows no terminal and ends with us."""
    descriptor = _open_log(log_file)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())),
            *service.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=dict(service.environment),
            cwd=folder,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(descriptor)
    identity = ProcessIdentity.of(process.pid) or ProcessIdentity(process.pid, "")
    return Running(process, identity, asyncio.create_task(_wait(process)))


def _open_log(path: Path) -> int:
    """A log that has grown long begins anew; the one before it is kept."""
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


async def _wait(process: asyncio.subprocess.Process) -> int:
    status = await process.wait()
    _kill_group(process.pid)  # what it may have left behind
    return status


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left; macOS says "not permitted" for a group of zombies


def how_it_ended(status: int) -> str:
    """An exit status in words."""
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
