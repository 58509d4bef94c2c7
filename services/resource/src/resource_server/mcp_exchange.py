"""The MCP SDK's transport-neutral core, driven one request at a time without ASGI.

Its modules are not part of the SDK's public promise, so everything that touches them is here and in
`mcp_message`; the dependency is pinned to 2.3.x.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from typing import Any, Final, cast

import anyio
from mcp import types
from mcp.server.caching import CacheHint
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data, serve_one
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.message import MessageMetadata, ServerMessageMetadata
from mcp.shared.transport_context import TransportContext

from oauth_kit.rules.errors import OAuthError
from resource_server.mcp_message import McpCall
from resource_server.principal import Principal
from resource_server.tools import Tool

_TRANSPORT: Final = TransportContext(kind="streamable-http", can_send_request=False)
_LIST_TTL_MILLISECONDS: Final = 300_000
_INSTRUCTIONS: Final = (
    "Keep and read short texts, called contexts. They belong to the user who logged in."
)


@dataclass(slots=True)
class _Exchange:
    """What the SDK calls a dispatch context: one request in, one answer out, nothing in between."""

    request_id: types.RequestId | None
    message_metadata: MessageMetadata
    transport: TransportContext = _TRANSPORT
    can_send_request: bool = False
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        """Dropped: the answer is one JSON document."""

    async def progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Dropped, as notifications are."""


def build_mcp_server(tools: Mapping[str, Tool], *, title: str) -> Server[None]:
    """The SDK's server over our tools."""
    listed = types.ListToolsResult(tools=[tool.definition for tool in tools.values()])

    async def list_tools(
        context: ServerRequestContext[None], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(types.INVALID_PARAMS, "There is only one page of tools")
        return listed

    async def call_tool(
        context: ServerRequestContext[None], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, "There is no tool of that name")
        principal = cast("Principal", context.request)
        return await _call(tool, principal, params.arguments or {})

    hint = CacheHint(ttl_ms=_LIST_TTL_MILLISECONDS, scope="private")
    server: Server[None] = Server(
        "mcp-authstack",
        version=package_version("resource-server"),
        title=title,
        instructions=_INSTRUCTIONS,
        cache_hints={"tools/list": hint, "server/discover": hint},
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    # only tracing is there by default, and each of its spans would cost more than the call
    server.middleware.clear()
    return server


async def run_call(
    server: Server[None], call: McpCall, principal: Principal
) -> dict[str, Any] | types.ErrorData:
    """The result of a call, or the JSON-RPC error that stands for it.

    Raises OAuthError("temporarily_unavailable") when a tool cannot reach its store.
    """
    connection = Connection.from_envelope(call.version, call.client_info, call.client_capabilities)
    exchange = _Exchange(call.request_id, ServerMessageMetadata(request_context=principal))
    try:
        return await serve_one(
            server, exchange, call.method, call.params, connection=connection, lifespan_state=None
        )
    except OAuthError:
        raise
    except Exception as error:  # noqa: BLE001 - the SDK's table says which error each becomes
        return modern_error_data(error)


async def _call(
    tool: Tool, principal: Principal, arguments: dict[str, Any]
) -> types.CallToolResult:
    """A refusal that the caller can mend is a result with `isError`, so that a model sees it."""
    try:
        structured = await tool.call(principal, arguments)
    except OAuthError as error:
        if error.code == "temporarily_unavailable":
            raise
        return types.CallToolResult(content=[_text(error.description)], is_error=True)
    text = json.dumps(structured, separators=(",", ":"), ensure_ascii=False)
    return types.CallToolResult(content=[_text(text)], structured_content=structured)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
