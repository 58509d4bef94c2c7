"""Become another program that ends with the supervisor.

Run as a script, never imported: `python -I -S launch.py PARENT_PID PROGRAM ARGUMENTS…`. A fresh
interpreter asks the kernel, because code between fork and exec is not safe beside threads. The
standard library is all it needs, and the pid stays the same.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the supervisor is gone")
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
