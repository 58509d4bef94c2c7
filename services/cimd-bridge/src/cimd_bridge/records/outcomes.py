"""What an attempt to spend a code or a refresh token came to (OAuth 2.1 §4.1.3, §4.3)."""

from dataclasses import dataclass, field
from typing import Literal

from cimd_bridge.records.grant import Grant, UpstreamTokens

Binding = Literal["client", "redirect", "verifier", "resource"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Never ours, expired out of the store, or guessed: nothing happened."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The code is spent. `refresh_token` is None when no first refresh secret was given."""

    grant: Grant
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The code is genuine, but not for this request; it was not consumed and nothing is revoked."""

    gid: str
    which: Binding


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The same request came twice at once and the other one is being answered: this one is refused.

    Nothing is revoked: a client that sends a request twice is no thief (ADR 0015).
    """

    gid: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """An answered code came again with everything right: the caller revokes the grant."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Current:
    """The newest refresh token of its family."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Rotated:
    """The token is spent; `refresh_token` is its one successor."""

    grant: Grant
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grace:
    """The immediate predecessor, within the grace, by the same client: the same successor again."""

    grant: Grant
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reused:
    """A spent refresh token, or any of a dead family: the caller revokes the grant."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class WrongClient:
    """A genuine token of another client: nothing changed, an audit event is due."""

    gid: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The grant was idle for too long or reached its absolute end."""

    gid: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """A grant that ended. `upstream` is handed out once, to whoever revokes at the IdP."""

    grant: Grant
    upstream: UpstreamTokens | None = field(repr=False)
