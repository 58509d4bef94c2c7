"""Orders to a living supervisor."""

import asyncio

import pytest

from authstack.control import RESTART, START_MISSING, give_order, listening
from authstack.errors import StackError
from authstack.layout import Layout


async def carry_out(verb: str, service: str | None) -> list[str]:
    if verb == RESTART and service != "bridge":
        raise StackError("there is no such service")
    return [f"{verb} {service}"]


async def test_an_order_is_carried_out(layout: Layout) -> None:
    async with listening(layout.control_socket, carry_out):
        assert await give_order(layout.control_socket, START_MISSING) == ["start_missing None"]
        assert await give_order(layout.control_socket, RESTART, "bridge") == ["restart bridge"]
    assert not layout.control_socket.exists()


async def test_a_refusal_reaches_who_asked(layout: Layout) -> None:
    async with listening(layout.control_socket, carry_out):
        with pytest.raises(StackError, match="there is no such service"):
            await give_order(layout.control_socket, RESTART, "nonsense")


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"[]\n", b"{}\n", b'{"verb": 1}\n'])
async def test_nonsense_is_answered_and_does_no_harm(layout: Layout, line: bytes) -> None:
    async with listening(layout.control_socket, carry_out):
        reader, writer = await asyncio.open_unix_connection(layout.control_socket)
        writer.write(line)
        assert b"did not understand" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert await give_order(layout.control_socket, RESTART, "bridge")


async def test_a_socket_file_that_was_left_behind_is_replaced(layout: Layout) -> None:
    layout.control_socket.touch()
    async with listening(layout.control_socket, carry_out):
        assert await give_order(layout.control_socket, RESTART, "bridge")


async def test_a_supervisor_that_does_not_answer_is_said(layout: Layout) -> None:
    with pytest.raises(StackError, match="does not answer"):
        await give_order(layout.control_socket, START_MISSING)


async def test_a_supervisor_that_stops_in_between_is_said(layout: Layout) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with await asyncio.start_unix_server(hang_up, layout.control_socket):
        with pytest.raises(StackError, match="stopped in the meantime"):
            await give_order(layout.control_socket, START_MISSING)


async def test_an_order_that_is_under_way_at_the_end_is_given_up(layout: Layout) -> None:
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def hang(verb: str, service: str | None) -> list[str]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return []

    async with listening(layout.control_socket, hang):
        asking = asyncio.create_task(give_order(layout.control_socket, START_MISSING))
        await begun.wait()
    assert given_up.is_set()
    with pytest.raises(StackError, match="stopped in the meantime"):
        await asking
