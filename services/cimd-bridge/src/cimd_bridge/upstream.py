"""Who we are to the identity provider: starting log-ins, finishing them, asking again, revoking."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from cimd_bridge.metrics import UpstreamFailure, UpstreamOperation
from cimd_bridge.own_clients import OwnClients
from cimd_bridge.records.handles import new_secret
from cimd_bridge.records.transactions import Transactions
from cimd_bridge.refusals import PROVIDER_UNREACHABLE
from oauth_kit.metrics import uncounted
from oauth_kit.providers.catalog import ProviderConfig, ProviderSource
from oauth_kit.providers.dialects import DIALECTS, LogoutDialect
from oauth_kit.providers.oidc import OidcProvider
from oauth_kit.providers.port import (
    UpstreamCredentials,
    UpstreamLogin,
    UpstreamRefusedError,
    UpstreamTokens,
    UpstreamUnavailableError,
)
from oauth_kit.records.client import Client
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.pkce import challenge_of

log = structlog.get_logger()

_UNKNOWN_CLIENT = frozenset({"invalid_client", "unauthorized_client"})

ProviderFactory = Callable[[ProviderConfig], OidcProvider]


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """Where to send the browser, and what the callback must find again."""

    location: str = field(repr=False)
    state_secret: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    upstream_client_id: str | None
    generation: str


class Upstream:
    """The identity provider as the bridge uses it.

    The provider may be replaced while we run (an emulator that forgot its pool): its config is
    looked at on every use, and a new generation starts over with discovery and keys.
    """

    def __init__(
        self,
        source: ProviderSource,
        make_provider: ProviderFactory,
        *,
        own_clients: OwnClients,
        callback_url: str,
        uses_own_clients: bool,
        count_failure: Callable[[UpstreamOperation, UpstreamFailure], None] = uncounted,
    ) -> None:
        self._source = source
        self._make_provider = make_provider
        self._own_clients = own_clients
        self._callback_url = callback_url
        self._uses_own_clients = uses_own_clients
        self._count_failure = count_failure
        self._provider: OidcProvider | None = None

    @property
    def generation(self) -> str:
        return self._source.current().generation

    @property
    def revoking_ends_session(self) -> bool:
        return DIALECTS[self._source.current().provider].revoking_ends_session

    @property
    def logout_dialect(self) -> LogoutDialect:
        return DIALECTS[self._source.current().provider].logout

    async def start(self, client: Client, form_id: str) -> StartedLogin:
        """Raises OAuthError("temporarily_unavailable") when the provider cannot be asked."""
        provider = self._current()
        own = (
            await self._own_clients.confirmed(client.client_id, provider.config.generation)
            if self._uses_own_clients
            else None
        )
        secret, nonce, verifier = new_secret(), new_secret(), secrets.token_urlsafe(48)
        try:
            with self._counted("authorize"):
                location = await provider.authorization_url(
                    own.client_id if own else provider.config.client_id,
                    redirect_uri=self._callback_url,
                    state=Transactions.upstream_state(form_id, secret),
                    nonce=nonce,
                    code_challenge=challenge_of(verifier),
                )
        except UpstreamUnavailableError as error:
            raise _unavailable(str(error)) from error
        return StartedLogin(
            location=location,
            state_secret=secret,
            nonce=nonce,
            code_verifier=verifier,
            upstream_client_id=own.client_id if own else None,
            generation=provider.config.generation,
        )

    async def finish(
        self,
        client_id: str,
        *,
        upstream_client_id: str | None,
        generation: str,
        code: str,
        response_iss: str | None,
        nonce: str,
        code_verifier: str,
    ) -> UpstreamLogin:
        """Raises UpstreamRefusedError, UpstreamUnavailableError or OAuthError (store)."""
        provider = self._of_generation(generation)
        if not await provider.accepts_issuer(response_iss):
            raise UpstreamRefusedError("iss is not the provider's")
        credentials = await self._credentials(provider, client_id, upstream_client_id)
        try:
            with self._counted("exchange"):
                return await provider.exchange(
                    code,
                    credentials,
                    redirect_uri=self._callback_url,
                    code_verifier=code_verifier,
                    nonce=nonce,
                )
        except UpstreamRefusedError as error:
            if await self._lost(client_id, upstream_client_id, error):
                raise UpstreamUnavailableError("upstream client lost: log in again") from error
            raise

    async def refresh(
        self,
        tokens: UpstreamTokens,
        *,
        client_id: str,
        upstream_client_id: str | None,
        generation: str,
    ) -> UpstreamTokens:
        """Raises UpstreamRefusedError, UpstreamUnavailableError or OAuthError (store)."""
        provider = self._of_generation(generation)
        credentials = await self._credentials(provider, client_id, upstream_client_id)
        try:
            with self._counted("refresh"):
                return await provider.refresh(tokens, credentials)
        except UpstreamRefusedError as error:
            await self._lost(client_id, upstream_client_id, error)
            raise

    async def revoke(
        self,
        tokens: UpstreamTokens,
        *,
        client_id: str,
        upstream_client_id: str | None,
        generation: str,
    ) -> None:
        """Raises UpstreamRefusedError, UpstreamUnavailableError or OAuthError (store)."""
        provider = self._of_generation(generation)
        credentials = await self._credentials(provider, client_id, upstream_client_id)
        with self._counted("revoke"):
            await provider.revoke(tokens, credentials)

    async def logout_url(self, *, return_to: str, state: str) -> str | None:
        """Where a browser ends its log-in, as everybody's client; None where there is no such page.

        Raises OAuthError("temporarily_unavailable") when the provider cannot be asked.
        """
        provider = self._current()
        try:
            return await provider.logout_url(
                provider.config.client_id, return_to=return_to, state=state
            )
        except UpstreamUnavailableError as error:
            raise _unavailable(str(error)) from error

    async def has_own_client(self, client_id: str) -> bool:
        return await self._own_clients.find(client_id, self.generation) is not None

    async def _lost(
        self, client_id: str, upstream_client_id: str | None, error: UpstreamRefusedError
    ) -> bool:
        """Is it the provider's own loss of the upstream client that it refuses us for?"""
        if upstream_client_id is None or error.code not in _UNKNOWN_CLIENT:
            return False
        return await self._own_clients.is_gone(client_id)

    @contextmanager
    def _counted(self, operation: UpstreamOperation) -> Iterator[None]:
        """What the provider refuses or does not answer; our own refusals are none of its errors."""
        try:
            yield
        except UpstreamRefusedError:
            self._count_failure(operation, "refused")
            raise
        except UpstreamUnavailableError:
            self._count_failure(operation, "unavailable")
            raise

    def _current(self) -> OidcProvider:
        config = self._source.current()
        if self._provider is None or self._provider.config != config:
            log.info("provider_selected", provider=config.provider, issuer=config.issuer)
            self._provider = self._make_provider(config)
        return self._provider

    def _of_generation(self, generation: str) -> OidcProvider:
        provider = self._current()
        if provider.config.generation != generation:
            raise UpstreamRefusedError("the pool or realm is another one now")
        return provider

    async def _credentials(
        self, provider: OidcProvider, client_id: str, upstream_client_id: str | None
    ) -> UpstreamCredentials:
        if upstream_client_id is None:
            return UpstreamCredentials(provider.config.client_id, provider.config.client_secret)
        own = await self._own_clients.find(client_id, provider.config.generation)
        if own is None or own.client_id != upstream_client_id:
            raise UpstreamRefusedError("the upstream client of this grant is gone")
        return UpstreamCredentials(own.client_id, own.client_secret)


def fingerprint_of(client: Client) -> str:
    """Clients with the same metadata and the same origin share one upstream client."""
    material = f"{client.kind} {client.verified_host or ''} {sorted(client.metadata.redirect_uris)}"
    return hashlib.sha256(f"{material} {client.metadata.client_name}".encode()).hexdigest()


def _unavailable(reason: str) -> OAuthError:
    return OAuthError("temporarily_unavailable", PROVIDER_UNREACHABLE, reason=reason)
