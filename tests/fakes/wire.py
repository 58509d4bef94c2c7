"""What a fake server has seen, and a real socket to see it on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDictProxy, MultiDictProxy


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as it arrived."""

    method: str
    path: str
    query: MultiDictProxy[str]
    headers: CIMultiDictProxy[str]
    body: bytes


@asynccontextmanager
async def on_loopback(app: web.Application) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1; gives the origin."""
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield f"http://127.0.0.1:{server.port}"
    await server.close()


def recorder(seen: list[Seen]) -> web.Application:
    """An application that notes every request before it answers."""

    @web.middleware
    async def note(request: web.Request, handler: object) -> web.StreamResponse:
        body = await request.read()
        seen.append(Seen(request.method, request.path, request.query, request.headers, body))
        response: web.StreamResponse = await handler(request)  # type: ignore[operator]
        return response

    return web.Application(middlewares=[note])
