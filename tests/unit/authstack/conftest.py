"""A stack of tiny real processes in a folder of its own."""

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authstack.layout import Layout, make_folders
from authstack.services import Service

_TINY_SERVICE = """
import http.server, signal, sys
port, mode = int(sys.argv[1]), sys.argv[2]
print("starting", flush=True)
if mode == "dies":
    sys.exit("the tiny service cannot go on")
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = mode != "never"
        body = b"{}" if ready else b'{"reasons": ["still warming up"]}'
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""

MakeService = Callable[..., Service]


@pytest.fixture
def layout() -> Iterator[Layout]:
    """Its path is short enough for unix sockets, whatever the name of the test."""
    with tempfile.TemporaryDirectory(prefix="authstack-") as folder:
        layout = Layout(Path(folder), 0)
        make_folders(layout)
        yield layout


@pytest.fixture
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as candidate:
            candidate.bind(("127.0.0.1", 0))
            port: int = candidate.getsockname()[1]
            return port

    return find


@pytest.fixture
def make_service(tmp_path: Path, free_port: Callable[[], int]) -> MakeService:
    """A service that is `ready`, `dies` at once, is `deaf` to SIGTERM, or `never` gets ready."""
    script = tmp_path / "tiny_service.py"
    script.write_text(_TINY_SERVICE)

    def make(name: str, mode: str = "ready", after: frozenset[str] = frozenset()) -> Service:
        port = free_port()
        return Service(
            name=name,
            command=(sys.executable, "-I", "-S", str(script), str(port), mode),
            environment={},
            url=f"http://localhost:{port}",
            ready_address=f"http://127.0.0.1:{port}/readyz",
            ports=(port,),
            after=after,
        )

    return make
