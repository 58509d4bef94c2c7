"""client_id to Client: pre-registered, a metadata document's URL, or registered."""

from dataclasses import dataclass

from cimd_bridge.documents import Documents
from cimd_bridge.preregistered import Preregistered
from cimd_bridge.refusals import CLIENT_UNKNOWN
from cimd_bridge.registrar_api import RegistrarApi
from oauth_kit.records.client import Client, client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.client_document import is_document_client_id
from oauth_kit.rules.errors import OAuthError

_MAX_ID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class ClientResolver:
    """Where clients come from. `documents` is None when metadata documents are switched off."""

    preregistered: Preregistered
    documents: Documents | None
    redis: Redis
    keyspace: Keyspace
    registrar: RegistrarApi

    async def resolve(self, client_id: str, *, caller: str, sec_fetch_site: str | None) -> Client:
        """The client of an authorization request; a document may have to be fetched.

        Raises OAuthError("invalid_client"), or temporarily_unavailable when nobody can tell.
        """
        if is_document_client_id(client_id):
            if self.documents is None:
                raise _unknown("client metadata documents are switched off")
            return await self.documents.resolve(
                client_id, caller=caller, sec_fetch_site=sec_fetch_site
            )
        return await self.kept(client_id) or await self.ask(client_id)

    async def kept(self, client_id: str) -> Client | None:
        """A pre-registered client, or a registered one that Redis holds.

        Raises OAuthError: invalid_client for what is no id of ours, or temporarily_unavailable.
        """
        configured = self.preregistered.clients.get(client_id)
        if configured is not None:
            return configured
        if len(client_id) > _MAX_ID_CHARACTERS or not client_id.isascii():
            raise _unknown("no client has such an id")
        async with store_errors():
            stored = await self.redis.get(client_key(self.keyspace, client_id))
        return None if stored is None else _as_registered(Client.from_json(str(stored)))

    async def ask(self, client_id: str) -> Client:
        """A registered client that Redis does not hold: the registrar knows.

        Raises OAuthError("invalid_client"), or temporarily_unavailable when nobody can tell.
        """
        client = await self.registrar.find_client(client_id)
        if client is None:
            raise _unknown("neither configured nor registered")
        return _as_registered(client)


def _as_registered(client: Client) -> Client:
    """The store names registered clients only: whoever can write there skips no consent."""
    if client.kind != "registered" or client.trusted:
        raise _unknown("the store holds something else than a registered client")
    return client


def _unknown(reason: str) -> OAuthError:
    return OAuthError("invalid_client", CLIENT_UNKNOWN, reason=reason)
