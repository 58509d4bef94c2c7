"""Two workers under gunicorn, as in a container: what they count is one sum and outlives them."""

import http.client
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import executable

import pytest
from fakes.processes import free_ports, running
from fakes.scraped import Scraped
from prometheus_client.multiprocess import MultiProcessCollector

from oauth_kit.crypto.key_ring import KeyRing

CONFIG = Path(__file__).parents[3] / "gunicorn.conf.py"
REGISTRATIONS = "authstack_registrations_total"
MAX_REQUESTS = 2000


@dataclass
class Workers:
    port: int
    management_port: int
    folder: Path
    registered: int = 0

    def ask(self, port: int, method: str, path: str, body: str | None = None) -> str:
        """On a connection of its own, so that either worker may take it."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status in (200, 201)
            return answer.read().decode()
        finally:
            connection.close()

    def register(self) -> None:
        document = {"redirect_uris": ["http://localhost:3000/callback"]}
        self.ask(self.port, "POST", "/register", json.dumps(document))
        self.registered += 1

    def register_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(MAX_REQUESTS):
            self.register()
            if condition():
                return
        raise AssertionError("it did not come to that")

    def counted(self) -> float:
        scraped = Scraped.of(self.ask(self.management_port, "GET", "/metrics"))
        return scraped.sum(REGISTRATIONS, outcome="registered")

    def files(self) -> dict[str, float]:
        """What each worker has counted by itself."""
        return {
            path.name: sum(
                sample.value
                for metric in MultiProcessCollector.merge([str(path)])
                for sample in metric.samples
                if sample.name == REGISTRATIONS
            )
            for path in self.folder.glob("metrics-*/counter_*.db")
        }

    def pids(self) -> list[int]:
        """Of all workers that there ever were."""
        booted = re.findall(r"Booting worker with pid: (\d+)", (self.folder / "log").read_text())
        return [int(pid) for pid in booted]


@pytest.fixture
def workers(valkey_url: str, tmp_path: Path) -> Iterator[Workers]:
    public, management, internal = free_ports(3)
    binds = [f"--bind=127.0.0.1:{port}" for port in (public, management, internal)]
    environment = {
        "PACKAGE": "registrar",
        "WEB_CONCURRENCY": "2",
        "TMPDIR": str(tmp_path),
        "PORT": str(public),
        "MANAGEMENT_PORT": str(management),
        "INTERNAL_PORT": str(internal),
        "INTERNAL_HOST": "127.0.0.1",
        "REDIS_URL": valkey_url,
        "INTERNAL_TOKEN": "internal-token-of-the-tests-0123456789",
        "UPSTREAM_KEYS": KeyRing.generate("k1"),
        "PROVIDER_FILE": str(tmp_path / "none.json"),
        "RATE_LIMITS": "off",
    }
    command = [executable, "-m", "gunicorn", f"--config={CONFIG}", *binds]
    with running(command, environment, management_port=management, folder=tmp_path):
        yield Workers(public, management, tmp_path)
    assert list(tmp_path.glob("metrics-*")) == []


@pytest.mark.requirement("OP9")
def test_the_sum_of_two_workers_survives_the_death_of_one(workers: Workers) -> None:
    workers.register_until(lambda: len(workers.files()) == 2 and all(workers.files().values()))
    assert sum(workers.files().values()) == workers.counted() == workers.registered

    os.kill(workers.pids()[0], signal.SIGKILL)
    workers.register_until(lambda: len(workers.pids()) == 3)
    before = workers.files()
    workers.register_until(
        lambda: all(count > before[name] for name, count in workers.files().items())
    )
    assert sorted(workers.files()) == ["counter_0.db", "counter_1.db"]
    assert workers.counted() == workers.registered
