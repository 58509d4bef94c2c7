"""Children that cannot outlive us."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

PR_SET_PDEATHSIG = 1


async def spawn(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int | None,
    errors: IO[bytes] | int | None = asyncio.subprocess.STDOUT,
) -> asyncio.subprocess.Process:
    """Start a program in a session of its own, so that Ctrl-C reaches only us.

    Call it from the main thread: on Linux the child dies with the *thread* that made it.
    """
    return await asyncio.create_subprocess_exec(
        *arguments,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
        preexec_fn=_die_with_parent(),
    )


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc: Any = ctypes.CDLL(None)  # loaded before the fork
    parent = os.getpid()

    def prepare() -> None:
        # SIGKILL: MiniStack must not save its state when the front could not save its own.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before prctl
            os._exit(1)

    return prepare
