"""The contexts as a REST API: list, read, create."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import json_answer
from oauth_kit.web.reading import query_parameters
from resource_server.bearer_gate import PRINCIPAL, require_scopes
from resource_server.bodies import read_json
from resource_server.context_draft import read_context_draft
from resource_server.contexts import DEFAULT_LIMIT, MAX_LIMIT, Contexts

CONTEXTS_PATH: Final = "/v1/contexts"
# content may be written in six bytes a character (\u0041)
_MAX_BODY_BYTES: Final = 128 * 1024
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class ContextsEndpoint:
    contexts: Contexts
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get(CONTEXTS_PATH, self.list_contexts),
            web.get(f"{CONTEXTS_PATH}/{{id}}", self.get_context),
            web.post(CONTEXTS_PATH, self.create_context),
        ]

    async def list_contexts(self, request: web.Request) -> web.Response:
        principal = request[PRINCIPAL]
        require_scopes(principal, self.read_scopes)
        limit, cursor = _read_paging(query_parameters(request))
        page = await self.contexts.list_page(principal.user_hash, limit=limit, cursor=cursor)
        return json_answer(page.to_document())

    async def get_context(self, request: web.Request) -> web.Response:
        principal = request[PRINCIPAL]
        require_scopes(principal, self.read_scopes)
        context = await self.contexts.get(principal.user_hash, request.match_info["id"])
        if context is None:
            raise OAuthError("invalid_request", "You have no context of that id", status=404)
        return json_answer(context.to_document())

    async def create_context(self, request: web.Request) -> web.Response:
        principal = request[PRINCIPAL]
        require_scopes(principal, self.write_scopes)
        draft = read_context_draft(await read_json(request, max_bytes=_MAX_BODY_BYTES))
        context = await self.contexts.create(principal.user_hash, draft)
        location = f"{CONTEXTS_PATH}/{context.context_id}"
        return json_answer(context.to_document(), status=201, headers={"Location": location})


def _read_paging(parameters: Iterable[tuple[str, str]]) -> tuple[int, str | None]:
    """limit and cursor, each at most once. Raises OAuthError("invalid_request")."""
    pairs = [(name, value) for name, value in parameters if name in ("limit", "cursor")]
    values = dict(pairs)
    if len(values) != len(pairs):
        raise OAuthError("invalid_request", "limit and cursor can be given once")
    limit = values.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(limit) or int(limit) > MAX_LIMIT:
        raise OAuthError("invalid_request", f"limit must be a number from 1 to {MAX_LIMIT}")
    return int(limit), values.get("cursor")
