"""What README promises to somebody who has cloned the project a minute ago, and has Docker."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from compose.containers import COMMAND_SECONDS, PROJECT, System, docker, inspect, service_of

NAME = "mcp-authstack-test-clone"
APART = {"COMPOSE_PROJECT_NAME": NAME, "TAG": NAME}
"""Whoever runs the tests may have a system of his own, and images."""
LABEL = f"label=com.docker.compose.project={NAME}"
IMAGES = ("init", "localstack", "registrar", "cimd-bridge", "resource", "clients")


@dataclass(frozen=True, slots=True)
class Clone:
    folder: Path

    def run(self, *command: str, environment: dict[str, str] | None = None) -> str:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in {"PATH", "HOME"} or name.startswith("DOCKER_")
        }
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**kept, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def clone(system: System, tmp_path: Path) -> Iterator[Clone]:
    """In a project of its own, on the ports of the system, which makes way for it."""
    if system.profile != "localstack":
        pytest.skip("once is enough, with the provider that starts faster")
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", PROJECT, tmp_path / "clone"],
        check=True,
        timeout=COMMAND_SECONDS,
    )
    system.end(volumes=False)
    clone = Clone(tmp_path / "clone")
    try:
        yield clone
    finally:
        forget(clone)
        system.up()


def forget(clone: Clone) -> None:
    down = ("docker", "compose", "--profile", "*", "down", "--volumes", "--remove-orphans")
    clone.run(*down, environment=APART)
    made = (f"mcp-authstack/{image}:{NAME}" for image in IMAGES)
    docker("image", "rm", "--force", *made)


def listed(*command: str) -> list[str]:
    return docker(*command, "--quiet", "--filter", LABEL).split()


def all_are_well() -> None:
    """As many as the compose file has, each healthy or done."""
    states = {
        service_of(container): container["State"]
        for container in inspect(listed("container", "ls", "--all"))
    }
    assert len(states) == 10
    for service, state in states.items():
        if service in {"init", "check"}:
            assert (state["Status"], state["ExitCode"]) == ("exited", 0), service
        else:
            assert state["Health"]["Status"] == "healthy", service


def only_volumes_are_left() -> None:
    assert listed("container", "ls", "--all") == []
    assert listed("network", "ls") == []
    assert listed("volume", "ls")


def test_a_fresh_clone_comes_up_and_goes_down(clone: Clone) -> None:
    told = clone.run("make", "up", "PROFILE=localstack", environment=APART)
    example = (clone.folder / ".env.example").read_text()
    assert (clone.folder / ".env").read_text() == example
    all_are_well()
    assert "The identity provider is localstack." in told
    assert "Start page   http://localhost:3001/ " in told
    assert "Log in as    demo@example.com" in told
    clone.run("make", "down", environment=APART)
    only_volumes_are_left()

    # the same without make, and without a variable in the environment
    chosen = example.replace("COMPOSE_PROFILES=keycloak", "COMPOSE_PROFILES=localstack")
    named = "".join(f"{name}={value}\n" for name, value in APART.items())
    (clone.folder / ".env").write_text(f"{chosen}\n{named}")
    clone.run("docker", "compose", "up", "--build", "--wait")
    all_are_well()
    clone.run("docker", "compose", "down")
    only_volumes_are_left()
