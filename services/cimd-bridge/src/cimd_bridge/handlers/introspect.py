"""POST /introspect: a resource server asks whether a token is still good (RFC 7662)."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cimd_bridge.own_tokens import OwnTokens
from cimd_bridge.preregistered import Preregistered, ResourceServer
from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grants import Grants
from oauth_kit.clock import Clock
from oauth_kit.rules.access_token import AccessTokenClaims
from oauth_kit.rules.client_authentication import authenticate, read_credentials
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import render_scope
from oauth_kit.web.answering import json_answer
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import Form, TrustedProxies, read_form

INTROSPECT_PATH = "/introspect"
_INACTIVE: dict[str, object] = {"active": False}


@dataclass(frozen=True, slots=True)
class IntrospectEndpoint:
    """Only for the resource servers of `clients.toml`, and only for tokens meant for them."""

    preregistered: Preregistered
    own_tokens: OwnTokens
    grants: Grants
    denials: Denials
    rate_limits: RateLimits
    failure_limit: str
    proxies: TrustedProxies
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(INTROSPECT_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        asker = await self._authenticate(request, form)
        if "token" not in form:
            raise OAuthError("invalid_request", "token is missing")
        claims = await self.own_tokens.read(form["token"])
        if claims is None or not await self._is_active(claims, asker):
            return json_answer(_INACTIVE)
        return json_answer(_active(claims))

    async def _authenticate(self, request: web.Request, form: Form) -> ResourceServer:
        block = self.proxies.caller_block(request)
        try:
            credentials = read_credentials(request.headers.getall("Authorization", []), form)
            asker = self.preregistered.resource_servers.get(credentials.client_id)
            authenticate(
                credentials,
                method="client_secret_basic",
                method_was_defaulted=True,
                secret_hash=asker.secret_hash if asker else None,
                now=self.clock(),
            )
        except OAuthError:
            # only failures are refused, so that a neighbour cannot lock a resource server out
            await self.rate_limits.check("introspect-failures", block, self.failure_limit)
            raise
        if asker is None:
            raise OAuthError("invalid_client", "Client authentication failed")
        return asker

    async def _is_active(self, claims: AccessTokenClaims, asker: ResourceServer) -> bool:
        if asker.resource not in claims.audience or claims.grant_id is None:
            return False
        if await self.denials.is_denied(claims.token_id):
            return False
        return await self.grants.alive(claims.grant_id, now=self.clock())


def _active(claims: AccessTokenClaims) -> dict[str, object]:
    return {
        "active": True,
        "token_type": "Bearer",
        "iss": claims.issuer,
        "sub": claims.subject,
        "aud": list(claims.audience),
        "client_id": claims.client_id,
        "scope": render_scope(claims.scopes),
        "exp": claims.expires_at,
        "iat": claims.issued_at,
        "jti": claims.token_id,
    }
