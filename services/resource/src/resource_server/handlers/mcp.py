"""POST /mcp: the built-in tools over streamable HTTP, stateless, one JSON answer a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiohttp import web
from mcp import types
from mcp.server.lowlevel import Server
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import empty, json_answer
from oauth_kit.web.reading import read_body
from resource_server.bearer_gate import PRINCIPAL, InsufficientScope
from resource_server.bodies import check_json_media_type
from resource_server.mcp_exchange import run_call
from resource_server.mcp_message import McpCall, ProtocolError, read_message
from resource_server.principal import Principal
from resource_server.tools import Tool

log = structlog.get_logger()

_MAX_BODY_BYTES: Final = 256 * 1024
_JSON_RANGES: Final = frozenset({"application/json", "application/*", "*/*"})


@dataclass(frozen=True, slots=True)
class McpEndpoint:
    path: str
    server: Server[None]
    tools: Mapping[str, Tool]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(self.path, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        check_json_media_type(request)
        _check_accepts_json(request)
        try:
            call = read_message(await read_body(request, _MAX_BODY_BYTES), request.headers)
        except ProtocolError as error:
            log.info("mcp_message_refused", code=error.error.code)
            return _error_answer(error.error, error.request_id, error.status)
        if call is None:
            return empty(202)
        principal = request[PRINCIPAL]
        self._authorize(call, principal)
        return await self._answer(call, principal)

    def _authorize(self, call: McpCall, principal: Principal) -> None:
        """Decided here, before the tool sees anything. Raises InsufficientScope."""
        tool = self.tools.get(call.tool_name or "")
        if tool is None or principal.may(tool.needs):
            return
        # clients of 2025-11-25 ask for what the challenge names and drop what they had
        granted = () if call.stateless else principal.claims.scopes
        raise InsufficientScope(dict.fromkeys((*granted, *tool.needs)))

    async def _answer(self, call: McpCall, principal: Principal) -> web.Response:
        try:
            outcome = await run_call(self.server, call, principal)
        except OAuthError as error:
            return _unavailable_answer(call, error)
        if isinstance(outcome, types.ErrorData):
            status = ERROR_CODE_HTTP_STATUS.get(outcome.code, 200) if call.stateless else 200
            return _error_answer(outcome, call.request_id, status)
        return json_answer({"jsonrpc": "2.0", "id": call.request_id, "result": outcome})


def _unavailable_answer(call: McpCall, error: OAuthError) -> web.Response:
    log.warning("tool_unavailable", tool=call.tool_name, reason=error.reason)
    answer = _error_answer(
        types.ErrorData(code=types.INTERNAL_ERROR, message=error.description),
        call.request_id,
        error.status,
    )
    answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


def _error_answer(
    error: types.ErrorData, request_id: types.RequestId | None, status: int
) -> web.Response:
    members: dict[str, Any] = error.model_dump(mode="json", exclude_none=True)
    return json_answer({"jsonrpc": "2.0", "id": request_id, "error": members}, status=status)


def _check_accepts_json(request: web.Request) -> None:
    """Raises OAuthError with status 406 when the caller would not take our one media type."""
    accepted = ",".join(request.headers.getall("Accept", ["*/*"]))
    ranges = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if not ranges & _JSON_RANGES:
        raise OAuthError("invalid_request", "The answer is application/json", status=406)
