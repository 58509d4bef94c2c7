"""Who calls a back-channel endpoint (RFC 6749 §2.3), and what failing too often leads to."""

from dataclasses import dataclass

from aiohttp import web

from cimd_bridge.client_resolver import ClientResolver
from oauth_kit.clock import Clock
from oauth_kit.records.client import Client
from oauth_kit.rules.client_authentication import Credentials, authenticate, read_credentials
from oauth_kit.rules.client_document import is_document_client_id
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import Form, TrustedProxies

_LIMIT = "30/minute"


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
    clients: ClientResolver
    rate_limits: RateLimits
    proxies: TrustedProxies
    clock: Clock

    async def authenticate(self, request: web.Request, form: Form) -> Caller:
        """Raises OAuthError: invalid_client (401), invalid_request, 429, or 503."""
        credentials = read_credentials(request.headers.getall("Authorization", []), form)
        await self.rate_limits.refuse_if_full(
            "token-failures", self._key(request, credentials), _LIMIT
        )
        try:
            return await self._check(credentials)
        except OAuthError as error:
            await self.count_failure(request, credentials.client_id, error)
            raise

    async def count_failure(self, request: web.Request, client_id: str, error: OAuthError) -> None:
        """Remember a wrong secret, code or token of this client from this network."""
        if error.code in ("invalid_client", "invalid_grant"):
            key = f"{client_id} {self.proxies.caller_block(request)}"
            await self.rate_limits.count("token-failures", key, _LIMIT)

    async def _check(self, credentials: Credentials) -> Caller:
        if is_document_client_id(credentials.client_id):
            authenticate(
                credentials,
                method="none",
                method_was_defaulted=False,
                secret_hash=None,
                now=self.clock(),
            )
            return Caller(credentials.client_id, None)
        client = await self.clients.known(credentials.client_id)
        authenticate(
            credentials,
            method=client.metadata.token_endpoint_auth_method,
            method_was_defaulted=client.method_was_defaulted,
            secret_hash=client.secret_hash,
            secret_expires_at=client.secret_expires_at,
            now=self.clock(),
        )
        return Caller(credentials.client_id, client)

    def _key(self, request: web.Request, credentials: Credentials) -> str:
        return f"{credentials.client_id} {self.proxies.caller_block(request)}"
