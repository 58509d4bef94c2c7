"""A service of the kit on real loopback ports, and requests written byte by byte."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from oauth_kit.metrics import Metrics
from oauth_kit.web.service import ServicePorts, build_service


@dataclass(frozen=True)
class Routes:
    """An endpoint of given routes."""

    given: Sequence[web.AbstractRouteDef]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return self.given


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDict[str]
    body: bytes

    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


@asynccontextmanager
async def serving(*routes: web.AbstractRouteDef, **options: Any) -> AsyncIterator[ServicePorts]:
    """The application that `build_service` makes, on three ports of 127.0.0.1."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = ServicePorts(*(bound.getsockname()[1] for bound in sockets))
    options.setdefault("metrics", Metrics())
    app = build_service([Routes(routes)], name="sample", ports=ports, **options)
    # how long aiohttp reads on after it has answered a body that is too large
    runner = web.AppRunner(app, access_log=None, lingering_time=0.1)
    await runner.setup()
    for bound in sockets:
        await web.SockSite(runner, bound).start()
    yield ports
    await runner.cleanup()


async def send(
    port: int,
    target: str = "/",
    *,
    method: str = "GET",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own; the answer without its chunking or keep-alive."""
    sent = [("Host", f"127.0.0.1:{port}"), ("Connection", "close"), *headers]
    if body and "Transfer-Encoding" not in dict(headers):
        sent.append(("Content-Length", str(len(body))))
    head = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent)]
    return await exchange(port, "\r\n".join([*head, "", ""]).encode("latin-1") + body)


async def exchange(port: int, written: bytes) -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(written)
    async with asyncio.timeout(5):
        status, headers = _parse_head(await reader.readuntil(b"\r\n\r\n"))
        length = headers.get("Content-Length")
        body = b"" if length is None else await reader.read(int(length))
    writer.transport.abort()
    return Answer(status, headers, body)


def _parse_head(head: bytes) -> tuple[int, CIMultiDict[str]]:
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    headers: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, _, value = line.partition(": ")
        headers.add(name, value)
    return int(first.split(" ")[1]), headers
