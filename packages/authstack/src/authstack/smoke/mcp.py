"""Calls of one tool in both protocol revisions, written from the transports' specification."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from authstack.smoke.problems import NotOffered, SmokeFailure

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
TOOL = "whoami"
_CLIENT = {"name": "authstack-smoke", "version": "0.1.0"}
_ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass(slots=True)
class McpCaller:
    """One access token at one MCP endpoint."""

    session: aiohttp.ClientSession
    endpoint: str
    token: str
    _last_id: int = field(default=0)

    async def call_modern(self) -> None:
        """2026-07-28: no session, everything travels with the request."""
        listed = await self._modern("tools/list", {})
        _require_tool(listed)
        _check_result(await self._modern("tools/call", {"name": TOOL, "arguments": {}}))

    async def call_legacy(self) -> None:
        """2025-11-25: initialize, initialized, then the call."""
        session_headers = await self._initialize()
        headers = {"MCP-Protocol-Version": LEGACY, **session_headers}
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
        _require_tool(await self._request("tools/list", {}, headers))
        call = {"name": TOOL, "arguments": {}}
        _check_result(await self._request("tools/call", call, headers))

    async def _initialize(self) -> dict[str, str]:
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
        message = self._message("initialize", params)
        headers, messages = await self._post(message, {})
        result = _response(messages, message["id"])
        if result.get("protocolVersion") != LEGACY:
            raise SmokeFailure(f"initialize does not agree on {LEGACY}")
        session_id = headers.get("Mcp-Session-Id")
        return {"Mcp-Session-Id": session_id} if session_id else {}

    async def _modern(self, method: str, params: Mapping[str, object]) -> dict[str, object]:
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": _CLIENT,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if "name" in params:
            headers["Mcp-Name"] = str(params["name"])
        return await self._request(method, {**params, "_meta": meta}, headers)

    async def _request(
        self, method: str, params: Mapping[str, object], headers: dict[str, str]
    ) -> dict[str, object]:
        message = self._message(method, params)
        _, messages = await self._post(message, headers)
        return _response(messages, message["id"])

    def _message(self, method: str, params: Mapping[str, object]) -> dict[str, object]:
        self._last_id += 1
        return {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}

    async def _post(
        self, message: dict[str, object], headers: dict[str, str]
    ) -> tuple[dict[str, str], list[dict[str, object]]]:
        authorization = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(
            self.endpoint, json=message, headers={**_ACCEPT, **headers, **authorization}
        ) as answer:
            body = await answer.text()
            if answer.status not in (200, 202):
                raise SmokeFailure(f"{message['method']} answers {answer.status}")
            is_stream = answer.content_type == "text/event-stream"
            return dict(answer.headers), _messages(body, is_stream=is_stream)


def _messages(body: str, *, is_stream: bool) -> list[dict[str, object]]:
    texts = [body] if body.strip() and not is_stream else []
    if is_stream:
        events = body.replace("\r\n", "\n").split("\n\n")
        texts = [_event_data(event) for event in events if _event_data(event)]
    try:
        return [found for text in texts if isinstance(found := json.loads(text), dict)]
    except ValueError as error:
        raise SmokeFailure("the MCP endpoint's answer is not JSON") from error


def _event_data(event: str) -> str:
    lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
    return "\n".join(lines)


def _response(messages: list[dict[str, object]], request_id: object) -> dict[str, object]:
    for message in messages:
        result = message.get("result")
        if message.get("id") == request_id and isinstance(result, dict):
            return result
        if "error" in message:
            raise SmokeFailure(f"the MCP endpoint answers with an error: {_code(message)}")
    raise SmokeFailure("the MCP endpoint gave no result")


def _code(message: dict[str, object]) -> object:
    error = message["error"]
    return error.get("code") if isinstance(error, dict) else "malformed"


def _require_tool(listed: dict[str, object]) -> None:
    tools = listed.get("tools")
    names = [tool.get("name") for tool in tools] if isinstance(tools, list) else []
    if TOOL not in names:
        raise NotOffered(f"the server has no tool {TOOL!r}")


def _check_result(result: dict[str, object]) -> None:
    if result.get("isError") or not result.get("content"):
        raise SmokeFailure(f"the tool {TOOL!r} did not succeed")
