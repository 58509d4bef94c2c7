"""What the front asks MiniStack about pools, app clients and users."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cognito_emulator.ministack_client import MiniStackClient
from cognito_emulator.rules.app_client import AppClient, User
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.user_pool import UserPool
from cognito_emulator.state import EmulatorState

NOT_FOUND = frozenset({"ResourceNotFoundException", "UserNotFoundException"})
PAGE = 60
CLIENT_ID = re.compile(r"[\w+]{1,128}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class UserPools:
    """Asks every time: what the API changed a moment ago counts at once.

    Only which pool a client belongs to is remembered, because it cannot change.
    """

    ministack: MiniStackClient
    state: EmulatorState
    _pool_of_client: dict[str, str] = field(default_factory=dict)

    async def pool_ids(self) -> list[str]:
        """Every pool; the emulator's one origin serves them all."""
        pools = await self._all("ListUserPools", {"MaxResults": PAGE}, "UserPools", "NextToken")
        return [pool["Id"] for pool in pools]

    async def describe_pool(self, pool_id: str) -> UserPool:
        """DescribeUserPool. Raises ApiError(ResourceNotFoundException)."""
        answer = await self.ministack.cognito("DescribeUserPool", {"UserPoolId": pool_id})
        return UserPool.parse(answer["UserPool"])

    async def describe_client(self, pool_id: str, client_id: str) -> dict[str, Any]:
        """DescribeUserPoolClient. Raises ApiError(ResourceNotFoundException)."""
        answer = await self.ministack.cognito(
            "DescribeUserPoolClient", {"UserPoolId": pool_id, "ClientId": client_id}
        )
        described: dict[str, Any] = answer["UserPoolClient"]
        return described

    async def find_client(self, client_id: str) -> AppClient | None:
        """The app client of any pool, None when there is none (any more)."""
        if not CLIENT_ID.match(client_id):
            return None
        known = self._pool_of_client.get(client_id)
        for pool_id in [known] if known else await self.pool_ids():
            try:
                described = await self.describe_client(pool_id, client_id)
            except ApiError as error:
                if error.error_type not in NOT_FOUND:
                    raise
                continue
            self._pool_of_client[client_id] = pool_id
            confidential = bool(described.get("ClientSecret"))
            secret = self.state.client_secret(client_id) if confidential else None
            return AppClient.parse(described, secret)
        self._pool_of_client.pop(client_id, None)
        return None

    async def find_user(self, pool_id: str, username: str) -> User | None:
        """The user of that name or alias, None when there is none."""
        try:
            answer = await self.ministack.cognito(
                "AdminGetUser", {"UserPoolId": pool_id, "Username": username}
            )
        except ApiError as error:
            if error.error_type not in NOT_FOUND:
                raise
            return None
        return User.parse(pool_id, answer)

    async def active_user(self, pool_id: str, username: str, sub: str) -> User | None:
        """The user, if still enabled and still the same one (a name may be given anew)."""
        user = await self.find_user(pool_id, username)
        return user if user is not None and user.enabled and user.sub == sub else None

    async def confirm_user(self, user: User) -> None:
        """AdminConfirmSignUp."""
        await self.ministack.cognito("AdminConfirmSignUp", _named(user))

    async def set_attribute(self, user: User, name: str, value: str) -> None:
        """AdminUpdateUserAttributes."""
        changed = {"UserAttributes": [{"Name": name, "Value": value}]}
        await self.ministack.cognito("AdminUpdateUserAttributes", {**_named(user), **changed})

    async def set_password(self, user: User, password: str) -> None:
        """AdminSetUserPassword, for good; also ends a status that asks for a reset."""
        changed = {"Password": password, "Permanent": True}
        await self.ministack.cognito("AdminSetUserPassword", {**_named(user), **changed})

    async def groups(self, user: User) -> list[str]:
        """Names of the user's groups, for `cognito:groups`."""
        answer = await self.ministack.cognito("AdminListGroupsForUser", _named(user))
        return [group["GroupName"] for group in answer.get("Groups", ())]

    async def custom_scopes(self, pool_id: str) -> frozenset[str]:
        """`<resource server>/<scope>` of every resource server of the pool."""
        body: Mapping[str, Any] = {"UserPoolId": pool_id, "MaxResults": 50}
        servers = await self._all("ListResourceServers", body, "ResourceServers", "NextToken")
        return frozenset(
            f"{server['Identifier']}/{scope['ScopeName']}"
            for server in servers
            for scope in server.get("Scopes") or ()
        )

    async def identity_providers(self, pool_id: str) -> frozenset[str]:
        """Names of the pool's federated providers."""
        body: Mapping[str, Any] = {"UserPoolId": pool_id, "MaxResults": PAGE}
        providers = await self._all("ListIdentityProviders", body, "Providers", "NextToken")
        return frozenset(provider["ProviderName"] for provider in providers)

    async def _all(
        self, operation: str, body: Mapping[str, Any], items: str, token: str
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        following: str | None = None
        while True:
            asked = {**body, token: following} if following else body
            answer = await self.ministack.cognito(operation, asked)
            found.extend(answer.get(items, ()))
            following = answer.get(token)
            if not following:
                return found


def _named(user: User) -> dict[str, str]:
    return {"UserPoolId": user.pool_id, "Username": user.username}
