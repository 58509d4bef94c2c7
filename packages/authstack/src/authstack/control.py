"""How the verbs talk to a living supervisor: one JSON line each way on a private unix socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from authstack.errors import StackError

Order = Callable[[str, str | None], Awaitable[list[str]]]
"""(verb, service) → the names of the services that were started. Raises StackError."""

START_MISSING = "start_missing"
RESTART = "restart"


@asynccontextmanager
async def listening(path: Path, carry_out: Order) -> AsyncIterator[None]:
    """Take orders while the context lasts; one that is under way at its end is given up.

    The folder of the socket is ours alone.
    """
    under_way: set[asyncio.Task[Any]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        try:
            reply = await _reply(await reader.readline(), carry_out)
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except OSError:
            return  # whoever asked has left
        finally:
            writer.close()

    _remove(path)
    server = await asyncio.start_unix_server(answer, path)
    try:
        yield
    finally:
        server.close()
        _remove(path)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _reply(line: bytes, carry_out: Order) -> dict[str, object]:
    try:
        asked = json.loads(line)
        return {"started": await carry_out(asked["verb"], asked["service"])}
    except StackError as error:
        return {"error": str(error)}
    except (ValueError, KeyError, TypeError):
        return {"error": "the supervisor did not understand the order"}


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def give_order(path: Path, verb: str, service: str | None = None) -> list[str]:
    """Ask the supervisor and wait. Raises StackError with its reason when it refuses."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise StackError("the supervisor does not answer; try `authstack down` first") from error
    try:
        writer.write(json.dumps({"verb": verb, "service": service}).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
    except OSError:
        line = b""
    finally:
        writer.close()
    if not line:
        raise StackError("the supervisor stopped in the meantime")
    reply = json.loads(line)
    if "error" in reply:
        raise StackError(reply["error"])
    return [str(name) for name in reply["started"]]
