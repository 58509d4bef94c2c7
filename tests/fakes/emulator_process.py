"""The Cognito emulator of localstack/, as a process with a state of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.missing import missing
from fakes.processes import free_ports, running

EMULATOR_PYTHON = Path(__file__).parents[2] / "localstack/.venv/bin/python"


@dataclass(frozen=True)
class Emulator:
    """A running emulator, and the file that says how to reach its pool."""

    url: str
    provider_file: Path


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulator]:
    """Without localstack/.venv the test is skipped (with `CI` set: fails)."""
    if not EMULATOR_PYTHON.exists():
        missing("the emulator is not installed: localstack/.venv is missing")
    port, management_port = free_ports(2)
    provider_file = folder / "provider.json"
    environment = {
        "PORT": str(port),
        "MANAGEMENT_PORT": str(management_port),
        "STATE_DIR": str(folder / "state"),
        "PROVIDER_FILE": str(provider_file),
        "BRIDGE_LOGOUT_URL": "http://localhost:3004/logout",
    }
    command = [str(EMULATOR_PYTHON), "-m", "cognito_emulator"]
    with running(command, environment, management_port=management_port, folder=folder):
        yield Emulator(f"http://127.0.0.1:{port}", provider_file)
