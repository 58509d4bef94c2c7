"""POST /oauth2/revoke (developer guide, "The revoke token endpoint"): refresh tokens only."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.oauth.reading import read_token_form
from cognito_emulator.oauth.token import CORS
from cognito_emulator.rules.client_authentication import authenticate, read_credentials
from cognito_emulator.rules.errors import TokenError
from cognito_emulator.state import EmulatorState
from cognito_emulator.user_pools import UserPools


@dataclass(frozen=True, slots=True)
class RevokeEndpoint:
    """Answers 200 with nothing, whether the token was known or not."""

    state: EmulatorState
    pools: UserPools

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/oauth2/revoke", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        form = await read_token_form(request)
        token = form.get("token")
        if not token:
            raise TokenError("invalid_request", "token is missing")
        try:
            credentials = read_credentials(request.headers.get("Authorization"), form)
            client = await self.pools.find_client(credentials.client_id)
            if client is None:
                raise TokenError("invalid_client", "the client does not exist")
            authenticate(credentials, client.secret)
        except TokenError as error:
            # 401 here, although the token endpoint says 400.
            status = 401 if error.code == "invalid_client" else error.status
            raise TokenError(error.code, error.description, status) from error
        if not client.may_revoke:
            raise TokenError("invalid_request", "token revocation is not enabled for the client")
        if is_jwt(token):
            raise TokenError("unsupported_token_type")
        grant = self.state.find_refresh(token)
        if grant is not None and grant.sign_in.client_id == client.client_id:
            self.state.revoke_refresh(token)
        return web.Response(headers=CORS)


def is_jwt(token: str) -> bool:
    """Access and ID tokens have three parts; our refresh tokens have no dot at all."""
    return token.count(".") == 2
