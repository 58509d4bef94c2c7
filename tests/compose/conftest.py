"""The system, brought up from nothing once for each profile; and the browser of the e2e tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from compose.containers import PROFILES, System
from e2e.conftest import Stack, browser_context
from fakes.missing import missing
from playwright.sync_api import Browser, sync_playwright

__all__ = ["browser_context"]

ISSUER, RESOURCE = "http://localhost:3004", "http://localhost:3001/mcp"
REGISTRAR = "http://localhost:3005"
CLIENT_URLS = {
    "preregistered": "http://localhost:3000",
    "dynamic": "http://localhost:3002",
    "metadata_document": "http://localhost:3003",
}
DEMO_USER = {"username": "demo@example.com", "password": "Demo-Passw0rd-1!"}

REGISTRATIONS_A_MINUTE = 6
"""From one network, in the variant on https."""

# The provider is asked at every refresh, so that its absence shows.
SETTINGS = (
    ("UPSTREAM_CHECK_SECONDS", "0"),
    # many visitors, all of them at one address
    ("AUTHORIZATION_LIMIT", "600/minute"),
    ("TOKEN_FAILURE_LIMIT", "600/minute"),
    ("ATTACK_LIMIT", "600/minute"),
    ("REGISTRATION_LIMIT", "600/minute"),
    ("REGISTRATION_LIMIT_GLOBAL", "600/minute"),
)


def chosen_profiles() -> tuple[str, ...]:
    chosen = os.environ.get("COMPOSE_PROFILES")
    return (chosen,) if chosen else PROFILES


@pytest.fixture(scope="session")
def engine() -> None:
    try:
        found = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60)
    except OSError:
        missing("Docker is not installed")
    if found.returncode:
        missing("the Docker engine does not answer")


@contextmanager
def brought_up(system: System) -> Iterator[System]:
    """All containers healthy, nothing stored before; nothing is left behind."""
    system.end(volumes=True)
    system.compose("build")
    try:
        system.up()
        yield system
    finally:
        system.end(volumes=True)


@pytest.fixture(scope="session", params=chosen_profiles())
def system(engine: None, request: pytest.FixtureRequest) -> Iterator[System]:
    with brought_up(System(request.param, settings=SETTINGS)) as system:
        yield system


@pytest.fixture(scope="session")
def system_on_https(engine: None) -> Iterator[System]:
    """compose.tls.yml, beside the plain one."""
    if "keycloak" not in chosen_profiles():
        pytest.skip("this variant is made for Keycloak")
    settings = (("REGISTRATION_LIMIT", f"{REGISTRATIONS_A_MINUTE}/minute"),)
    with brought_up(System("keycloak", settings=settings).on_https()) as system:
        yield system


@pytest.fixture(scope="session")
def root(system_on_https: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its authority's certificate, as a person fetches it."""
    file = tmp_path_factory.mktemp("ca") / "root.crt"
    file.write_text(system_on_https.read("resource", "/run/ca/root.crt"))
    return file


@pytest.fixture(scope="session")
def stack(system: System, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The same as the end-to-end tests know it."""
    status = {
        "issuer": ISSUER,
        "resource": RESOURCE,
        "registrar": REGISTRAR,
        "clients": CLIENT_URLS,
        "demo_user": DEMO_USER,
    }
    return Stack(status, (), tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="session")
def chromium_program() -> str:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        missing("Chromium is not installed (CHROMIUM names another program)")
    return program


@pytest.fixture(scope="module")
def chromium(chromium_program: str) -> Iterator[Browser]:
    """Ended with each module: while it lives, no event loop but its own can run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()
