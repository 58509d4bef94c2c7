"""Calls go where they were meant to go, and end."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from fakes.wire import Seen, on_loopback, recorder

from demo_clients.outgoing import Outgoing
from demo_clients.problems import Problem
from demo_clients.resource_calls import ResourceServer
from oauth_kit.outbound.http import open_session


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(timeout_seconds=5) as session:
        yield session


@pytest.mark.requirement("CL14")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_with_the_token(
    session: aiohttp.ClientSession, status: int
) -> None:
    elsewhere: list[Seen] = []
    other = recorder(elsewhere)

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{target}/v1/contexts"})

    app = web.Application()
    app.router.add_get("/v1/contexts", redirect)
    async with on_loopback(other) as target, on_loopback(app) as origin:
        server = ResourceServer(Outgoing(session), f"{origin}/mcp", f"{origin}/v1/contexts")
        with pytest.raises(Problem, match=f"status {status}"):
            await server.list_contexts("secret-token")
    assert elsewhere == []


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
async def test_an_answer_is_read_up_to_its_bound(
    session: aiohttp.ClientSession, size: int, fits: bool
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * size)

    app = web.Application()
    app.router.add_get("/", answer)
    async with on_loopback(app) as origin:
        if fits:
            got = await Outgoing(session).get(f"{origin}/", step="rest", max_bytes=1000)
            assert len(got.body) == size
        else:
            with pytest.raises(Problem, match="over 1000 bytes"):
                await Outgoing(session).get(f"{origin}/", step="rest", max_bytes=1000)


async def test_a_bomb_is_measured_after_decompression(session: aiohttp.ClientSession) -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(body=b"0" * 1_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    app = web.Application()
    app.router.add_get("/", answer)
    async with on_loopback(app) as origin:
        with pytest.raises(Problem, match="over 1000 bytes"):
            await Outgoing(session).get(f"{origin}/", step="rest", max_bytes=1000)


@pytest.mark.requirement("CL14")
async def test_a_503_is_told_from_a_refusal(session: aiohttp.ClientSession) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/v1/contexts", answer)
    async with on_loopback(app) as origin:
        server = ResourceServer(Outgoing(session), f"{origin}/mcp", f"{origin}/v1/contexts")
        with pytest.raises(Problem, match="503"):
            await server.list_contexts("t")
