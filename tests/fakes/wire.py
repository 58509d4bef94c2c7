"""What a fake server has seen, and a real socket to see it on."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer, get_port_socket
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


@contextmanager
def held_port() -> Iterator[tuple[int, dict[str, Any]]]:
    """A port of 127.0.0.1 for an application that has to know it, held until a server takes it.

    Gives the port and what makes a `TestServer` take it.
    """
    with get_port_socket("127.0.0.1", 0, socket.AF_INET) as held:
        yield held.getsockname()[1], {"socket_factory": lambda *_: held}


def recorder(seen: list[Seen]) -> web.Application:
    """An application that notes every request before it answers."""

    @web.middleware
    async def note(request: web.Request, handler: object) -> web.StreamResponse:
        body = await request.read()
        seen.append(Seen(request.method, request.path, request.query, request.headers, body))
        response: web.StreamResponse = await handler(request)  # type: ignore[operator]
        return response

    return web.Application(middlewares=[note])
