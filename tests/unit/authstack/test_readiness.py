"""Readiness, programs and ports."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authstack.errors import StackError
from authstack.layout import Layout
from authstack.readiness import check_ports, check_programs, why_not_ready
from authstack.services import Service


def listening_service(port: int) -> Service:
    return Service("bridge", ("/bin/sh",), {}, "", "", ports=(port,))


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_a_port_that_somebody_has_is_named(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as other:
        other.bind((host, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} \(bridge\) is in use"):
            check_ports([listening_service(port)])


def test_a_port_that_is_bound_but_not_listening_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(StackError, match="is in use"):
            check_ports([listening_service(other.getsockname()[1])])


def test_a_free_port_is_free(free_port: Callable[[], int]) -> None:
    check_ports([listening_service(free_port())])


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    missing = Service("valkey", (str(tmp_path / "valkey-server"),), {}, "", "")
    with pytest.raises(StackError, match=r"valkey cannot start: .*valkey-server is missing"):
        check_programs([listening_service(1), missing])
    check_programs([listening_service(1)])


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, '{"ready": true}', None),
        (503, '{"reasons": ["redis: down", "no keys"]}', "redis: down; no keys"),
        (503, '{"reasons": []}', "answers 503"),
        (503, "not json", "answers 503"),
        (503, "[]", "answers 503"),
        (404, "", "answers 404"),
        (302, "", "answers 302"),
    ],
)
async def test_a_service_says_why_it_is_not_ready(
    status: int, body: str, reason: str | None
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    application = web.Application()
    application.router.add_get("/readyz", answer)
    async with TestServer(application) as server:
        assert await why_not_ready(str(server.make_url("/readyz"))) == reason


async def test_nobody_at_the_address_is_a_reason(
    free_port: Callable[[], int], layout: Layout
) -> None:
    for address in (
        f"http://127.0.0.1:{free_port()}/readyz",
        f"unix://{layout.valkey_socket}",
    ):
        assert await why_not_ready(address) == "does not answer"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1", b"SSH-2.0-OpenSSH\r\n", b"\xff"])
async def test_what_does_not_speak_http_does_not_answer(
    free_port: Callable[[], int], answer: bytes
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    port = free_port()
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        assert await why_not_ready(f"http://127.0.0.1:{port}/readyz") == "does not answer"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"+PONG\r\n", None),
        (b"-LOADING the dataset\r\n", "LOADING the dataset"),
        (b"", "does not answer"),
    ],
)
async def test_valkey_says_why_it_is_not_ready(
    layout: Layout, answer: bytes, reason: str | None
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"PING\r\n"
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(serve, layout.valkey_socket):
        assert await why_not_ready(f"unix://{layout.valkey_socket}") == reason
