"""`up --detach`: a supervisor in a session of its own, which reports through a pipe once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable

from authstack.errors import StackError
from authstack.layout import Layout
from authstack.progress import Stage
from authstack.supervisor import Watch


class Report:
    """The supervisor's end of the pipe, a JSON line each: how far services are, and at last
    whether all is ready, or the one line that says why not.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._pipe = os.fdopen(descriptor, "wb", buffering=0)

    def about(self, supervise: Callable[["Report"], None]) -> None:
        """Run the supervisor. Raises StackError after it has been reported."""
        try:
            supervise(self)
        except StackError as error:
            self._end(str(error))
            raise

    def watch(self, service: str, stage: Stage) -> None:
        self._send({"service": service, "stage": stage})

    def ready(self) -> None:
        self._end(None)

    def _end(self, error: str | None) -> None:
        self._send({"error": error})
        self._pipe.close()

    def _send(self, record: dict[str, str | None]) -> None:
        """Nothing after the end, when services are started again, or when nobody listens."""
        if self._pipe.closed:
            return
        try:
            self._pipe.write(json.dumps(record).encode() + b"\n")
        except OSError:
            self._pipe.close()


def start_in_background(layout: Layout, watch: Watch) -> None:
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
        _wait_for_report(pipe, watch, supervisor, layout)


def _wait_for_report(
    lines: Iterable[str], watch: Watch, supervisor: subprocess.Popen[bytes], layout: Layout
) -> None:
    try:
        report = _last(lines, watch)
    except KeyboardInterrupt:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait()
        raise
    if report is None:
        raise StackError(f"the supervisor ended early; its log is {layout.log('supervisor')}")
    if report["error"] is not None:
        supervisor.wait()
        raise StackError(report["error"])


def _last(lines: Iterable[str], watch: Watch) -> dict[str, str | None] | None:
    """The record that ends the report; what comes before it is passed on."""
    for line in lines:
        record = json.loads(line)
        if "error" in record:
            return {"error": record["error"]}
        watch(record["service"], record["stage"])
    return None
