"""The system, brought up from nothing once for each profile; and the browser of the e2e tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from compose.containers import PROFILES, System
from e2e.conftest import Stack, browser_context
from playwright.sync_api import Browser, sync_playwright

__all__ = ["browser_context"]

ISSUER, RESOURCE = "http://localhost:3004", "http://localhost:3001/mcp"
CLIENT_URLS = {
    "preregistered": "http://localhost:3000",
    "dynamic": "http://localhost:3002",
    "metadata_document": "http://localhost:3003",
}
DEMO_USER = {"username": "demo@example.com", "password": "Demo-Passw0rd-1!"}

# The provider is asked at every refresh, so that its absence shows.
SETTINGS = (("UPSTREAM_CHECK_SECONDS", "0"),)


def chosen_profiles() -> tuple[str, ...]:
    chosen = os.environ.get("COMPOSE_PROFILES")
    return (chosen,) if chosen else PROFILES


@pytest.fixture(scope="session")
def engine() -> None:
    try:
        found = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60)
    except OSError:
        pytest.skip("Docker is not installed")
    if found.returncode:
        pytest.skip("the Docker engine does not answer")


@pytest.fixture(scope="session", params=chosen_profiles())
def system(engine: None, request: pytest.FixtureRequest) -> Iterator[System]:
    """All containers healthy, nothing stored before; nothing is left behind."""
    system = System(request.param, settings=SETTINGS)
    system.end(volumes=True)
    system.compose("build")
    try:
        system.up()
        yield system
    finally:
        system.end(volumes=True)


@pytest.fixture(scope="session")
def stack(system: System, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The same as the end-to-end tests know it."""
    status = {
        "issuer": ISSUER,
        "resource": RESOURCE,
        "clients": CLIENT_URLS,
        "demo_user": DEMO_USER,
    }
    return Stack(status, (), tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ended with each module: while it lives, no event loop but its own can run."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (CHROMIUM names another program)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def client_secret(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pre-registered client's secret, as its operator would hand it out."""
    file = tmp_path_factory.mktemp("secret") / "preregistered_client_secret"
    file.write_text(
        system.read("client-preregistered", "/run/authstack/preregistered_client_secret")
    )
    return file
