"""The contexts as MCP tools: the store and the rules of the REST API, and each tool's scopes."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from mcp import types

from oauth_kit.rules.errors import OAuthError
from resource_server import context_draft
from resource_server.contexts import DEFAULT_LIMIT, MAX_LIMIT, Contexts
from resource_server.principal import Principal

Arguments = Mapping[str, object]
CallTool = Callable[[Principal, Arguments], Awaitable[dict[str, object]]]

_SUMMARY_MEMBERS: Final[dict[str, Any]] = {
    "id": {"type": "string"},
    "title": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "created_at": {"type": "string", "format": "date-time"},
}
_CONTEXT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {**_SUMMARY_MEMBERS, "content": {"type": "string"}},
    "required": [*_SUMMARY_MEMBERS, "content"],
}


@dataclass(frozen=True, slots=True)
class Tool:
    """needs: scopes, all of them; empty = any valid token will do"""

    definition: types.Tool
    needs: tuple[str, ...]
    call: CallTool


def builtin_tools(
    contexts: Contexts, *, read_scopes: tuple[str, ...], write_scopes: tuple[str, ...]
) -> dict[str, Tool]:
    """The tools by name, in the order in which they are listed."""
    behind = _ToolCalls(contexts)
    tools = [
        Tool(_LIST_CONTEXTS, read_scopes, behind.list_contexts),
        Tool(_GET_CONTEXT, read_scopes, behind.get_context),
        Tool(_CREATE_CONTEXT, write_scopes, behind.create_context),
        Tool(_WHOAMI, (), behind.whoami),
    ]
    return {tool.definition.name: tool for tool in tools}


@dataclass(frozen=True, slots=True)
class _ToolCalls:
    """Each raises OAuthError("invalid_request") for arguments that break its schema."""

    contexts: Contexts

    async def list_contexts(self, principal: Principal, arguments: Arguments) -> dict[str, object]:
        _allow_only(arguments, ("limit", "cursor"))
        limit, cursor = arguments.get("limit", DEFAULT_LIMIT), arguments.get("cursor")
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
            _refuse(f"limit must be a number from 1 to {MAX_LIMIT}")
        if cursor is not None and not isinstance(cursor, str):
            _refuse("cursor must be a string")
        page = await self.contexts.list_page(principal.user_hash, limit=limit, cursor=cursor)
        return page.to_document()

    async def get_context(self, principal: Principal, arguments: Arguments) -> dict[str, object]:
        _allow_only(arguments, ("id",))
        context_id = arguments.get("id")
        if not isinstance(context_id, str):
            _refuse("id must be a string")
        context = await self.contexts.get(principal.user_hash, context_id)
        if context is None:
            _refuse("You have no context of that id")
        return context.to_document()

    async def create_context(self, principal: Principal, arguments: Arguments) -> dict[str, object]:
        draft = context_draft.read_context_draft(arguments)
        context = await self.contexts.create(principal.user_hash, draft)
        return context.to_document()

    async def whoami(self, principal: Principal, arguments: Arguments) -> dict[str, object]:
        _allow_only(arguments, ())
        claims = principal.claims
        return {
            "subject": claims.subject,
            "client_id": claims.client_id,
            "issuer": claims.issuer,
            "scopes": list(claims.scopes),
            "expires_at": claims.expires_at,
        }


def _allow_only(arguments: Arguments, names: Iterable[str]) -> None:
    if not arguments.keys() <= set(names):
        _refuse("The tool has no argument of that name")


def _refuse(description: str) -> NoReturn:
    raise OAuthError("invalid_request", description)


def _schema(properties: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_LIST_CONTEXTS: Final = types.Tool(
    name="list_contexts",
    title="List contexts",
    description="List your contexts, newest first, without their content.",
    input_schema=_schema(
        {
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "default": DEFAULT_LIMIT,
            },
            "cursor": {"type": "string", "description": "next_cursor of the page before"},
        }
    ),
    output_schema={
        "type": "object",
        "properties": {
            "contexts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": _SUMMARY_MEMBERS,
                    "required": list(_SUMMARY_MEMBERS),
                },
            },
            "next_cursor": {"type": "string"},
        },
        "required": ["contexts"],
    },
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
)
_GET_CONTEXT: Final = types.Tool(
    name="get_context",
    title="Read a context",
    description="Read one of your contexts with its content.",
    input_schema=_schema({"id": {"type": "string"}}, ["id"]),
    output_schema=_CONTEXT_SCHEMA,
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
)
_CREATE_CONTEXT: Final = types.Tool(
    name="create_context",
    title="Create a context",
    description="Keep a new context for yourself.",
    input_schema=_schema(
        {
            "title": {
                "type": "string",
                "minLength": 1,
                "maxLength": context_draft.MAX_TITLE_CHARACTERS,
            },
            "content": {
                "type": "string",
                "minLength": 1,
                "description": f"at most {context_draft.MAX_CONTENT_BYTES} bytes in UTF-8",
            },
            "tags": {
                "type": "array",
                "maxItems": context_draft.MAX_TAGS,
                "uniqueItems": True,
                "items": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": context_draft.MAX_TAG_CHARACTERS,
                },
            },
        },
        ["title", "content"],
    ),
    output_schema=_CONTEXT_SCHEMA,
    annotations=types.ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
    ),
)
_WHOAMI: Final = types.Tool(
    name="whoami",
    title="Who am I",
    description="Say who the access token speaks for and what it may do.",
    input_schema=_schema({}),
    output_schema={
        "type": "object",
        "properties": {
            "subject": {"type": "string"},
            "client_id": {"type": "string"},
            "issuer": {"type": "string"},
            "scopes": {"type": "array", "items": {"type": "string"}},
            "expires_at": {"type": "integer"},
        },
        "required": ["subject", "client_id", "issuer", "scopes", "expires_at"],
    },
    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
)
