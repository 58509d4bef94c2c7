"""Bodies laid out for reading: bounded in every direction, with the secret members masked."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from demo_clients.event_stream import read_events
from demo_clients.timeline.html_text import visible_text
from demo_clients.timeline.secrets import MASKED, SECRET_MEMBERS, Known, normalised, placeholder_of
from demo_clients.timeline.text import fit

Shown = frozenset[str] | None
"""The members of a body that are shown; None for all but those that are secret by their name."""

OPEN: Final = None

_MAX_DEPTH: Final = 10
_MAX_MEMBERS: Final = 80
_MAX_NODES: Final = 1500
_MAX_SEARCHED: Final = 10_000
_MAX_STRING: Final = 1000
_MAX_NAME: Final = 100
_MAX_EVENTS: Final = 10


def parse(body: bytes) -> object:
    """Any JSON value. Raises ValueError for what is none, however deep it is nested."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_object(body: bytes) -> Mapping[str, object] | None:
    try:
        document = parse(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def secrets_in(document: object, shown: Shown) -> Iterator[tuple[str, str]]:
    """Name and value of every string that is masked in its own place."""
    waiting = deque([(document, shown)])
    for _ in range(_MAX_SEARCHED):
        if not waiting:
            return
        value, chosen = waiting.popleft()
        if isinstance(value, list):
            waiting.extend((item, OPEN) for item in value)
        elif isinstance(value, Mapping):
            for name, member in value.items():
                if isinstance(member, str) and _is_hidden(str(name), member, chosen):
                    yield str(name), member
                else:
                    waiting.append((member, OPEN))


def mask_body(
    body: bytes, media_type: str, shown: Shown, known: Known, max_characters: int
) -> tuple[str, str]:
    """The body as text, and why something of it is missing."""
    if not body:
        return "", ""
    if media_type == "text/event-stream":
        return _mask_events(body, shown, known, max_characters)
    if media_type == "text/html" and shown is OPEN:
        # what is hidden in a page's forms is not for everybody
        return _bounded(known.scrub(visible_text(body)), max_characters)
    try:
        document = parse(body)
    except ValueError:
        if shown is not OPEN:
            return "", f"{len(body)} bytes that are no JSON are not shown"
        return _bounded(known.scrub(body.decode("utf-8", "replace")), max_characters)
    return mask_document(document, shown, known, max_characters)


def mask_document(
    document: object, shown: Shown, known: Known, max_characters: int
) -> tuple[str, str]:
    """A JSON value as text, and why something of it is missing."""
    if shown is not OPEN and not isinstance(document, dict):
        return "", "what is no JSON object is not shown"
    masked = _Masker(known).mask(document, shown, depth=0)
    laid_out = json.dumps(masked, indent=2, ensure_ascii=False)
    # once more over the whole: a secret may be a number, or a member's name
    return _bounded(known.scrub(laid_out), max_characters)


def _mask_events(body: bytes, shown: Shown, known: Known, max_characters: int) -> tuple[str, str]:
    texts = []
    for number, data in enumerate(read_events(body)):
        if number >= _MAX_EVENTS:
            break
        texts.append(mask_body(data, "application/json", shown, known, max_characters)[0])
    return _bounded("\n\n".join(texts), max_characters)


def _bounded(text: str, max_characters: int) -> tuple[str, str]:
    left_out = f"the first {max_characters} of {len(text)} characters"
    shown = fit(text[:max_characters], max_characters, keep_lines=True)
    return shown, left_out if len(text) > max_characters else ""


class _Masker:
    """Goes through one document, and stops when it has seen enough of it."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._nodes_left = _MAX_NODES

    def mask(self, value: object, shown: Shown, *, depth: int) -> object:
        self._nodes_left -= 1
        if isinstance(value, str):
            return fit(self._known.scrub(value), _MAX_STRING, keep_lines=True)
        if isinstance(value, int | float) or value is None:
            return value
        if depth >= _MAX_DEPTH or self._nodes_left < 0:
            return "…"
        if isinstance(value, Mapping):
            return self._object(value, shown, depth)
        if isinstance(value, list | tuple):
            items = [self.mask(item, OPEN, depth=depth + 1) for item in value[:_MAX_MEMBERS]]
            return items if len(value) <= _MAX_MEMBERS else [*items, _more(value)]
        return MASKED

    def _object(
        self, members: Mapping[object, object], shown: Shown, depth: int
    ) -> dict[str, object]:
        masked: dict[str, object] = {}
        for key, member in list(members.items())[:_MAX_MEMBERS]:
            name = str(key)
            masked[fit(self._known.scrub(name), _MAX_NAME)] = (
                placeholder_of(name)
                if _is_hidden(name, member, shown)
                else self.mask(member, OPEN, depth=depth + 1)
            )
        if len(members) > _MAX_MEMBERS:
            masked["…"] = _more(members)
        return masked


def _is_hidden(name: str, value: object, shown: Shown) -> bool:
    if shown is not OPEN:
        return name not in shown
    return normalised(name) in SECRET_MEMBERS and value not in (None, False, "")


def _more(value: Mapping[object, object] | list[object] | tuple[object, ...]) -> str:
    return f"{len(value) - _MAX_MEMBERS} more"
