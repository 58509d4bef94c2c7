"""One embedded stack and one browser for all journeys."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from e2e.gallery import Gallery, open_gallery
from fakes.missing import missing
from playwright.sync_api import Browser, BrowserContext, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
ARTEFACTS = PROJECT / "artefacts"
AUTHSTACK = Path(sys.executable).with_name("authstack")
START_SECONDS = 180
FIRST_PORT, LAST_PORT, EMULATOR_PORT = 3000, 3205, 4566
MANAGEMENT_PORT_OFFSET = 100
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack, as `authstack status --json` describes it."""

    status: dict[str, Any]
    options: tuple[str, ...]
    data_dir: Path

    @property
    def issuer(self) -> str:
        return str(self.status["issuer"])

    @property
    def resource(self) -> str:
        return str(self.status["resource"])

    def client(self, kind: str) -> str:
        return str(self.status["clients"][kind])

    @property
    def demo_user(self) -> tuple[str, str]:
        user = self.status["demo_user"]
        return user["username"], user["password"]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack of our own on ports that are free, ended with the tests."""
    with tempfile.TemporaryDirectory(prefix="authstack-e2e-") as folder:
        options = ("--port-offset", str(own_offset()), "--data-dir", folder)
        environment = {**os.environ, "RATE_LIMITS": "off"}
        try:
            _authstack("up", "--detach", *options, environment=environment)
            status = json.loads(_authstack("status", "--json", *options))
            yield Stack(status, options, Path(folder))
        finally:
            _authstack("down", *options)


@pytest.fixture(scope="session")
def gallery() -> Iterator[Gallery]:
    """A second stack, for tests that look at pages and switch services off to see some."""
    with (
        tempfile.TemporaryDirectory(prefix="authstack-ca-") as folder,
        open_gallery(own_offset(), Path(folder)) as gallery,
    ):
        yield gallery


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of one module: while it is open its own event loop runs here, so no other test could."""
    program = chromium_program()
    if program is None:
        missing("Chromium is not installed (CHROMIUM names another program)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def browser_context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser that nobody has used before; what it shows at the end is kept as a picture."""
    context = chromium.new_context(viewport={"width": 1200, "height": 1000})
    context.set_default_timeout(20_000)
    yield context
    ARTEFACTS.mkdir(exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", request.node.name).strip("-")
    for number, page in enumerate(context.pages):
        suffix = f"-{number}" if number else ""
        page.screenshot(path=ARTEFACTS / f"{name}{suffix}.png", full_page=True)
    context.close()


def chromium_program() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def _authstack(*arguments: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(AUTHSTACK), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"authstack {arguments[0]}: {done.stdout}{done.stderr}"
    return done.stdout


def own_offset() -> int:
    """One that no test of another pytest-xdist process takes while a stack of ours starts."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return free_offset(first=20_000 + 4_000 * number)


def free_offset(first: int) -> int:
    """The first offset at which nobody listens on any port of a stack."""
    for offset in range(first, 60_000, 1000):
        ports = [*range(FIRST_PORT, LAST_PORT + 1), EMULATOR_PORT]
        ports.append(EMULATOR_PORT + MANAGEMENT_PORT_OFFSET)
        if not any(_is_taken(port + offset) for port in ports):
            return offset
    pytest.fail("no free range of ports")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
