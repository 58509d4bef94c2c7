"""Scopes: their grammar, what a client may ask for, which implies which (RFC 6749 §3.3)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oauth_kit.rules.errors import OAuthError

_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
# Refresh tokens follow the registered grant types, so this wish of OpenID clients has no meaning.
_IGNORED = frozenset({"offline_access"})


def parse_scope(value: str) -> tuple[str, ...]:
    """The scope tokens in their order, each once. Raises OAuthError("invalid_scope")."""
    tokens = value.split(" ")
    if not all(map(_TOKEN.fullmatch, tokens)):
        raise _invalid("The scope is malformed")
    return tuple(dict.fromkeys(tokens))


def render_scope(scopes: Iterable[str]) -> str:
    return " ".join(scopes)


@dataclass(frozen=True, slots=True)
class ScopePolicy:
    """The scopes of this deployment.

    default: what a client gets that asks for none
    implies: a scope and everything it includes, transitively
    """

    supported: tuple[str, ...]
    default: tuple[str, ...]
    implies: Mapping[str, frozenset[str]]

    @staticmethod
    def parse_hierarchy(text: str) -> dict[str, frozenset[str]]:
        """Read `admin>write,write>read` ("admin includes write …") and close it transitively.

        Raises ValueError for anything else, and for a scope that would include itself.
        """
        direct: dict[str, set[str]] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            names = [name.strip() for name in pair.split(">")]
            if len(names) != 2 or not all(map(_TOKEN.fullmatch, names)):
                raise ValueError("must be pairs like broad>narrow, separated by commas")
            direct.setdefault(names[0], set()).add(names[1])
        closed = {broad: _closure(broad, direct) for broad in direct}
        if any(broad in narrower for broad, narrower in closed.items()):
            raise ValueError("a scope cannot include itself")
        return closed

    def narrow_request(
        self, asked: str | None, registered: tuple[str, ...] | None
    ) -> tuple[str, ...]:
        """The scopes that an authorization request is about.

        asked:      the `scope` parameter; None, empty or nothing but offline_access = the default
        registered: what the client registered for, None when it named nothing
        Raises OAuthError("invalid_scope") for a scope that is unknown or not registered.
        """
        allowed = set(self.supported)
        if registered is not None:
            allowed &= self.expand(registered)
        wanted = [scope for scope in parse_scope(asked) if scope not in _IGNORED] if asked else []
        if not wanted:
            wanted = [scope for scope in self.default if scope in allowed]
        if not wanted or not allowed.issuperset(wanted):
            raise _invalid("The scope is unknown, or not one that this client registered for")
        return tuple(wanted)

    def expand(self, granted: Iterable[str]) -> frozenset[str]:
        """The granted scopes with everything they include."""
        scopes = frozenset(granted)
        return scopes.union(*(self.implies.get(scope, frozenset()) for scope in scopes))

    def missing(self, granted: Iterable[str], needed: Iterable[str]) -> tuple[str, ...]:
        held = self.expand(granted)
        return tuple(scope for scope in needed if scope not in held)

    def covers(self, granted: Iterable[str], needed: Iterable[str]) -> bool:
        return not self.missing(granted, needed)


def without_ignored(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes without those that are accepted and mean nothing (offline_access)."""
    return tuple(scope for scope in scopes if scope not in _IGNORED)


def _closure(broad: str, direct: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [broad]
    while waiting:
        for narrower in direct.get(waiting.pop(), set()) - found:
            found.add(narrower)
            waiting.append(narrower)
    return frozenset(found)


def _invalid(description: str) -> OAuthError:
    return OAuthError("invalid_scope", description)
