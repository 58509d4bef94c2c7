"""One JSON object from a stranger, read without second meanings (RFC 8259 §4, §8; RFC 7493 §2)."""

import json
import math
import re
from typing import Final, NoReturn

_MAX_DEPTH: Final = 32
# A string is taken whole, even unfinished, so that brackets inside it are not counted.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def parse_json_object(body: bytes, *, max_depth: int = _MAX_DEPTH) -> dict[str, object]:
    """Read the object that `body` is.

    body: UTF-8 without a byte order mark; its size is the caller's to limit
    Raises ValueError for any fault: duplicate names, NaN, numbers beyond a double, lone
    surrogates and nesting deeper than `max_depth` included. Never RecursionError.
    """
    text = body.decode("utf-8", errors="strict")
    if body.count(b"{") + body.count(b"[") > max_depth:
        _check_depth(text, max_depth)
    value = _DECODER.decode(text)
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    if "\\u" in text:
        # An escaped lone surrogate has no UTF-8 form: whoever writes it out later would fail.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > max_depth:
            raise ValueError("is nested too deeply")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("has a name twice")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("has a number beyond a double")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError("has a constant that is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
)
