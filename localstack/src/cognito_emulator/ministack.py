"""MiniStack as a child process: loopback, a port of its own, the state in our directory."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cognito_emulator.child_process import spawn
from cognito_emulator.ministack_client import MiniStackClient

START_SECONDS = 30.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.02
PASSED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


class MiniStackError(Exception):
    """MiniStack did not start; the message is one line."""


@dataclass(frozen=True, slots=True)
class MiniStack:
    """A running MiniStack."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def wait_ready(self, client: MiniStackClient) -> None:
        """Return when it answers. Raises MiniStackError when it ends first, or never does."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await client.is_ready():
            if self.process.returncode is not None:
                raise MiniStackError(f"MiniStack ended at its start, see {log_file(self.folder)}")
            if asyncio.get_running_loop().time() > deadline:
                raise MiniStackError(f"MiniStack was not ready after {START_SECONDS:.0f} s")
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> bool:
        """Ask it to save its state and end. False when it had to be killed, or was dead."""
        if self.process.returncode is not None:
            return False
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill()
            return False
        return True

    async def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


async def start(folder: Path, port: int) -> MiniStack:
    """Start MiniStack on a loopback port; it is not ready yet."""
    with _prepared_log(folder) as log:
        process = await spawn(
            [sys.executable, "-m", "ministack"],
            environment=environment(folder, port, os.environ),
            output=log,
        )
    return MiniStack(process, folder)


def environment(folder: Path, port: int, ours: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but what a program needs: each line closes a door that is open by default."""
    passed = {name: ours[name] for name in PASSED_VARIABLES if name in ours}
    return passed | {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "STATE_DIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
        "PERSIST_STATE": "1",
        "SERVICES": "cognito-idp,dynamodb",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": "unix:///nonexistent.sock",
    }


def _prepared_log(folder: Path) -> BinaryIO:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return log_file(folder).open("wb")


def log_file(folder: Path) -> Path:
    """Where MiniStack's own output goes."""
    return folder / "ministack.log"


def saved_state(folder: Path) -> list[Path]:
    """The files that MiniStack writes at a graceful stop."""
    return list(folder.glob("*.json"))


def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
