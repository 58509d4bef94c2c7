"""What the flow needs to know about an identity."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from demo_clients.credentials import ClientCredentials
from demo_clients.server_metadata import AuthorizationServer


@dataclass(frozen=True, slots=True)
class Profile:
    """What this client says about itself, in a registration or in its document."""

    client_name: str
    public_url: str
    redirect_uri: str

    def metadata(self) -> dict[str, object]:
        """Client metadata (RFC 7591 §2), whoever it is told to."""
        return {
            "client_name": self.client_name,
            "client_uri": self.public_url,
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }


class ClientIdentity(Protocol):
    """One way of being known to an authorization server."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """What must be served for it to work."""

    def choose_issuer(self, offered: tuple[str, ...]) -> str:
        """Which of a resource's authorization servers to use. Raises Problem for none."""

    def serves(self, server: AuthorizationServer) -> bool:
        """Can this authorization server know us in this way?"""

    async def credentials(
        self, server: AuthorizationServer, *, anew: bool = False
    ) -> ClientCredentials:
        """What this server, and no other, knows us by. Raises Problem.

        anew: register again, where this client registers at all
        """

    async def forget(self, credentials: ClientCredentials, server: AuthorizationServer) -> None:
        """The server does not know these credentials (any more)."""
