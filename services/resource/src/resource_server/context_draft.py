"""What a caller asks to keep: one strict reading for the REST API and for the tools."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from oauth_kit.rules.errors import OAuthError

MAX_TITLE_CHARACTERS: Final = 200
MAX_CONTENT_BYTES: Final = 16 * 1024
MAX_TAGS: Final = 10
MAX_TAG_CHARACTERS: Final = 32
_MEMBERS: Final = frozenset({"title", "content", "tags"})
_CONTROL = re.compile(r"[\x00-\x1F\x7F-\x9F\u2028\u2029]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]")


@dataclass(frozen=True, slots=True)
class ContextDraft:
    """A context before it has an id."""

    title: str
    content: str
    tags: tuple[str, ...] = ()


def read_context_draft(asked: Mapping[str, object]) -> ContextDraft:
    """Raises OAuthError("invalid_request") with a sentence that says which rule is broken."""
    if not asked.keys() <= _MEMBERS:
        _refuse("A context has title, content and tags, nothing else")
    return ContextDraft(
        _title(asked.get("title")), _content(asked.get("content")), _tags(asked.get("tags", []))
    )


def _title(value: object) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        _refuse("title must be a string in one line")
    title = value.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARACTERS:
        _refuse(f"title must have 1 to {MAX_TITLE_CHARACTERS} characters")
    return title


def _content(value: object) -> str:
    if not isinstance(value, str) or not value or _CONTROL_IN_TEXT.search(value):
        _refuse("content must be a string of text that is not empty")
    if len(value.encode("utf-8")) > MAX_CONTENT_BYTES:
        _refuse(f"content must have at most {MAX_CONTENT_BYTES} bytes in UTF-8")
    return value


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_TAGS:
        _refuse(f"tags must be a list of at most {MAX_TAGS} strings")
    tags = tuple(_tag(tag) for tag in value)
    if len(set(tags)) != len(tags):
        _refuse("tags must differ from each other")
    return tags


def _tag(value: object) -> str:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_TAG_CHARACTERS
        or value != value.strip()
        or _CONTROL.search(value)
    ):
        _refuse(f"a tag must be a string of 1 to {MAX_TAG_CHARACTERS} characters in one line")
    return value


def _refuse(description: str) -> NoReturn:
    raise OAuthError("invalid_request", description)
