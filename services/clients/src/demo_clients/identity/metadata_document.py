"""A client whose id is the URL of a document about it (CIMD draft §3, §4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from demo_clients.credentials import ClientCredentials
from demo_clients.identity.port import Profile
from demo_clients.problems import Problem
from demo_clients.server_metadata import AuthorizationServer
from demo_clients.timeline.recorder import passed, told
from oauth_kit.web.answering import json_answer

DOCUMENT_PATH = "/client-metadata.json"
_CACHEABLE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class MetadataDocument:
    """The same id at every authorization server that reads such documents; no secret anywhere."""

    profile: Profile

    @property
    def client_id(self) -> str:
        return self.profile.public_url + DOCUMENT_PATH

    def document(self) -> dict[str, object]:
        return {
            "client_id": self.client_id,
            **self.profile.metadata(),
            "token_endpoint_auth_method": "none",
        }

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get(DOCUMENT_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        return json_answer(self.document(), cacheable_seconds=_CACHEABLE_SECONDS)

    def choose_issuer(self, offered: tuple[str, ...]) -> str:
        return offered[0]

    def serves(self, server: AuthorizationServer) -> bool:
        return server.supports_documents

    async def credentials(
        self, server: AuthorizationServer, *, anew: bool = False
    ) -> ClientCredentials:
        if not self.serves(server):
            raise Problem("The authorization server does not read client metadata documents.")
        passed("document_supported")
        # when it is fetched, nobody can say for which visitor
        await told("document", self.client_id, self.document())
        return ClientCredentials("metadata_document", self.client_id, "none")

    async def forget(self, credentials: ClientCredentials, server: AuthorizationServer) -> None:
        """Nothing to forget: the server reads the document again."""
