"""What the bridge asks of an identity provider (OpenID Connect Core §3.1, RP-Initiated Logout 1.0,
RFC 6749, RFC 7009).
"""

from dataclasses import dataclass, field, fields
from typing import Protocol

from oauth_kit.rules.upstream_id_token import Identity


@dataclass(frozen=True, slots=True)
class UpstreamCredentials:
    """Who we are to the identity provider."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamTokens:
    """What is kept of the provider's tokens: no more than the next check needs."""

    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)

    def to_document(self) -> dict[str, object]:
        return {part.name: getattr(self, part.name) for part in fields(self)}


@dataclass(frozen=True, slots=True)
class UpstreamLogin:
    """A completed log-in.

    session_id: the provider's session, when it names one; grants that share it end together there
    """

    identity: Identity
    tokens: UpstreamTokens
    session_id: str | None


class UpstreamRefusedError(Exception):
    """The provider said no. `code` is its OAuth error code, for the log only."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UpstreamUnavailableError(Exception):
    """The provider did not answer, or not in a way that decides anything."""


class IdentityProvider(Protocol):
    """The provider of one generation.

    Every call raises UpstreamRefusedError or UpstreamUnavailableError, nothing else.
    """

    async def authorization_url(
        self, client_id: str, *, redirect_uri: str, state: str, nonce: str, code_challenge: str
    ) -> str: ...

    async def accepts_issuer(self, response_iss: str | None) -> bool:
        """RFC 9207 §2.4 for the authorization response; no `iss` passes where none is sent."""
        ...

    async def exchange(
        self,
        code: str,
        credentials: UpstreamCredentials,
        *,
        redirect_uri: str,
        code_verifier: str,
        nonce: str,
    ) -> UpstreamLogin: ...

    async def refresh(
        self, tokens: UpstreamTokens, credentials: UpstreamCredentials
    ) -> UpstreamTokens:
        """Is the user still welcome? Returns the tokens to keep from now on."""
        ...

    async def revoke(self, tokens: UpstreamTokens, credentials: UpstreamCredentials) -> None: ...

    async def logout_url(self, client_id: str, *, return_to: str, state: str) -> str | None:
        """Where a browser ends its session there; None when the provider has no such page.

        return_to: a page that is registered for the client
        state:     comes back with the browser where the dialect says so
        """
        ...
