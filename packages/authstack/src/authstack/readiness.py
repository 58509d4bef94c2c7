"""Is it ready? One question for HTTP services and for Valkey; and are its ports free?"""

import asyncio
import errno
import json
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from authstack.errors import StackError
from authstack.services import Service

_ANSWER_SECONDS = 5.0
_NOT_ANSWERING = "does not answer"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")


async def why_not_ready(address: str) -> str | None:
    """None when ready, else the reason. `address` is `http://…/readyz` or Valkey's `unix:///…`."""
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            if parts.scheme == "unix":
                return await _ask_valkey(unquote(parts.path))
            return await _ask_service(parts.hostname or "", parts.port or 80, parts.path)
    except (OSError, TimeoutError):
        return _NOT_ANSWERING


async def _ask_service(host: str, port: int, path: str) -> str | None:
    """HTTP/1.0, so that the answer ends with the connection."""
    request = f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n"
    answer = await _exchange(await asyncio.open_connection(host, port), request)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = _STATUS_LINE.match(head)
    if status is None:
        return _NOT_ANSWERING
    return None if status[1] == b"200" else _reasons(status[1].decode(), body)


async def _ask_valkey(path: str) -> str | None:
    answer = await _exchange(await asyncio.open_unix_connection(path), "PING\r\nQUIT\r\n")
    said = answer.decode("ascii", "replace").partition("\r\n")[0]
    return None if said == "+PONG" else said.lstrip("-") or _NOT_ANSWERING


async def _exchange(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: str
) -> bytes:
    reader, writer = connection
    try:
        writer.write(request.encode())
        return await reader.read()
    finally:
        writer.close()


def _reasons(status: str, body: bytes) -> str:
    try:
        found = json.loads(body)["reasons"]
        return "; ".join(str(reason) for reason in found) or f"answers {status}"
    except (ValueError, KeyError, TypeError):
        return f"answers {status}"


def check_programs(services: Iterable[Service]) -> None:
    """Raises StackError that names the first program that is not there."""
    for service in services:
        if not Path(service.command[0]).is_file():
            raise StackError(
                f"{service.name} cannot start: {service.command[0]} is missing; run `make setup`"
            )


def check_ports(services: Iterable[Service]) -> None:
    """Raises StackError that names the first port which another program has."""
    for service in services:
        for port in service.ports:
            if _is_taken(port):
                raise StackError(
                    f"port {port} ({service.name}) is in use by another program; "
                    "end it or move this stack with --port-offset"
                )


def _is_taken(port: int) -> bool:
    # A listener on ::1 counts as well: "localhost" leads browsers there first.
    if _somebody_listens(socket.AF_INET, "127.0.0.1", port):
        return True
    if socket.has_ipv6 and _somebody_listens(socket.AF_INET6, "::1", port):
        return True
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, errno.EACCES)
    return False


def _somebody_listens(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as caller:
            caller.settimeout(1)
            return caller.connect_ex((host, port)) == 0
    except OSError:
        return False
