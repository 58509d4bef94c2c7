"""MCP messages of both eras."""

import json

import pytest
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request, decode_header_value
from multidict import CIMultiDict, CIMultiDictProxy

from demo_clients.mcp_messages import (
    encode_header,
    legacy_request,
    modern_request,
    read_reply,
    read_tools,
)
from demo_clients.outgoing import Answer
from demo_clients.problems import Problem


def answer(body: bytes | str, content_type: str = "application/json", status: int = 200) -> Answer:
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": content_type}))
    return Answer(status, headers, body.encode() if isinstance(body, str) else body)


@pytest.mark.requirement("CL21")
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("server/discover", {}),
        ("tools/list", {}),
        ("tools/call", {"name": "who am i? ü", "arguments": {}}),
        ("tools/call", {"name": "=?base64?eA==?=", "arguments": {}}),
    ],
)
def test_the_official_sdk_accepts_our_modern_requests(
    method: str, params: dict[str, object]
) -> None:
    request = modern_request(method, params, request_id=7)
    headers = {name.lower(): value for name, value in request.headers.items()}
    route = classify_inbound_request(request.body, headers=headers)
    assert isinstance(route, InboundModernRoute), route
    assert request.body["id"] == 7


@pytest.mark.parametrize(
    "value", ["plain", "two words", " edge", "edge ", "ünï", "", "a\nb", "=?base64?eA==?=", "\x7f"]
)
def test_a_header_value_comes_back_as_it_was(value: str) -> None:
    encoded = encode_header(value)
    assert decode_header_value(encoded) == value
    assert encoded.isascii()
    assert "\n" not in encoded


def test_a_legacy_notification_has_no_id_and_initialize_no_version() -> None:
    notification = legacy_request("notifications/initialized", {}, request_id=None, session="s")
    assert "id" not in notification.body
    assert notification.headers == {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": "s"}
    assert legacy_request("initialize", {}, request_id=1).headers == {}


@pytest.mark.requirement("CL21")
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_response_is_found_in_an_event_stream(newline: str) -> None:
    lines = [
        ": comment",
        "event: message",
        'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}',
        "",
        "id: 4",
        'data: {"jsonrpc":"2.0","id":1,',
        'data:"result":{"ok":true}}',
        "",
        'data: {"jsonrpc":"2.0","id":2,"result":{}}',
        "",
    ]
    reply = read_reply(answer(newline.join(lines), "text/event-stream; charset=utf-8"), 1)
    assert reply is not None
    assert reply.result == {"ok": True}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '{"jsonrpc":"2.0","id":2,"result":{}}',
        '{"jsonrpc":"2.0","id":"1","result":{}}',
        '{"jsonrpc":"2.0","id":1,"result":[]}',
        '{"jsonrpc":"2.0","id":1}',
        '{"id":1,"id":1,"result":{}}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_response_to_us_is_none(body: str | bytes) -> None:
    assert read_reply(answer(body), 1) is None


def test_an_error_before_parsing_has_no_id() -> None:
    reply = read_reply(answer('{"jsonrpc":"2.0","id":null,"error":{"code":-32020}}'), 1)
    assert reply is not None
    assert reply.error_code == -32020
    assert reply.speaks_modern


@pytest.mark.requirement("CL21")
@pytest.mark.parametrize(
    ("code", "modern"),
    [(-32020, True), (-32021, True), (-32022, True), (-32023, False), (-32019, False),
     (-32600, False), (-32601, False), ("-32022", False), (None, False)],
)  # fmt: skip
def test_three_errors_tell_a_modern_server(code: object, modern: bool) -> None:
    reply = read_reply(answer(json.dumps({"id": 1, "error": {"code": code}})), 1)
    assert reply is not None
    assert reply.speaks_modern is modern


def test_tools_come_with_arguments_to_start_from() -> None:
    schema = {
        "properties": {"title": {"type": "string"}, "size": {"type": "integer"}, "more": {}},
        "required": ["title", "size"],
    }
    listed = [
        {"name": "make", "description": "Makes", "inputSchema": schema},
        {"name": "plain", "inputSchema": {"properties": []}},
        {"description": "nameless"},
        {"name": "n" * 129},
        "no tool",
    ]
    made, plain = read_tools({"tools": listed})
    assert json.loads(made.example) == {"title": "…", "size": 1}
    assert (plain.name, plain.description, plain.example) == ("plain", "", "{}")


def test_at_most_fifty_tools_are_kept() -> None:
    assert len(read_tools({"tools": [{"name": f"t{n}"} for n in range(51)]})) == 50


@pytest.mark.parametrize("result", [{}, {"tools": None}, {"tools": {"name": "x"}}])
def test_a_list_of_tools_that_is_none_is_refused(result: dict[str, object]) -> None:
    with pytest.raises(Problem):
        read_tools(result)


@pytest.mark.parametrize(("length", "kept"), [(4000, True), (4001, False)])
def test_a_schema_is_kept_up_to_a_bound(length: int, kept: bool) -> None:
    schema = {"description": "x" * (length - len('{"description":""}'))}
    (tool,) = read_tools({"tools": [{"name": "t", "inputSchema": schema}]})
    assert len(tool.input_schema) == (length if kept else 0)
