"""From the provider's code to ours: exchange, grant, one-time code, and who we are next time."""

from dataclasses import dataclass

import structlog

from cimd_bridge.background import Background
from cimd_bridge.client_use import ClientUse
from cimd_bridge.records.grant import Grant
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.transactions import Transaction
from cimd_bridge.registrar_api import RegistrarApi
from cimd_bridge.upstream import Upstream, fingerprint_of
from oauth_kit.clock import Clock
from oauth_kit.crypto.keyed_hash import KeyedHash
from oauth_kit.providers.port import UpstreamLogin
from oauth_kit.records.client import Client

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class GrantOpening:
    """unchecked_seconds: a grant's life when the provider gives nothing to ask again with."""

    upstream: Upstream
    grants: Grants
    registrar: RegistrarApi
    client_use: ClientUse
    background: Background
    subject_hash: KeyedHash
    uses_own_clients: bool
    unchecked_seconds: int
    clock: Clock

    async def open(self, transaction: Transaction, code: str, response_iss: str | None) -> str:
        """Returns the client's code.

        Raises UpstreamRefusedError, UpstreamUnavailableError, or OAuthError when the store is away.
        """
        client = transaction.client
        login = await self.upstream.finish(
            client.client_id,
            upstream_client_id=transaction.upstream_client_id,
            generation=transaction.provider_generation,
            code=code,
            response_iss=response_iss,
            nonce=transaction.upstream_nonce,
            code_verifier=transaction.upstream_code_verifier,
        )
        grant = self._grant(transaction, login)
        our_code = await self.grants.open(
            grant,
            login.tokens,
            code_secret=new_secret(),
            redirect_uri=transaction.redirect_uri,
            code_challenge=transaction.code_challenge,
            now=self.clock(),
        )
        subject = self.subject_hash.digest(grant.subject)
        log.info(
            "code_issued",
            client_id=client.client_id,
            gid=grant.gid,
            subject=subject,
            scopes=grant.scopes,
        )
        self.background.start("upstream_client_failed", self._after_login(client, subject))
        return our_code

    def _grant(self, transaction: Transaction, login: UpstreamLogin) -> Grant:
        now = self.clock()
        unchecked = login.tokens.refresh_token is None
        return Grant(
            gid=new_id(),
            client=transaction.client,
            subject=login.identity.subject,
            scopes=transaction.scopes,
            resource=transaction.resource,
            upstream_client_id=transaction.upstream_client_id,
            provider_generation=transaction.provider_generation,
            upstream_session=login.session_id,
            created_at=now,
            upstream_checked_at=now,
            unchecked_until=now + self.unchecked_seconds if unchecked else None,
        )

    async def _after_login(self, client: Client, subject: str) -> None:
        """A real user has logged in: the client's registration lives on, and it may get an
        upstream client of its own, used from its next authorization on."""
        await self.client_use.note(client.client_id)
        if not self.uses_own_clients or await self.upstream.has_own_client(client.client_id):
            return
        status = await self.registrar.make_upstream_client(
            client.client_id,
            fingerprint=fingerprint_of(client),
            name=client.metadata.client_name,
            subject=subject,
        )
        log.info("upstream_client_asked_for", client_id=client.client_id, status=status)
