"""GET and POST /oauth2/userInfo (developer guide, "The user attributes endpoint")."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.rules.claims import readable_attributes
from cognito_emulator.state import EmulatorState
from cognito_emulator.tokens import TokenMinter
from cognito_emulator.user_pools import UserPools


@dataclass(frozen=True, slots=True)
class UserInfoEndpoint:
    """The attributes that the scopes of an access token open. Needs the scope openid."""

    state: EmulatorState
    pools: UserPools
    tokens: TokenMinter

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/oauth2/userInfo", self.handle, allow_head=False),
            web.post("/oauth2/userInfo", self.handle),
        ]

    async def handle(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        claims = None
        if scheme.lower() == "bearer" and token.isascii():
            claims = await self.tokens.verified_access_claims(token.strip())
        if claims is None or self.state.is_revoked(claims["origin_jti"]):
            return _refusal("invalid_token", "Access token is expired, disabled, or deleted.")
        scopes = str(claims.get("scope", "")).split()
        if "openid" not in scopes:
            return _refusal("invalid_token", "Access token does not contain openid scope")
        client = await self.pools.find_client(claims["client_id"])
        pool_id = claims["iss"].rpartition("/")[2]
        user = await self.pools.active_user(pool_id, claims["username"], claims["sub"])
        if client is None or user is None:
            return _refusal("invalid_token", "Access token is expired, disabled, or deleted.")
        # All values are strings here, the verified flags too.
        attributes = readable_attributes(user, scopes, client)
        body = {"sub": user.sub, **attributes, "username": user.username}
        return web.json_response(body, headers={"Cache-Control": "no-store"})


def _refusal(error: str, description: str) -> web.Response:
    challenge = f'Bearer error="{error}", error_description="{description}"'
    return web.json_response(
        {"error": error, "error_description": description},
        status=401,
        headers={"WWW-Authenticate": challenge},
    )
