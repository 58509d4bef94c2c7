"""Registrar processes on real Valkey, in front of the Cognito emulator."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from sys import executable

import pytest
from fakes.emulator_process import Emulator, running_emulator
from fakes.processes import free_ports, running

from oauth_kit.crypto.key_ring import KeyRing

INTERNAL_TOKEN = "internal-token-of-the-tests-0123456789"
UPSTREAM_KEYS = KeyRing.generate("k1")


@dataclass(frozen=True)
class RunningRegistrar:
    process: Popen[bytes]
    public: str
    management: str
    internal: str
    log: Path

    def events(self) -> list[dict[str, object]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


StartRegistrar = Callable[..., AbstractContextManager[RunningRegistrar]]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def upstream_ring() -> KeyRing:
    return KeyRing.parse(UPSTREAM_KEYS)


@pytest.fixture
def start_registrar(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> StartRegistrar:
    @contextmanager
    def start(**environment: str) -> Iterator[RunningRegistrar]:
        folder = tmp_path_factory.mktemp("registrar")
        public, management, internal = free_ports(3)
        settings = {
            "REDIS_URL": valkey_url,
            "INTERNAL_TOKEN": INTERNAL_TOKEN,
            "UPSTREAM_KEYS": UPSTREAM_KEYS,
            "PROVIDER_FILE": str(folder / "none.json"),
            "RATE_LIMITS": "off",
            "PORT": str(public),
            "MANAGEMENT_PORT": str(management),
            "INTERNAL_PORT": str(internal),
            **environment,
        }
        command = [executable, "-m", "registrar"]
        with running(
            command, settings, management_port=management, folder=folder, path="/livez"
        ) as process:
            yield RunningRegistrar(
                process,
                f"http://127.0.0.1:{public}",
                f"http://127.0.0.1:{management}",
                f"http://127.0.0.1:{internal}",
                folder / "log",
            )

    return start
