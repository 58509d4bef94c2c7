"""What the page shows about a session: decoded claims, never a token."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from demo_clients.credentials import IdentityKind
from demo_clients.sessions import Session
from demo_clients.tokens import Tokens
from oauth_kit.rules.json_object import parse_json_object

_TIMES: Final = frozenset({"exp", "iat", "nbf", "auth_time"})


@dataclass(frozen=True, slots=True)
class Claim:
    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The log-in as the page shows it."""

    issuer: str
    client_id: str
    kind: IdentityKind
    method: str
    granted: tuple[str, ...]
    expires: str
    is_expired: bool
    has_refresh_token: bool
    refreshed_times: int
    unverified_claims: tuple[Claim, ...]


def logged_in(session: Session, now: int) -> LoggedIn | None:
    tokens = session.tokens
    if tokens is None:
        return None
    return LoggedIn(
        issuer=tokens.server.issuer,
        client_id=tokens.credentials.client_id,
        kind=tokens.credentials.kind,
        method=tokens.credentials.method,
        granted=tokens.granted,
        expires=_expiry(tokens, now),
        is_expired=tokens.expires_at is not None and tokens.expires_at <= now,
        has_refresh_token=tokens.refresh_token is not None,
        refreshed_times=tokens.refreshed_times,
        unverified_claims=unverified_claims(tokens.access_token),
    )


def unverified_claims(access_token: str) -> tuple[Claim, ...]:
    """What a JWT says; nothing for a token that is opaque to us. A client never relies on it."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return ()
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        payload = base64.b64decode(padded, altchars=b"-_", validate=True)
        claims = parse_json_object(payload)
    except (binascii.Error, ValueError):
        return ()
    return tuple(
        Claim(name, _value(value), _meaning(name, value)) for name, value in claims.items()
    )


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _meaning(name: str, value: object) -> str:
    if name not in _TIMES or isinstance(value, bool) or not isinstance(value, int):
        return ""
    return _clock_time(value)


def _expiry(tokens: Tokens, now: int) -> str:
    if tokens.expires_at is None:
        return "when the server says so"
    left = tokens.expires_at - now
    if left <= 0:
        return "now: it is refreshed with the next call"
    minutes, seconds = divmod(left, 60)
    span = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"in {span}, at {_clock_time(tokens.expires_at)}"


def _clock_time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return ""
