"""What a visitor can do with a token: each action is one call and what it came to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from demo_clients.access import Access
from demo_clients.mcp_calls import McpResult, McpServer
from demo_clients.outgoing import Answer
from demo_clients.problems import Problem
from demo_clients.resource_calls import ResourceServer, pretty
from demo_clients.sessions import HOME, Outcome, Resume, SessionId, Sessions
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object

FETCH: Final = "fetch"
CREATE: Final = "create"
LIST_TOOLS: Final = "list-tools"
CALL_TOOL: Final = "call-tool"
RESUMABLE: Final = frozenset({FETCH, CREATE, LIST_TOOLS, CALL_TOOL})

_FIELDS: Final = {CREATE: ("title", "content"), CALL_TOOL: ("tool", "arguments")}
_MAX_FIELD_CHARACTERS: Final = 8000
_MAX_SHOWN_CHARACTERS: Final = 20_000


def read_action(name: str, form: Mapping[str, str], *, page: str = HOME) -> Resume:
    """The action of a form with its own fields only. Raises OAuthError("invalid_request")."""
    fields = {field: form.get(field, "").strip() for field in _FIELDS.get(name, ())}
    if any(len(value) > _MAX_FIELD_CHARACTERS for value in fields.values()):
        raise OAuthError("invalid_request", "A field of the form is too long")
    return Resume(name, fields, page)


@dataclass(frozen=True, slots=True)
class Actions:
    """Raises LogInNeeded, MoreScopeNeeded or Problem; everything else is an Outcome."""

    access: Access
    sessions: Sessions
    resource: ResourceServer
    mcp: McpServer

    async def run(self, session_id: SessionId, asked: Resume) -> Outcome:
        match asked.action:
            case "fetch":
                return await self._fetch(session_id)
            case "create":
                return await self._create(session_id, asked.fields)
            case "list-tools":
                return await self._list_tools(session_id)
            case "call-tool":
                return await self._call_tool(session_id, asked.fields)
            case _:
                raise Problem("This client has no such action.")

    async def _fetch(self, session_id: SessionId) -> Outcome:
        answer = await self.access.call(session_id, self.resource.list_contexts)
        return _from_rest(FETCH, answer, "The resource server sent its data.")

    async def _create(self, session_id: SessionId, fields: Mapping[str, str]) -> Outcome:
        title, content = fields.get("title", ""), fields.get("content", "")
        if not title or not content:
            raise Problem("A context needs a title and a content.")
        answer = await self.access.call(
            session_id, lambda token: self.resource.create_context(token, title, content)
        )
        return _from_rest(CREATE, answer, "The context was created.")

    async def _list_tools(self, session_id: SessionId) -> Outcome:
        tools = await self.access.call(session_id, self.mcp.list_tools)
        async with self.sessions.changing(session_id) as record:
            record.session = replace(record.session, tools=tools)
        names = json.dumps([tool.name for tool in tools], indent=2, ensure_ascii=False)
        return Outcome(LIST_TOOLS, True, "The MCP server listed its tools.", _bounded(names))

    async def _call_tool(self, session_id: SessionId, fields: Mapping[str, str]) -> Outcome:
        name = fields.get("tool", "")
        if not name:
            raise Problem("Choose a tool.")
        try:
            arguments = parse_json_object((fields.get("arguments") or "{}").encode())
        except ValueError as error:
            raise Problem("The arguments must be a JSON object.", reason=str(error)) from error
        params = {"name": name, "arguments": arguments}
        result = await self.access.call(
            session_id, lambda token: self.mcp.call(token, "tools/call", params)
        )
        return _from_tool(result)


def _from_rest(action: str, answer: Answer, success: str) -> Outcome:
    body = _bounded(pretty(answer))
    if 200 <= answer.status < 300:
        return Outcome(action, True, success, body)
    return Outcome(action, False, f"The resource server answered {answer.status}.", body)


def _from_tool(result: McpResult) -> Outcome:
    reply = result.reply
    if reply.result is None:
        body = json.dumps(reply.error, indent=2, ensure_ascii=False)
        message = f"The MCP server refused the call ({result.revision})."
        return Outcome(CALL_TOOL, False, message, _bounded(body))
    body = json.dumps(reply.result, indent=2, ensure_ascii=False)
    failed = reply.result.get("isError") is True
    message = "The tool failed" if failed else "The tool answered"
    return Outcome(CALL_TOOL, not failed, f"{message} (MCP {result.revision}).", _bounded(body))


def _bounded(text: str) -> str:
    if len(text) <= _MAX_SHOWN_CHARACTERS:
        return text
    return text[:_MAX_SHOWN_CHARACTERS] + "\n… (cut here)"
