"""Both generations of the MCP TypeScript SDK's client, as they are, against the running stack."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Stack
from fakes.people import somebody

SOURCES = Path(__file__).with_name("typescript")
REVISIONS = {
    "@modelcontextprotocol/client": "2026-07-28",
    "@modelcontextprotocol/sdk": "2025-11-25",
}
REDIRECT_URI = "http://127.0.0.1:52102/callback"
OLDEST_NODE = 20
INSTALL_SECONDS = 300


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDKs exactly as the lock file has them, in a folder of their own."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.strip().removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node is older than {OLDEST_NODE}")
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(
        SOURCES, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
    )
    done = subprocess.run(
        [npm, "ci", "--omit=optional", "--prefer-offline"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return folder


async def walk(folder: Path, package: str, stack: Stack) -> dict[str, Any]:
    """Run the journey, be its user, and return what it found."""
    process = await asyncio.create_subprocess_exec(
        *("node", "journey.mjs", package, stack.resource, REDIRECT_URI),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said: dict[str, Any] = {}
    async with somebody(*stack.demo_user) as person:
        async for line in process.stdout:
            said = json.loads(line)
            if "authorize" in said:
                arrived = await person.answer(said["authorize"], REDIRECT_URI)
                process.stdin.write(arrived.encode() + b"\n")
    _, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    return said


@pytest.mark.requirement("TK18")
@pytest.mark.parametrize("package", REVISIONS)
async def test_it_registers_logs_in_calls_a_tool_and_refreshes(
    installed: Path, stack: Stack, package: str
) -> None:
    found = await walk(installed, package, stack)
    assert found["revision"] == REVISIONS[package]
    assert found["before"]["client_id"] == found["client_id"]
    assert found["before"]["issuer"] == stack.issuer
    assert found["before"]["scopes"] == ["mcp-api/read"]
    assert found["after"]["subject"] == found["before"]["subject"]
    assert found["authorizations"] == 1
    assert found["has_new_access_token"]
    assert found["has_new_refresh_token"]
