"""The demo's data: each user's contexts, in Redis, newest first."""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final, cast

import structlog

from oauth_kit.clock import Clock
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.errors import OAuthError
from resource_server.context_draft import ContextDraft
from resource_server.sample_contexts import SAMPLE_CONTEXTS

log = structlog.get_logger()

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
_ID = re.compile(r"ctx_[A-Za-z0-9_-]{16}")
_CURSOR = re.compile(r"[0-9]{1,15}")
_Scored = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Context:
    context_id: str
    title: str
    content: str
    tags: tuple[str, ...]
    created_at: int

    def to_summary(self) -> dict[str, object]:
        """What a list shows: everything but the content, which may be long."""
        created_at = datetime.fromtimestamp(self.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "id": self.context_id,
            "title": self.title,
            "tags": list(self.tags),
            "created_at": created_at,
        }

    def to_document(self) -> dict[str, object]:
        return {**self.to_summary(), "content": self.content}


@dataclass(frozen=True, slots=True)
class Page:
    """next_cursor: None on the last page"""

    contexts: tuple[Context, ...]
    next_cursor: str | None

    def to_document(self) -> dict[str, object]:
        document: dict[str, object] = {
            "contexts": [context.to_summary() for context in self.contexts]
        }
        if self.next_cursor is not None:
            document["next_cursor"] = self.next_cursor
        return document


class Contexts:
    """Every method raises OAuthError("temporarily_unavailable") while Redis is away.

    A user's contexts are one hash (id → JSON) and one sorted set (id by order of creation).
    """

    def __init__(
        self, redis: Redis, keyspace: Keyspace, clock: Clock, *, max_contexts: int
    ) -> None:
        self._keyspace = keyspace
        self._redis = redis
        self._clock = clock
        self._max_contexts = max_contexts
        script = files("resource_server").joinpath("add_contexts.lua").read_text("utf-8")
        self._add = redis.register_script(script)

    async def list_page(self, user_hash: str, *, limit: int, cursor: str | None) -> Page:
        """limit: 1 to MAX_LIMIT. Raises OAuthError("invalid_request") for a cursor not of ours."""
        before = _read_cursor(cursor)
        async with store_errors():
            page = await self._read_page(user_hash, limit, before)
            if not page.contexts and before is None:
                await self._add_samples(user_hash)
                page = await self._read_page(user_hash, limit, before)
        return page

    async def get(self, user_hash: str, context_id: str) -> Context | None:
        if not _ID.fullmatch(context_id):
            return None
        async with store_errors():
            [kept] = await self._redis.hmget(self._items_key(user_hash), [context_id])
        return None if kept is None else _from_json(context_id, str(kept))

    async def create(self, user_hash: str, draft: ContextDraft) -> Context:
        """Raises OAuthError with status 409 when the user has as many as one may have."""
        context = self._from_draft(draft)
        async with store_errors():
            added = await self._add_all(user_hash, [context], only_new_user=False)
        if not added:
            raise OAuthError(
                "invalid_request",
                f"A user may keep at most {self._max_contexts} contexts",
                status=409,
            )
        log.info("context_created", subject=user_hash, context_id=context.context_id)
        return context

    async def _add_samples(self, user_hash: str) -> None:
        samples = [self._from_draft(draft) for draft in SAMPLE_CONTEXTS]
        await self._add_all(user_hash, samples, only_new_user=True)

    async def _add_all(
        self, user_hash: str, contexts: Sequence[Context], *, only_new_user: bool
    ) -> bool:
        pairs = [text for context in contexts for text in (context.context_id, _to_json(context))]
        keys = [self._items_key(user_hash), self._order_key(user_hash), self._count_key(user_hash)]
        limits = [str(self._max_contexts), "1" if only_new_user else "0"]
        return bool(await self._add(keys=keys, args=[*limits, *pairs]))

    async def _read_page(self, user_hash: str, limit: int, before: int | None) -> Page:
        newest = "+inf" if before is None else f"({before}"
        answer = await self._redis.zrevrangebyscore(
            self._order_key(user_hash), newest, "-inf", start=0, num=limit + 1, withscores=True
        )
        found = [(str(key), int(float(position))) for key, position in cast("_Scored", answer)]
        shown = found[:limit]
        if not shown:
            return Page((), None)
        kept = await self._redis.hmget(self._items_key(user_hash), [key for key, _ in shown])
        contexts = tuple(
            _from_json(key, str(text))
            for (key, _), text in zip(shown, kept, strict=True)
            if text is not None
        )
        return Page(contexts, _make_cursor(shown[-1][1]) if len(found) > limit else None)

    def _from_draft(self, draft: ContextDraft) -> Context:
        context_id = f"ctx_{secrets.token_urlsafe(12)}"
        return Context(context_id, draft.title, draft.content, draft.tags, self._clock())

    def _items_key(self, user_hash: str) -> str:
        return self._keyspace.key("context", f"{{{user_hash}}}", "items")

    def _order_key(self, user_hash: str) -> str:
        return self._keyspace.key("context", f"{{{user_hash}}}", "order")

    def _count_key(self, user_hash: str) -> str:
        return self._keyspace.key("context", f"{{{user_hash}}}", "count")


def _make_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode("ascii")).rstrip(b"=").decode("ascii")


def _read_cursor(cursor: str | None) -> int | None:
    """The position that a cursor of ours stands for: only our own spelling is accepted."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode(
            "ascii"
        )
    except (binascii.Error, ValueError):
        text = ""
    if not _CURSOR.fullmatch(text) or _make_cursor(int(text)) != cursor:
        raise OAuthError("invalid_request", "The cursor is not one of this list")
    return int(text)


def _to_json(context: Context) -> str:
    kept = {
        "title": context.title,
        "content": context.content,
        "tags": list(context.tags),
        "created_at": context.created_at,
    }
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _from_json(context_id: str, text: str) -> Context:
    kept: dict[str, Any] = json.loads(text)
    return Context(
        context_id, kept["title"], kept["content"], tuple(kept["tags"]), kept["created_at"]
    )
