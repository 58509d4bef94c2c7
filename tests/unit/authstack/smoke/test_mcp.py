"""Answers of an MCP endpoint, as JSON and as an event stream."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authstack.smoke.mcp import LEGACY, MODERN, McpCaller
from authstack.smoke.problems import NotOffered, SmokeFailure

Endpoint = Callable[[web.Request], Awaitable[web.Response]]
TOOLS = {"tools": [{"name": "whoami"}]}
CALLED = {"content": [{"type": "text", "text": "demo"}]}


def endpoint(seen: list[web.Request], *, stream: bool = False, **results: object) -> Endpoint:
    """Answers each method with its result; what is an int is the code of an error."""

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        asked = await request.json()
        if "id" not in asked:
            return web.Response(status=202)
        result = results[asked["method"].replace("/", "_")]
        reply: dict[str, object] = {"jsonrpc": "2.0", "id": asked["id"]}
        reply |= {"error": {"code": result}} if isinstance(result, int) else {"result": result}
        plain = web.json_response(reply, headers={"Mcp-Session-Id": "session"})
        if not stream:
            return plain
        text = f": hello\r\n\r\nevent: message\r\ndata: {plain.text}\r\n\r\n"
        return web.Response(text=text, content_type="text/event-stream")

    return answer


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def call(session: aiohttp.ClientSession, answer: Endpoint, *, modern: bool) -> None:
    application = web.Application()
    application.router.add_post("/mcp", answer)
    async with TestServer(application) as server:
        caller = McpCaller(session, str(server.make_url("/mcp")), "token")
        await (caller.call_modern() if modern else caller.call_legacy())


@pytest.mark.parametrize("stream", [False, True])
async def test_the_modern_call_repeats_itself_in_headers(
    session: aiohttp.ClientSession, stream: bool
) -> None:
    seen: list[web.Request] = []
    answer = endpoint(seen, stream=stream, tools_list=TOOLS, tools_call=CALLED)
    await call(session, answer, modern=True)
    sent = seen[-1].headers
    assert sent["MCP-Protocol-Version"] == MODERN
    assert (sent["Mcp-Method"], sent["Mcp-Name"]) == ("tools/call", "whoami")
    assert sent["Authorization"] == "Bearer token"


async def test_the_legacy_call_keeps_its_session(session: aiohttp.ClientSession) -> None:
    seen: list[web.Request] = []
    initialized = {"protocolVersion": LEGACY}
    answer = endpoint(seen, initialize=initialized, tools_list=TOOLS, tools_call=CALLED)
    await call(session, answer, modern=False)
    assert "MCP-Protocol-Version" not in seen[0].headers
    assert [request.headers.get("Mcp-Session-Id") for request in seen[1:]] == ["session"] * 3
    assert {request.headers["MCP-Protocol-Version"] for request in seen[1:]} == {LEGACY}


@pytest.mark.parametrize(
    ("listed", "called", "problem"),
    [
        ({"tools": []}, CALLED, NotOffered),
        (-32601, CALLED, SmokeFailure),
        (TOOLS, {"content": [], "isError": True}, SmokeFailure),
        (TOOLS, {**CALLED, "isError": True}, SmokeFailure),
        (TOOLS, {"content": []}, SmokeFailure),
        (TOOLS, [], SmokeFailure),
    ],
)
async def test_a_call_that_does_not_succeed(
    session: aiohttp.ClientSession, listed: object, called: object, problem: type[Exception]
) -> None:
    answer = endpoint([], tools_list=listed, tools_call=called)
    with pytest.raises(problem):
        await call(session, answer, modern=True)


async def test_another_revision_than_the_one_asked_for_is_no_success(
    session: aiohttp.ClientSession,
) -> None:
    answer = endpoint([], initialize={"protocolVersion": MODERN})
    with pytest.raises(SmokeFailure, match="does not agree"):
        await call(session, answer, modern=False)


async def test_an_endpoint_that_answers_with_no_json_fails(
    session: aiohttp.ClientSession,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    with pytest.raises(SmokeFailure, match="not JSON"):
        await call(session, answer, modern=True)
