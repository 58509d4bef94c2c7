"""Calls to an MCP server of either era (Streamable HTTP, 2026-07-28 and 2025-11-25)."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from demo_clients.mcp_messages import (
    LEGACY,
    MODERN,
    UNSUPPORTED_VERSION,
    Reply,
    Request,
    Tool,
    initialize_params,
    legacy_request,
    modern_request,
    read_reply,
    read_tools,
)
from demo_clients.outgoing import Answer
from demo_clients.problems import Problem
from demo_clients.resource_calls import ResourceServer
from demo_clients.timeline.exchange import Step

log = structlog.get_logger()

_ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass(frozen=True, slots=True)
class McpResult:
    """The reply to one request, and the revision it was spoken in."""

    reply: Reply
    revision: str


@dataclass(frozen=True, slots=True)
class McpServer:
    """Speaks 2026-07-28 first, and opens a 2025-11-25 session where that is not known."""

    server: ResourceServer

    async def probe(self) -> Answer:
        """The first request, without a token: a protected server answers with a challenge."""
        request = modern_request("server/discover", {}, request_id=1)
        return await self._post(None, request, step="probe")

    async def list_tools(self, token: str) -> tuple[Tool, ...]:
        result = (await self.call(token, "tools/list", {})).reply.result
        if result is None:
            raise Problem("The MCP server did not list its tools.", reason="tools/list: error")
        return read_tools(result)

    async def call(self, token: str, method: str, params: Mapping[str, object]) -> McpResult:
        """Raises TokenRefused, MoreScopeNeeded or Problem."""
        answer = await self._post(token, modern_request(method, params, request_id=1))
        reply = read_reply(answer, 1)
        if answer.status == 400 and not (reply and reply.speaks_modern):
            return await self._call_legacy(token, method, params)
        if reply is None:
            raise Problem(
                "The MCP server's answer cannot be read.", reason=f"mcp: status {answer.status}"
            )
        if reply.error_code == UNSUPPORTED_VERSION:
            return await self._with_a_shared_revision(token, method, params, reply)
        return McpResult(reply, MODERN)

    async def _with_a_shared_revision(
        self, token: str, method: str, params: Mapping[str, object], reply: Reply
    ) -> McpResult:
        data = reply.error.get("data") if reply.error else None
        supported = data.get("supported") if isinstance(data, dict) else None
        if isinstance(supported, list) and LEGACY in supported:
            return await self._call_legacy(token, method, params)
        raise Problem(
            "The MCP server speaks no protocol revision that this client speaks.",
            reason="mcp: no shared revision",
        )

    async def _call_legacy(
        self, token: str, method: str, params: Mapping[str, object]
    ) -> McpResult:
        opening = legacy_request("initialize", initialize_params(), request_id=1)
        answer = await self._post(token, opening)
        opened = read_reply(answer, 1)
        if opened is None or opened.result is None:
            raise Problem(
                "The MCP server did not open a session.", reason=f"mcp: status {answer.status}"
            )
        if opened.result.get("protocolVersion") != LEGACY:
            raise Problem(
                "The MCP server speaks no protocol revision that this client speaks.",
                reason="mcp: no shared revision",
            )
        session = answer.headers.get("Mcp-Session-Id")
        try:
            initialized = legacy_request(
                "notifications/initialized", {}, request_id=None, session=session
            )
            await self._post(token, initialized)
            asked = legacy_request(method, params, request_id=2, session=session)
            answer = await self._post(token, asked)
            reply = read_reply(answer, 2)
        finally:
            if session is not None:
                await self._close(token, session)
        if reply is None:
            raise Problem(
                "The MCP server's answer cannot be read.", reason=f"mcp: status {answer.status}"
            )
        return McpResult(reply, LEGACY)

    async def _close(self, token: str, session: str) -> None:
        """Best effort: a server may keep sessions until they expire (405)."""
        headers = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": session}
        try:
            await self.server.send(
                "DELETE", self.server.mcp_url, token, step="mcp", headers=headers
            )
        except Problem as problem:
            log.info("mcp_session_not_closed", reason=problem.reason)

    async def _post(self, token: str | None, request: Request, *, step: Step = "mcp") -> Answer:
        return await self.server.send(
            "POST",
            self.server.mcp_url,
            token,
            step=step,
            json=request.body,
            headers={**_ACCEPT, **request.headers},
        )
