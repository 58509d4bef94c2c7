"""A grant: what one user allowed one client, and the IdP's tokens behind it (OAuth 2.1 §1.3)."""

from dataclasses import dataclass, field
from typing import Any

from oauth_kit.providers.port import UpstreamTokens
from oauth_kit.records.client import Client

__all__ = ["Grant", "Lifetimes", "UpstreamTokens"]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long grants and their parts live.

    pending_seconds:       from the callback until the code must have been redeemed
    code_seconds:          a code's life (OAuth 2.1 §4.1.2: at most 10 minutes)
    code_tombstone_seconds: how long a spent code is recognised
    idle_seconds:          a refresh token that nobody uses
    absolute_seconds:      a grant, from the log-in on
    unrefreshable_seconds: a grant without refresh token: its last access token, and leeway
    grace_seconds:         the predecessor of a refresh token still returns the same successor
    tombstone_seconds:     how long the tokens of a revoked grant are recognised
    lock_seconds:          the lock around a question to the IdP
    """

    pending_seconds: int = 600
    code_seconds: int = 60
    code_tombstone_seconds: int = 600
    idle_seconds: int = 30 * 86_400
    absolute_seconds: int = 90 * 86_400
    unrefreshable_seconds: int = 600
    grace_seconds: int = 10
    tombstone_seconds: int = 86_400
    lock_seconds: int = 15


@dataclass(frozen=True, slots=True)
class Grant:
    """What the user allowed.

    client:              a snapshot of its metadata, so `/token` needs no document
    subject:             the IdP's `sub`
    upstream_client_id:  which upstream client the IdP's tokens come from; None: the shared one
    provider_generation: the pool or realm; another generation makes the grant void
    upstream_session:    the IdP's session (`sid`, `origin_jti`), when it names one
    upstream_checked_at: when the IdP last confirmed the log-in
    unchecked_until:     the end of a grant whose IdP gives no refresh token
    """

    gid: str
    client: Client
    subject: str = field(repr=False)
    scopes: tuple[str, ...]
    resource: str
    upstream_client_id: str | None
    provider_generation: str
    upstream_session: str | None = field(repr=False)
    created_at: int
    upstream_checked_at: int
    unchecked_until: int | None = None

    @property
    def client_id(self) -> str:
        return self.client.client_id

    def ends_at(self, lifetimes: Lifetimes) -> int:
        """The absolute end, in Unix seconds."""
        end = self.created_at + lifetimes.absolute_seconds
        return end if self.unchecked_until is None else min(end, self.unchecked_until)

    def to_document(self) -> dict[str, object]:
        """Everything but `gid` and `upstream_checked_at`, which are not in the sealed part."""
        return {
            "client": self.client.to_document(),
            "subject": self.subject,
            "scopes": list(self.scopes),
            "resource": self.resource,
            "upstream_client_id": self.upstream_client_id,
            "provider_generation": self.provider_generation,
            "upstream_session": self.upstream_session,
            "created_at": self.created_at,
            "unchecked_until": self.unchecked_until,
        }

    @classmethod
    def from_document(
        cls, document: dict[str, Any], *, gid: str, upstream_checked_at: int
    ) -> "Grant":
        """Read what `to_document` wrote; it is trusted."""
        parts = document | {
            "client": Client.from_document(document["client"]),
            "scopes": tuple(document["scopes"]),
        }
        return cls(gid=gid, upstream_checked_at=upstream_checked_at, **parts)
