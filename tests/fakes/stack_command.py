"""The real command `authstack`, with the real services, in folders and on ports of their own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authstack.processes import ProcessIdentity
from authstack.state import StackState

COMMAND = Path(sys.executable).with_name("authstack")


@dataclass(frozen=True)
class Command:
    """`authstack` for one stack."""

    data: Path
    port_offset: int

    def arguments(self, *verb: str) -> list[str]:
        place = ["--port-offset", str(self.port_offset), "--data-dir", str(self.data)]
        return [str(COMMAND), *verb, *place]

    def run(
        self, *verb: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*verb),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            env={**os.environ, **(environment or {})},
        )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def identities(self) -> dict[str, ProcessIdentity]:
        """The processes that are alive, by service."""
        state = StackState.read(self.data / "state.json")
        services = state.services.items() if state else ()
        return {name: identity for name, identity in services if identity.is_alive()}

    def supervisor(self) -> ProcessIdentity:
        state = StackState.read(self.data / "state.json")
        assert state is not None
        return state.supervisor


@contextmanager
def running_stack(
    port_offset: int, environment: Mapping[str, str] | None = None
) -> Iterator[Command]:
    """A whole stack, ready; ended with everything that it kept."""
    with tempfile.TemporaryDirectory(prefix="authstack-") as folder:
        command = Command(Path(folder) / "data", port_offset)
        started = command.run("up", "--detach", environment=environment)
        assert started.returncode == 0, started.stderr
        try:
            yield command
        finally:
            ended = command.run("down")
        assert ended.returncode == 0, ended.stderr
