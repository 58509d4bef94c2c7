"""Where a stack lives: its ports, its public URLs and its files."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from authstack.errors import StackError
from authstack.files import make_private_folder

PROJECT = Path(__file__).resolve().parents[4]

OFFSET_STEP = 1000
MAX_OFFSET = 60_000
MANAGEMENT_PORT_OFFSET = 100
MAX_SOCKET_PATH_BYTES = 100
"""sockaddr_un holds 104 bytes on macOS and 108 on Linux, the final NUL included."""

BASE_PORTS = {
    "preregistered": 3000,
    "resource": 3001,
    "dynamic": 3002,
    "metadata_document": 3003,
    "bridge": 3004,
    "registrar": 3005,
    "registrar_internal": 3205,
    "emulator": 4566,
}
CLIENT_KINDS = ("preregistered", "dynamic", "metadata_document")


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack: every port moves by the offset, and every public URL with it."""

    data: Path
    port_offset: int

    def port(self, name: str) -> int:
        return BASE_PORTS[name] + self.port_offset

    def management_port(self, name: str) -> int:
        return self.port(name) + MANAGEMENT_PORT_OFFSET

    def url(self, name: str) -> str:
        return f"http://localhost:{self.port(name)}"

    @property
    def resource(self) -> str:
        return self.url("resource") + "/mcp"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def preregistered_clients(self) -> Path:
        return self.data / "clients.toml"

    @property
    def emulator_state(self) -> Path:
        return self.data / "emulator"

    @property
    def provider_file(self) -> Path:
        return self.data / "provider.json"

    @property
    def valkey_data(self) -> Path:
        return self.data / "valkey"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    @property
    def lock_file(self) -> Path:
        return self.data / "supervisor.lock"

    @property
    def state_file(self) -> Path:
        return self.data / "state.json"

    @property
    def sockets(self) -> Path:
        """A short folder for unix sockets: in the data folder where its path allows it."""
        inside = self.data / "run"
        if len(os.fsencode(inside / "control.sock")) <= MAX_SOCKET_PATH_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"authstack-{os.getuid()}-{digest}"

    @property
    def control_socket(self) -> Path:
        return self.sockets / "control.sock"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"


def choose_layout(port_offset: int, data_dir: Path | None) -> Layout:
    """The stack that the options name. Raises StackError for an offset that cannot be."""
    if port_offset % OFFSET_STEP or not 0 <= port_offset <= MAX_OFFSET:
        raise StackError(
            f"--port-offset must be a multiple of {OFFSET_STEP} between 0 and {MAX_OFFSET}"
        )
    return Layout((data_dir or default_data(port_offset)).absolute(), port_offset)


def default_data(port_offset: int) -> Path:
    return PROJECT / ".authstack" / str(port_offset)


def make_folders(layout: Layout) -> None:
    """Every folder of a stack, each mode 0700."""
    folders = (layout.data, layout.secrets, layout.emulator_state, layout.valkey_data, layout.logs)
    for folder in (*folders, layout.sockets):
        make_private_folder(folder)
