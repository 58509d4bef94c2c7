"""Which protected resource a token is for (RFC 8707 §2)."""

import re
from collections.abc import Sequence

from oauth_kit.rules.errors import OAuthError

_PRINTABLE = re.compile(r"[!-~]+")


def canonical_resource(asked: Sequence[str], *, known: str, required: bool) -> str:
    """The identifier of the one resource we know, if that is what was asked for.

    asked:    every `resource` parameter; none, or only empty ones = `known` unless `required`
    Tolerated, because clients do it: another case of scheme and host, one slash more or less at
    the end of the path, a query (it selects options of the same MCP server). The token's audience
    is `known`, whatever the spelling.
    Raises OAuthError("invalid_target").
    """
    values = [value for value in asked if value]
    if not values and required:
        raise OAuthError("invalid_target", "resource is required")
    for value in values:
        if not _means(value, known):
            raise OAuthError("invalid_target", "resource is not one that this server issues for")
    return known


def _means(asked: str, known: str) -> bool:
    if "#" in asked or not _PRINTABLE.fullmatch(asked):
        return False
    origin, path, query = _parts(asked)
    our_origin, our_path, our_query = _parts(known)
    return (origin, path) == (our_origin, our_path) and our_query in ("", query)


def _parts(uri: str) -> tuple[str, str, str]:
    """Origin, path without its last slash, and query.

    Cut from the raw text: URL parsers strip, decode and resolve before one can look.
    """
    scheme, _, rest = uri.partition("://")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}".lower(), f"{slash}{path}".removesuffix("/"), query
