"""What a supervisor leaves on disk for the other verbs, and the lock that says it is alive."""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from authstack.files import write_private
from authstack.processes import ProcessIdentity


@dataclass(frozen=True, slots=True)
class StackState:
    """The processes of a stack. `ended` says how those ended that are no longer there."""

    port_offset: int
    supervisor: ProcessIdentity
    services: Mapping[str, ProcessIdentity] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        record = {
            "port_offset": self.port_offset,
            "supervisor": self.supervisor.to_json(),
            "services": {name: each.to_json() for name, each in self.services.items()},
            "ended": dict(self.ended),
        }
        write_private(path, json.dumps(record, indent=1))

    @classmethod
    def read(cls, path: Path) -> "StackState | None":
        """None when there is none, or when it is not one of ours."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                port_offset=int(record["port_offset"]),
                supervisor=ProcessIdentity.from_json(record["supervisor"]),
                services={
                    name: ProcessIdentity.from_json(each)
                    for name, each in record["services"].items()
                },
                ended=dict(record["ended"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class SupervisorLock:
    """Held by the supervisor for as long as it lives: the kernel lets go of it, whatever happens.

    No child inherits the descriptor.
    """

    descriptor: int

    @classmethod
    def acquire(cls, path: Path) -> "SupervisorLock | None":
        """None when a living supervisor has it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        os.close(self.descriptor)


def supervisor_is_alive(path: Path) -> bool:
    if not path.exists():
        return False
    lock = SupervisorLock.acquire(path)
    if lock is None:
        return True
    lock.release()
    return False
