"""Services as processes of their own: started on free ports, ready before use, stopped after."""

import http.client
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 60
_STOP_SECONDS = 20


def free_ports(number: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [taken.getsockname()[1] for taken in listening]
    for taken in listening:
        taken.close()
    return ports


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    management_port: int,
    folder: Path,
    path: str = "/readyz",
    start_seconds: int = _START_SECONDS,
) -> Iterator[subprocess.Popen[bytes]]:
    """The process once `path` on its management port answers 200; its output is in folder/log."""
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "BIND_HOST": "127.0.0.1", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        for _ in range(start_seconds * 10):
            if answers(management_port, path):
                break
            if has_ended(process, within_seconds=0.1):
                raise AssertionError(f"{command} ended early:\n{log.read_text()}")
        else:
            raise AssertionError(f"{command} did not become ready:\n{log.read_text()}")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=_STOP_SECONDS)


def has_ended(process: subprocess.Popen[bytes], *, within_seconds: float) -> bool:
    try:
        process.wait(timeout=within_seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
