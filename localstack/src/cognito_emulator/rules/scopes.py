"""Scopes of a user pool (developer guide, "Scopes, M2M, and resource servers")."""

import re
from collections.abc import Sequence

from cognito_emulator.rules.errors import AuthorizationError

STANDARD_SCOPES = frozenset(
    {"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}
)
NEEDS_OPENID = frozenset({"email", "phone", "profile"})

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}\Z")


def granted_scopes(asked: str | None, allowed: Sequence[str]) -> tuple[str, ...]:
    """What a request for `asked` is given; no scope means all that the app client has.

    Raises AuthorizationError("invalid_scope") for one that is malformed or not the client's.
    """
    if asked is None or not asked.strip(" "):
        return tuple(allowed)
    scopes = tuple(dict.fromkeys(scope for scope in asked.split(" ") if scope))
    if any(not _SCOPE_TOKEN.match(scope) or scope not in allowed for scope in scopes):
        raise AuthorizationError("invalid_scope", "invalid_scope")
    if NEEDS_OPENID.intersection(scopes) and "openid" not in scopes:
        raise AuthorizationError("invalid_scope", "openid is required with phone, email or profile")
    return scopes
