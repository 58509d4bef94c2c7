"""How long a stranger's answer is kept: its Cache-Control within our bounds (RFC 9111 §5.2.2)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_DIRECTIVE: Final = re.compile(
    rf'[ \t]*(?:({_TOKEN})(?:=(?:({_TOKEN})|"((?:[^"\\]|\\.)*+)"))?)?[ \t]*(?:,|\Z)'
)
_SECONDS: Final = re.compile(r"[0-9]+")
_MAX_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class CacheLifetime:
    """store: may be kept at all; revalidate: ask the host each time; serve_stale: may be served
    after `fresh_seconds` while the host fails.
    """

    store: bool
    fresh_seconds: int
    revalidate: bool
    serve_stale: bool


def cache_lifetime(
    cache_control: Sequence[str],
    *,
    floor_seconds: int = 60,
    cap_seconds: int = 86_400,
    default_seconds: int = 300,
) -> CacheLifetime:
    """What the host allows, as a shared cache reads it.

    cache_control: the values of all Cache-Control lines; what cannot be read is never kept
    """
    directives = _read_directives(", ".join(cache_control))
    if directives is None or not directives.keys().isdisjoint({"no-store", "private"}):
        return CacheLifetime(store=False, fresh_seconds=0, revalidate=False, serve_stale=False)
    revalidate = "no-cache" in directives
    ages = directives.get("s-maxage") or directives.get("max-age")
    fresh_seconds = default_seconds if ages is None else min(map(_seconds, ages))
    return CacheLifetime(
        store=True,
        fresh_seconds=0 if revalidate else max(floor_seconds, min(fresh_seconds, cap_seconds)),
        revalidate=revalidate,
        serve_stale=not revalidate
        and directives.keys().isdisjoint({"must-revalidate", "proxy-revalidate", "s-maxage"}),
    )


def _read_directives(value: str) -> Mapping[str, set[str | None]] | None:
    directives: dict[str, set[str | None]] = {}
    position = 0
    while position < len(value):
        match = _DIRECTIVE.match(value, position)
        if match is None:
            return None
        name, token, quoted = match.groups()
        if name:
            argument = token if token is not None else quoted
            directives.setdefault(name.lower(), set()).add(argument)
        position = match.end()
    return directives


def _seconds(argument: str | None) -> int:
    """RFC 9111 §1.2.2; what is no number of seconds counts as stale."""
    if argument is None or _SECONDS.fullmatch(argument) is None:
        return 0
    digits = argument.lstrip("0")
    return int(digits or "0") if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
