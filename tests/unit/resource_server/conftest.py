"""The resource server over fakeredis, in front of an issuer that is a real HTTP server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import fakeredis
import pytest
from fakes.resource_harness import ResourceServer, Starter
from fakes.token_issuer import TokenIssuer

from oauth_kit.redis import Redis


@pytest.fixture
def store_server() -> fakeredis.FakeServer:
    """`connected = False` is a Redis that is away."""
    return fakeredis.FakeServer()


@pytest.fixture
async def store(store_server: fakeredis.FakeServer) -> AsyncIterator[Redis]:
    client = fakeredis.FakeAsyncRedis(server=store_server, decode_responses=True)
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
