"""`up --detach`: a supervisor in a session of its own, which reports through a pipe once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from authstack.errors import StackError
from authstack.layout import Layout


@dataclass(frozen=True, slots=True)
class Report:
    """The supervisor's end of the pipe: "ready", or the one line that says why not."""

    descriptor: int

    def about(self, supervise: Callable[["Report"], None]) -> None:
        """Run the supervisor. Raises StackError after it has been reported."""
        os.set_inheritable(self.descriptor, False)
        try:
            supervise(self)
        except StackError as error:
            self._send(str(error))
            raise

    def ready(self) -> None:
        self._send(None)

    def _send(self, error: str | None) -> None:
        try:
            with os.fdopen(self.descriptor, "w", encoding="utf-8") as pipe:
                json.dump({"error": error}, pipe)
        except OSError:
            return  # closed after "ready", or nobody listens any more


def start_in_background(layout: Layout) -> None:
    """Return when the stack is ready. Raises StackError when it is not going to be."""
    reading, writing = os.pipe()
    log = os.open(layout.log("supervisor"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        supervisor = subprocess.Popen(  # noqa: S603 -- this very program
            [
                *(sys.executable, "-m", "authstack", "up", "--report-to", str(writing)),
                *("--port-offset", str(layout.port_offset), "--data-dir", str(layout.data)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            start_new_session=True,
        )
    finally:
        os.close(writing)
        os.close(log)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        _wait_for_report(pipe.read, supervisor, layout)


def _wait_for_report(
    read: Callable[[], str], supervisor: subprocess.Popen[bytes], layout: Layout
) -> None:
    try:
        report = read()
    except KeyboardInterrupt:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        raise
    if not report:
        raise StackError(f"the supervisor ended early; its log is {layout.log('supervisor')}")
    error = json.loads(report)["error"]
    if error is not None:
        supervisor.wait()
        raise StackError(error)
