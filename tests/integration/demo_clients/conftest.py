"""Two processes of one demo client on real Valkey, in front of servers that keep their promises."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from sys import executable

import aiohttp
import pytest
import redis.asyncio
from fakes.authorization_server import FakeAuthorizationServer
from fakes.processes import free_ports, running
from fakes.resource_server import FakeResourceServer
from fakes.wire import on_loopback

from oauth_kit.crypto.key_ring import KeyRing


@dataclass(frozen=True)
class Worker:
    """One process; both are the same client to the outside."""

    process: Popen[bytes]
    origin: str


@dataclass(frozen=True)
class TwoWorkers:
    first: Worker
    second: Worker
    session: aiohttp.ClientSession


def _environment(
    issuer: FakeAuthorizationServer, resource: FakeResourceServer, valkey_url: str, keys: str
) -> dict[str, str]:
    return {
        "ENVIRONMENT": "development",
        "CLIENT_KIND": "dynamic",
        "PUBLIC_URL": "http://127.0.0.1:3002",
        "REDIS_URL": valkey_url,
        "ISSUER": issuer.issuer,
        "RESOURCE": resource.resource,
        "SESSION_KEYS": keys,
    }


@contextmanager
def _worker(environment: dict[str, str], folder: Path) -> Iterator[Worker]:
    folder.mkdir()
    port, management = free_ports(2)
    ports = {"PORT": str(port), "MANAGEMENT_PORT": str(management)}
    command = [executable, "-m", "demo_clients"]
    with running(
        command, {**environment, **ports}, management_port=management, folder=folder
    ) as process:
        yield Worker(process, f"http://127.0.0.1:{port}")


@pytest.fixture
async def workers(
    valkey: redis.asyncio.Redis, valkey_url: str, tmp_path: Path
) -> AsyncIterator[TwoWorkers]:
    issuer = FakeAuthorizationServer()
    resource = FakeResourceServer(issuer)
    async with AsyncExitStack() as servers:
        issuer.origin = await servers.enter_async_context(on_loopback(issuer.app()))
        resource.origin = await servers.enter_async_context(on_loopback(resource.app()))
        environment = _environment(issuer, resource, valkey_url, KeyRing.generate("k1"))
        with ExitStack() as processes:
            first, second = (
                processes.enter_context(_worker(environment, tmp_path / name))
                for name in ("first", "second")
            )
            jar = aiohttp.DummyCookieJar()
            timeout = aiohttp.ClientTimeout(total=30)
            async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
                yield TwoWorkers(first, second, session)
