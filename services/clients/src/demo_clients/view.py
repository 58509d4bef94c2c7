"""What the page shows about a session: decoded claims, never a token."""

from dataclasses import dataclass

from demo_clients.credentials import IdentityKind
from demo_clients.sessions import Session
from demo_clients.timeline.jwt_view import as_text, unverified_parts
from demo_clients.timeline.vocabulary import clock_time, explain_claim
from demo_clients.tokens import Tokens


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


def may_register_again(kind: IdentityKind, session: Session) -> bool:
    """A client with a document registers only where a server reads none."""
    return kind == "dynamic" or any(one.credentials.kind == "dynamic" for one in session.pending)


def unverified_claims(access_token: str) -> tuple[Claim, ...]:
    """What a JWT says; nothing for a token that is opaque to us. A client never relies on it."""
    parts = unverified_parts(access_token)
    if parts is None:
        return ()
    claims = ((name, as_text(value)) for name, value in parts[1])
    return tuple(Claim(name, value, explain_claim(name, value)) for name, value in claims)


def _expiry(tokens: Tokens, now: int) -> str:
    if tokens.expires_at is None:
        return "when the server says so"
    left = tokens.expires_at - now
    if left <= 0:
        refreshable = tokens.refresh_token is not None
        return f"now: the next call {'refreshes it' if refreshable else 'leads to a log-in'}"
    minutes, seconds = divmod(left, 60)
    span = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"in {span}, at {clock_time(str(tokens.expires_at))}"
