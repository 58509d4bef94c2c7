"""What the containers weigh: memory while nobody asks, images, and what is installed in them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from compose.containers import CLIENTS, PROJECT, PROVIDER_HOSTS, SERVICES, System, docker, inspect
from compose.workers import WORKERS, run
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

MIB = 1024 * 1024
WORKER_BYTES = 120 * MIB
IDLE_BYTES = 1200 * 1000 * 1000
IMAGE_BYTES = 200 * 1000 * 1000
BASE_IMAGE = "mcp-authstack/init:local"
"""Adds four small files to the base, which a builder need not keep under its own name."""

LOCKS = {
    "registrar": ("services/registrar", {"oauth-kit", "registrar"}),
    "cimd-bridge": ("services/cimd-bridge", {"oauth-kit", "cimd-bridge"}),
    "resource": ("services/resource", {"oauth-kit", "resource-server"}),
    "client-dynamic": ("services/clients", {"oauth-kit", "demo-clients"}),
    "localstack": ("localstack", set[str]()),
}

# Pss counts a page that n processes share as an nth.
PSS = """
print(json.dumps([
    int(line.split()[1]) * 1024
    for worker in workers
    for line in pathlib.Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()
    if line.startswith("Pss:")
]))
"""
DISTRIBUTIONS = """
import importlib.metadata, json, platform
print(json.dumps({
    "python": platform.python_version(),
    "installed": {found.name: found.version for found in importlib.metadata.distributions()},
}))
"""


@pytest.mark.parametrize("service", [*SERVICES, *CLIENTS])
def test_a_worker_takes_less_than_120_megabytes(system: System, service: str) -> None:
    weights = json.loads(run(system, service, WORKERS + PSS))
    assert len(weights) == (1 if service in CLIENTS else 2)
    assert max(weights) < WORKER_BYTES, weights


def test_all_but_the_provider_take_less_than_1200_megabytes(system: System) -> None:
    (provider,) = system.containers(PROVIDER_HOSTS[system.profile])
    told = docker("stats", "--no-stream", "--no-trunc", "--format", "json", *running(system))
    used = {one["ID"]: bytes_of(one["MemUsage"]) for one in map(json.loads, told.splitlines())}
    del used[provider]
    assert len(used) == 1 + len(SERVICES) + len(CLIENTS)
    assert sum(used.values()) < IDLE_BYTES, used


def running(system: System) -> Iterator[str]:
    for container in inspect(system.containers()):
        if container["State"]["Running"]:
            yield container["Id"]


def bytes_of(usage: str) -> float:
    """`52.3MiB / 512MiB`"""
    found = re.match(r"([\d.]+)([KMG])iB /", usage)
    assert found, usage
    return float(found[1]) * 1024 ** ("KMG".index(found[2]) + 1)


def test_an_image_adds_less_than_200_megabytes_to_its_base(system: System) -> None:
    (base,) = inspect([BASE_IMAGE])
    images = {container["Config"]["Image"] for container in inspect(system.containers())}
    ours = [image for image in images if image.startswith("mcp-authstack/")]
    # Keycloak's has a base of its own, and is no service of ours
    python = [image for image in ours if not image.startswith("mcp-authstack/keycloak:")]
    added = {image: inspect([image])[0]["Size"] - base["Size"] for image in python}
    assert len(added) >= 5
    assert max(added.values()) < IMAGE_BYTES, added


@pytest.mark.parametrize("service", LOCKS)
def test_an_image_holds_what_its_service_declares_and_nothing_else(
    system: System, service: str
) -> None:
    if service == "localstack" and system.profile != "localstack":
        pytest.skip("the emulator is not in this profile")
    folder, ours = LOCKS[service]
    found: dict[str, Any] = json.loads(run(system, service, DISTRIBUTIONS))
    installed = {canonicalize_name(name): version for name, version in found["installed"].items()}
    own = {name for name in installed if name in ours}
    assert own == ours
    locked = dict(locked_in(folder, found["python"]))
    assert {name: installed[name] for name in installed if name not in ours} == locked


def locked_in(folder: str, python: str) -> Iterator[tuple[str, str]]:
    """Names and versions of a lock file that are meant for this Python on Linux."""
    there = {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    text = (PROJECT / folder / "requirements.lock").read_text()
    for line in re.findall(r"^([a-z0-9].*?) ?\\?$", text, re.MULTILINE):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(there):
            (version,) = wanted.specifier
            yield canonicalize_name(wanted.name), version.version
