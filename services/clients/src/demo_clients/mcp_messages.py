"""MCP messages of both protocol revisions, written and read (2026-07-28, 2025-11-25)."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from demo_clients.event_stream import read_events
from demo_clients.outgoing import Answer
from demo_clients.problems import Problem
from oauth_kit.rules.json_object import parse_json_object

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
CLIENT_INFO: Final = {"name": "mcp-authstack-demo-client", "version": "0.1.0"}

UNSUPPORTED_VERSION: Final = -32022
# HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion: only a server of
# the modern era answers with one of these
_MODERN_ERRORS: Final = frozenset({-32020, -32021, UNSUPPORTED_VERSION})
_MAX_TOOLS: Final = 50
_MAX_SCHEMA_CHARACTERS: Final = 4000
_PLAIN_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as `tools/list` describes it.

    input_schema: JSON, "" where there is none, or more than is kept
    """

    name: str
    description: str
    example: str
    input_schema: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One JSON-RPC message with the HTTP headers that belong to it."""

    body: dict[str, object]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The JSON-RPC response to one request."""

    result: dict[str, object] | None
    error_code: int | None = None
    error: dict[str, object] | None = None

    @property
    def speaks_modern(self) -> bool:
        return self.error_code in _MODERN_ERRORS


def modern_request(method: str, params: Mapping[str, object], *, request_id: int) -> Request:
    """A request of 2026-07-28: everything about the caller travels with it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    name = params.get("name") if method == "tools/call" else None
    if isinstance(name, str):
        headers["Mcp-Name"] = encode_header(name)
    return Request(_message(method, {**params, "_meta": meta}, request_id), headers)


def legacy_request(
    method: str, params: Mapping[str, object], *, request_id: int | None, session: str | None = None
) -> Request:
    """A request (or, without an id, a notification) of 2025-11-25."""
    headers = {} if method == "initialize" else {"MCP-Protocol-Version": LEGACY}
    if session is not None:
        headers["Mcp-Session-Id"] = session
    return Request(_message(method, params, request_id), headers)


def initialize_params() -> dict[str, object]:
    return {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT_INFO}


def encode_header(value: str) -> str:
    """A header value as 2026-07-28 wants it: plain where it survives, else in base64."""
    if _PLAIN_HEADER.fullmatch(value) and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def read_reply(answer: Answer, request_id: int) -> Reply | None:
    """The response to `request_id` in a JSON or SSE answer; None when there is none in it."""
    messages = (
        read_events(answer.body) if answer.media_type == "text/event-stream" else [answer.body]
    )
    for message in messages:
        try:
            document = parse_json_object(message)
        except ValueError:
            continue
        # an error that precedes parsing has no id
        if document.get("id") == request_id or ("error" in document and document.get("id") is None):
            return _reply(document)
    return None


def read_tools(result: Mapping[str, object]) -> tuple[Tool, ...]:
    """The first tools of a `tools/list` result. Raises Problem when it is none."""
    listed = result.get("tools")
    if not isinstance(listed, list):
        raise Problem("The MCP server's list of tools is malformed.", reason="tools")
    tools = (_tool(item) for item in listed[:_MAX_TOOLS])
    return tuple(tool for tool in tools if tool is not None)


def _message(
    method: str, params: Mapping[str, object], request_id: int | None
) -> dict[str, object]:
    message: dict[str, object] = {"jsonrpc": "2.0", "method": method, "params": dict(params)}
    return message if request_id is None else {**message, "id": request_id}


def _reply(document: Mapping[str, object]) -> Reply | None:
    error, result = document.get("error"), document.get("result")
    if isinstance(error, dict):
        code = error.get("code")
        return Reply(None, code if isinstance(code, int) else None, error)
    return Reply(result) if isinstance(result, dict) else None


def _tool(item: object) -> Tool | None:
    if not isinstance(item, dict):
        return None
    name, description = item.get("name"), item.get("description")
    if not isinstance(name, str) or not 0 < len(name) <= 128:
        return None
    example = json.dumps(_example_arguments(item.get("inputSchema")), indent=2)
    text = description if isinstance(description, str) else ""
    return Tool(name, text[:500], example[:2000], _schema_text(item.get("inputSchema")))


def _schema_text(schema: object) -> str:
    if not isinstance(schema, dict):
        return ""
    text = json.dumps(schema, separators=(",", ":"), ensure_ascii=False)
    return text if len(text) <= _MAX_SCHEMA_CHARACTERS else ""


def _example_arguments(schema: object) -> dict[str, object]:
    """Arguments to start from: what the schema requires, with values of its types."""
    if not isinstance(schema, dict):
        return {}
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return {}
    return {
        name: _example_value(properties.get(name)) for name in required if isinstance(name, str)
    }


def _example_value(schema: object) -> object:
    kind = schema.get("type") if isinstance(schema, dict) else None
    examples: dict[object, object] = {
        "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}
    }  # fmt: skip
    return examples.get(kind, "…")
