"""Who calls a back-channel endpoint (RFC 6749 §2.3), and what failing too often leads to."""

from dataclasses import dataclass

from aiohttp import web

from cimd_bridge.client_resolver import ClientResolver
from cimd_bridge.limits import FailureLimits
from oauth_kit.clock import Clock
from oauth_kit.records.client import Client
from oauth_kit.rules.client_authentication import Credentials, authenticate, read_credentials
from oauth_kit.rules.client_document import is_document_client_id
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import Form, TrustedProxies


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client.

    client: None for a metadata document's client: the grant holds the document's snapshot, so
            the back channel never fetches it, and its only method so far is `none`
    """

    client_id: str
    client: Client | None


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Only failures are ever refused for their number: a right answer always passes, so that
    nobody locks a client out by failing in its name.
    """

    clients: ClientResolver
    rate_limits: RateLimits
    allowed: FailureLimits
    proxies: TrustedProxies
    clock: Clock

    async def authenticate(self, request: web.Request, form: Form) -> Caller:
        """Raises OAuthError: invalid_client (401), invalid_request, 429, or 503."""
        credentials = read_credentials(request.headers.getall("Authorization", []), form)
        try:
            return await self._check(request, credentials)
        except OAuthError as error:
            await self.count_failure(request, credentials.client_id, error)
            raise

    async def count_failure(self, request: web.Request, client_id: str, error: OAuthError) -> None:
        """Count a wrong secret, code or token of this client from this network.

        The network's own window comes first: it bounds how many clients a stranger can name.
        Raises OAuthError with status 429 in place of `error` for one too many.
        """
        if error.code in ("invalid_client", "invalid_grant"):
            block = self.proxies.caller_block(request)
            await self.rate_limits.check("token-failures", block, self.allowed.by_network)
            await self.rate_limits.check(
                "token-failures", f"{client_id} {block}", self.allowed.by_client
            )

    async def _check(self, request: web.Request, credentials: Credentials) -> Caller:
        if is_document_client_id(credentials.client_id):
            authenticate(
                credentials,
                method="none",
                method_was_defaulted=False,
                secret_hash=None,
                now=self.clock(),
            )
            return Caller(credentials.client_id, None)
        client = await self.clients.kept(credentials.client_id)
        if client is None:
            # every guess costs the registrar a look-up
            block = self.proxies.caller_block(request)
            await self.rate_limits.refuse_if_full("token-failures", block, self.allowed.by_network)
            client = await self.clients.ask(credentials.client_id)
        authenticate(
            credentials,
            method=client.metadata.token_endpoint_auth_method,
            method_was_defaulted=client.method_was_defaulted,
            secret_hash=client.secret_hash,
            secret_expires_at=client.secret_expires_at,
            now=self.clock(),
        )
        return Caller(credentials.client_id, client)
