"""Several identities, the best one that an authorization server supports (MCP's order)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from demo_clients.credentials import ClientCredentials
from demo_clients.identity.port import ClientIdentity
from demo_clients.problems import Problem
from demo_clients.server_metadata import AuthorizationServer


@dataclass(frozen=True, slots=True)
class InOrder:
    """The first of `identities` that the server can know us by."""

    identities: Sequence[ClientIdentity]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [route for identity in self.identities for route in identity.routes()]

    def choose_issuer(self, offered: tuple[str, ...]) -> str:
        return self.identities[0].choose_issuer(offered)

    def serves(self, server: AuthorizationServer) -> bool:
        return any(identity.serves(server) for identity in self.identities)

    async def credentials(
        self, server: AuthorizationServer, *, anew: bool = False
    ) -> ClientCredentials:
        for identity in self.identities:
            if identity.serves(server):
                return await identity.credentials(server, anew=anew)
        raise Problem(
            "The authorization server neither reads client metadata documents "
            "nor registers clients."
        )

    async def forget(self, credentials: ClientCredentials, server: AuthorizationServer) -> None:
        for identity in self.identities:
            await identity.forget(credentials, server)
