"""Operations that end sign-ins end the front's refresh tokens too.

API reference: RevokeToken, GlobalSignOut, AdminUserGlobalSignOut, AdminDisableUser,
AdminDeleteUser, DeleteUser, DeleteUserPool.
"""

from dataclasses import dataclass

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.rules.client_authentication import ClientCredentials, authenticate
from cognito_emulator.rules.errors import ApiError, TokenError
from cognito_emulator.state import EmulatorState
from cognito_emulator.tokens import TokenMinter
from cognito_emulator.user_pools import UserPools

BY_ADMIN = frozenset({"AdminUserGlobalSignOut", "AdminDisableUser", "AdminDeleteUser"})
BY_USER = frozenset({"GlobalSignOut", "DeleteUser"})


@dataclass(frozen=True, slots=True)
class TokenRevocationRule:
    """Watches what revokes, and what is asked with a revoked access token.

    RevokeToken is answered here for the front's own refresh tokens.
    """

    state: EmulatorState
    pools: UserPools
    tokens: TokenMinter

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        if call.operation in BY_ADMIN:
            return await self._by_admin(call, forward)
        if "AccessToken" in call.body:
            return await self._by_user(call, forward)
        if call.operation == "DeleteUserPool":
            answer = await forward(call)
            self.state.keep_pools(await self.pools.pool_ids())
            return answer
        if call.operation == "RevokeToken":
            return await self._revoke(call, forward)
        return await forward(call)

    async def _by_admin(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        pool_id = call.body["UserPoolId"]
        # Looked up before: afterwards the user may be gone.
        user = await self.pools.find_user(pool_id, call.body["Username"])
        answer = await forward(call)
        if answer.ok and user is not None:
            self.state.revoke_user(pool_id, user.sub)
        return answer

    async def _by_user(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        claims = await self.tokens.verified_access_claims(call.body["AccessToken"])
        if claims is not None and self.state.is_revoked(claims["origin_jti"]):
            raise ApiError("NotAuthorizedException", "Access Token has been revoked")
        answer = await forward(call)
        if answer.ok and claims is not None and call.operation in BY_USER:
            self.state.revoke_user(claims["iss"].rpartition("/")[2], claims["sub"])
        return answer

    async def _revoke(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        grant = self.state.find_refresh(call.body["Token"])
        if grant is None:
            return await forward(call)
        client = await self.pools.find_client(call.body["ClientId"])
        try:
            if client is None:
                raise TokenError("invalid_client")
            credentials = ClientCredentials(client.client_id, call.body.get("ClientSecret"))
            authenticate(credentials, client.secret)
        except TokenError as error:
            raise ApiError("UnauthorizedException", "Invalid client credentials.") from error
        if not client.may_revoke:
            raise ApiError("UnsupportedOperationException", "Token revocation is not enabled.")
        if grant.sign_in.client_id == client.client_id:
            self.state.revoke_refresh(call.body["Token"])
        return ApiAnswer.of({})
