"""/<pool id>/.well-known/: the OpenID document and the JWKS.

On AWS these live at the issuer's host, here at the emulator's one origin. As on AWS the document
has no `code_challenge_methods_supported`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.ministack_client import MiniStackClient
from cognito_emulator.rules.claims import issuer
from cognito_emulator.settings import Settings
from cognito_emulator.user_pools import UserPools

POOL = r"/{pool_id:[\w-]{1,55}_[0-9a-zA-Z]+}/.well-known"


@dataclass(frozen=True, slots=True)
class DiscoveryEndpoints:
    """Browser addresses by PUBLIC_URL, the others by SERVER_URL."""

    settings: Settings
    ministack: MiniStackClient
    pools: UserPools

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get(f"{POOL}/openid-configuration", self.openid_configuration),
            web.get(f"{POOL}/jwks.json", self.jwks),
        ]

    async def openid_configuration(self, request: web.Request) -> web.Response:
        pool_id = await self._pool_id(request)
        browser, server = self.settings.public_url, self.settings.server_url
        document = {
            "authorization_endpoint": f"{browser}/oauth2/authorize",
            "end_session_endpoint": f"{browser}/logout",
            "id_token_signing_alg_values_supported": ["RS256"],
            "issuer": issuer(self.settings.region, pool_id),
            "jwks_uri": f"{server}/{pool_id}/.well-known/jwks.json",
            "response_types_supported": ["code", "token"],
            "revocation_endpoint": f"{server}/oauth2/revoke",
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint": f"{server}/oauth2/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "userinfo_endpoint": f"{server}/oauth2/userInfo",
        }
        return web.json_response(document)

    async def jwks(self, request: web.Request) -> web.Response:
        keys = await self.ministack.jwks(await self._pool_id(request))
        if keys is None:
            raise web.HTTPNotFound
        return web.json_response(keys)

    async def _pool_id(self, request: web.Request) -> str:
        pool_id = request.match_info["pool_id"]
        if pool_id not in await self.pools.pool_ids():
            raise web.HTTPNotFound
        return pool_id
