"""A protected MCP server with a REST collection, of either protocol era."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from fakes.authorization_server import FakeAuthorizationServer
from fakes.wire import Seen, recorder

READ, WRITE = "mcp-api/read", "mcp-api/write"
TOOLS = [
    {
        "name": "list_contexts",
        "description": "Lists <contexts>",
        "inputSchema": {"type": "object", "properties": {"limit": {"type": "integer"}}},
    },
    {
        "name": "create_context",
        "description": "Creates one",
        "inputSchema": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "content": {"type": "string"}},
            "required": ["title", "content"],
        },
    },
]


@dataclass
class FakeResourceServer:
    """Takes the tokens that `issuer` has issued. `seen` has every request.

    Switches: `challenge` (the 401 header, formatted with the origin), `documents` (metadata by
    path), `names_errors` (why a token is refused), `tools`, `era`, `answers_sse`, `needs` (what a
    write needs), `refuses` (tokens it takes no more), `believes_claims` (signatures are not looked
    at).
    """

    issuer: FakeAuthorizationServer
    seen: list[Seen] = field(default_factory=list)
    origin: str = ""
    names_errors: bool = True
    challenge: str = (
        'Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp", '
        f'scope="{READ}"'
    )
    metadata: dict[str, object] = field(default_factory=dict)
    metadata_paths: tuple[str, ...] = (
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
    )
    tools: list[dict[str, Any]] = field(default_factory=lambda: list(TOOLS))
    era: str = "modern"
    answers_sse: bool = False
    needs: str = f"{READ} {WRITE}"
    refuses_all: bool = False
    believes_claims: bool = False
    refused: set[str] = field(default_factory=set)
    contexts: list[dict[str, object]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)

    def app(self) -> web.Application:
        app = recorder(self.seen)
        app.router.add_post("/mcp", self.mcp)
        app.router.add_delete("/mcp", self.close)
        app.router.add_get("/v1/contexts", self.list_contexts)
        app.router.add_post("/v1/contexts", self.create_context)
        app.router.add_get("/{tail:.*}", self.well_known)
        return app

    @property
    def resource(self) -> str:
        return f"{self.origin}/mcp"

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def messages(self) -> list[dict[str, Any]]:
        return [
            json.loads(seen.body)
            for seen in self.seen
            if seen.path == "/mcp" and seen.method == "POST"
        ]

    async def well_known(self, request: web.Request) -> web.Response:
        if request.path not in self.metadata_paths:
            return web.Response(status=404)
        document: dict[str, object] = {
            "resource": self.resource,
            "authorization_servers": [self.issuer.issuer],
            "scopes_supported": [READ],
            **self.metadata,
        }
        return web.json_response({n: v for n, v in document.items() if v is not None})

    async def list_contexts(self, request: web.Request) -> web.Response:
        self._authorize(request, READ)
        return web.json_response({"items": self.contexts})

    async def create_context(self, request: web.Request) -> web.Response:
        self._authorize(request, self.needs)
        self.contexts.append(await request.json())
        return web.json_response(self.contexts[-1], status=201)

    async def close(self, request: web.Request) -> web.Response:
        self._authorize(request, READ)
        self.sessions.remove(request.headers["Mcp-Session-Id"])
        return web.Response(status=204)

    async def mcp(self, request: web.Request) -> web.Response:
        self._authorize(request, READ)
        assert request.headers["Accept"] == "application/json, text/event-stream"
        message = await request.json()
        if self.era == "modern":
            return self._modern(request, message)
        return self._legacy(request, message)

    def _modern(self, request: web.Request, message: dict[str, Any]) -> web.Response:
        meta = message["params"]["_meta"]
        version = meta["io.modelcontextprotocol/protocolVersion"]
        assert request.headers["MCP-Protocol-Version"] == version == "2026-07-28"
        assert request.headers["Mcp-Method"] == message["method"]
        assert meta["io.modelcontextprotocol/clientCapabilities"] == {}
        if message["method"] == "tools/call":
            assert request.headers["Mcp-Name"] == message["params"]["name"]
        return self._answer(request, message)

    def _legacy(self, request: web.Request, message: dict[str, Any]) -> web.Response:
        if message["method"] == "initialize":
            self.sessions.add("session-1")
            result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}
            answer = self._reply(message, {"result": result})
            answer.headers["Mcp-Session-Id"] = "session-1"
            return answer
        if request.headers.get("MCP-Protocol-Version") != "2025-11-25":
            return self._unknown_version(message)
        assert request.headers["Mcp-Session-Id"] in self.sessions
        if message["method"] == "notifications/initialized":
            return web.Response(status=202)
        return self._answer(request, message)

    def _unknown_version(self, message: dict[str, Any]) -> web.Response:
        if self.era == "legacy":
            return web.Response(status=400, text="Bad Request: unsupported protocol version")
        error = {
            "code": -32022,
            "message": "Unsupported protocol version",
            "data": {"supported": self.era.split(), "requested": "2026-07-28"},
        }
        return web.json_response(
            {"jsonrpc": "2.0", "id": message["id"], "error": error}, status=400
        )

    def _answer(self, request: web.Request, message: dict[str, Any]) -> web.Response:
        if message["method"] == "tools/list":
            return self._reply(message, {"result": {"tools": self.tools}})
        name = message["params"]["name"]
        if name not in {tool["name"] for tool in self.tools}:
            error = {"code": -32602, "message": "Unknown tool"}
            return self._reply(message, {"error": error})
        if name == "create_context":
            self._authorize(request, self.needs)
            self.contexts.append(message["params"]["arguments"])
        content = [{"type": "text", "text": f"{name} done"}]
        return self._reply(message, {"result": {"content": content, "isError": False}})

    def _reply(self, message: dict[str, Any], outcome: dict[str, object]) -> web.Response:
        document = {"jsonrpc": "2.0", "id": message["id"], **outcome}
        if not self.answers_sse:
            return web.json_response(document)
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "hi"}}
        events = "".join(f"event: message\ndata: {json.dumps(one)}\n\n" for one in (note, document))
        return web.Response(text=f": hello\n\n{events}", content_type="text/event-stream")

    def _authorize(self, request: web.Request, needed: str) -> None:
        assert "access_token" not in request.query
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        scope = self.issuer.access_tokens.get(token)
        if self.believes_claims and token.count(".") == 2:
            scope = _claims(token)["scope"]
        if scope is None or self.refuses_all or token in self.refused:
            header = self.challenge.format(origin=self.origin)
            if header and token and self.names_errors:
                header += ', error="invalid_token"'
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": header} if header else {})
        if not set(needed.split()) <= set(scope.split()):
            metadata = f"{self.origin}/.well-known/oauth-protected-resource/mcp"
            header = (
                f'Bearer error="insufficient_scope", scope="{needed}", '
                f'resource_metadata="{metadata}"'
            )
            raise web.HTTPForbidden(headers={"WWW-Authenticate": header})


def _claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
