"""The system in containers as the tests see it: brought up, asked, looked into, ended."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
PROFILES = ("localstack", "keycloak")
PROVIDER_HOSTS = {"localstack": "localstack", "keycloak": "keycloak"}
PROJECT_NAME = "mcp-authstack-test"
"""Never the project of whoever runs the tests: their volumes are theirs."""

SERVICES = ("registrar", "cimd-bridge", "resource")
CLIENTS = ("client-preregistered", "client-dynamic", "client-metadata")
COMMAND_SECONDS = 900
EVENT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class System:
    """One profile of the compose file, in a project of its own and without anybody's .env."""

    profile: str
    files: tuple[str, ...] = ("docker-compose.yml",)
    settings: tuple[tuple[str, str], ...] = ()
    project: str = PROJECT_NAME
    clients: tuple[str, ...] = CLIENTS
    beside: tuple[str, ...] = ()
    """What a variant adds."""

    def scaled(self) -> "System":
        return replace(self, files=(*self.files, "compose.scale.yml"), beside=("caddy",))

    def on_https(self) -> "System":
        return replace(
            self,
            files=(*self.files, "compose.tls.yml"),
            project=f"{PROJECT_NAME}-tls",
            clients=("client-metadata",),
            beside=("caddy", "certificates"),
        )

    def compose(
        self,
        *arguments: str,
        check: bool = True,
        given: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        files = [argument for file in self.files for argument in ("--file", file)]
        done = subprocess.run(
            ["docker", "compose", "--env-file", os.devnull, *files, *arguments],
            cwd=PROJECT,
            env={**self._environment(), **(environment or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"compose {arguments}: {done.stdout}{done.stderr}"
        return done

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A target of the Makefile, as somebody calls it whose system this is."""
        return subprocess.run(
            ["make", "--silent", *arguments],
            cwd=PROJECT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **{name: value for name, value in os.environ.items() if name.startswith("DOCKER_")},
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": self.profile,
            **dict(self.settings),
        }

    def up(self, *services: str) -> None:
        """Start what does not run, and wait until it is healthy."""
        waited = ("--detach", "--wait", "--wait-timeout", "300", "--remove-orphans")
        done = self.compose("up", *waited, *services, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{self.logs()}"

    def end(self, *, volumes: bool) -> None:
        """Containers and networks of every profile, and what they stored when asked to."""
        everything = ("--profile", "*", "down", "--remove-orphans", "--timeout", "20")
        self.compose(*everything, *(["--volumes"] if volumes else []))

    def logs(self, *services: str) -> str:
        return self.compose("logs", "--no-color", "--no-log-prefix", *services).stdout

    def events(self, container: str) -> list[dict[str, Any]]:
        """The JSON lines of one container's log."""
        lines = docker("logs", container).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_for_event(self, service: str, event: str, since: datetime) -> dict[str, Any]:
        """The first line of a service's log that names the event, as soon as it is written."""
        command = ("docker", "logs", "--follow", "--since", since.isoformat())
        (container,) = self.containers(service)
        with subprocess.Popen(
            ["timeout", str(EVENT_SECONDS), *command, container],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as following:
            assert following.stdout is not None
            try:
                for line in following.stdout:
                    if line.startswith("{") and json.loads(line)["event"] == event:
                        found: dict[str, Any] = json.loads(line)
                        return found
            finally:
                following.terminate()
        raise AssertionError(f"{service} did not log {event}:\n{self.logs(service)}")

    def containers(self, *services: str) -> list[str]:
        """Ids, ended ones included."""
        return self.compose("ps", "--all", "--quiet", *services).stdout.split()

    def run_in(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", service, *command, check=False)

    def read(self, service: str, path: str) -> str:
        done = self.run_in(service, "cat", path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reaches(self, service: str, host: str, port: int) -> bool:
        """Whether a container can open a connection to another one; bash is in all of them."""
        program = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{host}/{port}' && echo reached || echo not"
        answer = self.run_in(service, "bash", "-c", program).stdout.strip()
        assert answer in {"reached", "not"}, answer
        return answer == "reached"

    def addresses(self, service: str) -> list[str]:
        """In each network of its own."""
        (container,) = inspect(self.containers(service))
        return [
            network["IPAddress"] for network in container["NetworkSettings"]["Networks"].values()
        ]


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"docker {arguments}: {done.stdout}"
    return done.stdout


def inspect(ids: Iterable[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(docker("inspect", *ids))
    return found


def service_of(container: Mapping[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


@contextlib.contextmanager
def held(container: str) -> Iterator[None]:
    """All its processes stand still, its first one (which only the engine reaches) included.

    A pause would do the same, but leaves the container unhealthy.
    """
    signal_all(container, "STOP")
    try:
        yield
    finally:
        signal_all(container, "CONT")


def signal_all(container: str, name: str) -> None:
    docker("kill", "--signal", f"SIG{name}", container)
    docker("exec", container, "sh", "-c", f"kill -{name} -1 || true")
