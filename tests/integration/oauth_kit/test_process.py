"""One process of the kit: it ends gracefully, and its log holds nothing a stranger sent."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.processes import free_ports, has_ended, running

COMMAND = [sys.executable, str(Path(__file__).with_name("sample_service.py"))]


class Sample:
    """The running process; requests are written byte by byte."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, written: bytes) -> bytes:
        with self.connect() as connection:
            connection.sendall(written)
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def takes_connections(self) -> bool:
        try:
            self.connect().close()
        # refused once it listens no more; reset when it stopped with this one still in its queue
        except (ConnectionRefusedError, ConnectionResetError):
            return False
        return True


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    port, management = free_ports(2)
    environment = {
        "PORT": str(port),
        "MANAGEMENT_PORT": str(management),
        "REDIS_URL": "redis://localhost",
    }
    with running(
        COMMAND, environment, management_port=management, folder=tmp_path, path="/livez"
    ) as process:
        yield Sample(process, port, tmp_path / "log")


@pytest.mark.requirement("OP9")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_that_runs_is_finished_before_the_end(
    sample: Sample, number: signal.Signals
) -> None:
    with sample.connect() as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        head = connection.recv(65_536)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        sample.process.send_signal(number)
        while sample.takes_connections():
            assert not has_ended(sample.process, within_seconds=0.01)
        sample.process.send_signal(signal.SIGUSR1)
        rest = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert b"the end" in head + rest
    assert sample.process.wait(timeout=10) == 0


@pytest.mark.requirement("OP9")
def test_an_idle_connection_does_not_hold_up_the_end(sample: Sample) -> None:
    with sample.connect() as idle:
        idle.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65_536).startswith(b"HTTP/1.1 404")
        sample.process.terminate()
        assert sample.process.wait(timeout=5) == 0
        assert idle.recv(1) == b""


@pytest.mark.requirement("OP1", "B17", "TK28")
def test_the_log_holds_nothing_that_a_stranger_sent(sample: Sample) -> None:
    host = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    for written in (
        b"GET /bug?token=canary" + host + b"Authorization: Bearer canary\r\n\r\n",
        b"GET /forgotten-task?token=canary" + host + b"\r\n",
        b"GET /nothing?token=canary" + host + b"\r\n",
        b"GET /bug?token=canary HTTP/9.9x\r\n\r\n",
        b"GET /bug?token=canary\xff" + host + b"\r\n",
        b"GET /bug?token=" + b"canary" * 2000 + host + b"\r\n",
        b"GET /bug" + host + b"Broken header canary: x\r\n\r\n",
        b"GET /bug" + host + b"Cookie: canary\x00\r\n\r\n",
        b"canary\r\n\r\n",
        b"POST /form" + host + form + b"Transfer-Encoding: chunked\r\n\r\ncanary\r\n",
        b"POST /form" + host + form + b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\ncanary",
        b"POST /form" + host + form + b"Content-Length: 15\r\n\r\ncanary=1&canary=",
    ):
        assert b"Traceback" not in sample.exchange(written)
    sample.process.terminate()
    assert sample.process.wait(timeout=10) == 0
    lines = [json.loads(line) for line in sample.log.read_text().splitlines()]
    events = {line["event"] for line in lines}
    assert {"serving", "unexpected_error", "Task exception was never retrieved"} <= events
    assert len([line for line in lines if line["event"] == "malformed_request"]) == 8
    assert not any("exception" in line for line in lines if line["level"] == "info")
    assert "canary" not in sample.log.read_text()


@pytest.mark.requirement("OP4")
def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            COMMAND,
            env={
                "PORT": str(port),
                "MANAGEMENT_PORT": str(free_ports(1)[0]),
                "REDIS_URL": "redis://x",
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("cannot listen: ")
    assert str(port) in line
