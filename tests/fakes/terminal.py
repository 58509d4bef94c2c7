"""A command at a terminal: everything that it writes, escape sequences included."""

import os
import pty
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SECONDS = 180
_COLOR = re.compile(r"\x1b\[[0-9;]*?(?:3[0-8]|9[0-7])[0-9;]*m")
_ANY_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Screen:
    """What went to the terminal, and how the command ended."""

    returncode: int
    written: str

    @property
    def is_coloured(self) -> bool:
        return _COLOR.search(self.written) is not None

    @property
    def moves(self) -> bool:
        """Whether lines were written anew: the cursor went up, or a line was erased."""
        return "\x1b[1A" in self.written or "\x1b[2K" in self.written

    @property
    def text(self) -> str:
        return _ANY_SEQUENCE.sub("", self.written)


def at_a_terminal(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Screen:
    """Run it with a terminal of 100 columns for stdin, stdout and stderr."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**inherited, "TERM": "xterm-256color", "COLUMNS": "100", **(environment or {})},
        )
    finally:
        os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as screen:
        written = bytearray()
        while piece := _read(screen.fileno()):
            written += piece
    return Screen(process.wait(timeout=_SECONDS), written.decode())


def _read(descriptor: int) -> bytes:
    """Nothing more when the last process has closed its end, which Linux calls an error."""
    try:
        return os.read(descriptor, 65_536)
    except OSError:
        return b""
