"""A client that the authorization server's operator has set up by hand (RFC 6749 §2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from aiohttp import web

from demo_clients.credentials import ClientCredentials
from demo_clients.problems import Problem
from demo_clients.server_metadata import AuthorizationServer


@dataclass(frozen=True, slots=True)
class Preregistered:
    """An id and a secret that are good at exactly one issuer, and are never shown to another."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return []

    def choose_issuer(self, offered: tuple[str, ...]) -> str:
        if self.issuer not in offered:
            raise Problem(
                "The resource uses another authorization server than the one "
                "this client is registered at.",
                reason="preregistered issuer not offered",
            )
        return self.issuer

    def serves(self, server: AuthorizationServer) -> bool:
        return server.issuer == self.issuer

    async def credentials(
        self, server: AuthorizationServer, *, anew: bool = False
    ) -> ClientCredentials:
        if not self.serves(server):
            raise Problem(
                "This client is not registered at that authorization server.",
                reason="issuer differs",
            )
        return ClientCredentials(
            "preregistered", self.client_id, "client_secret_basic", self.secret
        )

    async def forget(self, credentials: ClientCredentials, server: AuthorizationServer) -> None:
        """Nothing to forget: only the operator can register it anew."""
