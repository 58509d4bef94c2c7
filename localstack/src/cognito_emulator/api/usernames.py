"""In a pool whose names are not case-sensitive, MiniStack gets the one spelling it compares.

API reference, UsernameConfigurationType: user names, and the aliases email and preferred_username.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.rules.user_pool import UserPool
from cognito_emulator.user_pools import UserPools

NAMES = frozenset({"email", "preferred_username"})
SETS_ATTRIBUTES = frozenset({"AdminCreateUser", "AdminUpdateUserAttributes"})


@dataclass(frozen=True, slots=True)
class UsernameRule:
    """Respells `Username` and the aliases among `UserAttributes` of administrators' calls."""

    pools: UserPools

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        # Members that an operation does not have were not judged by its model.
        name, pool_id = call.body.get("Username"), call.body.get("UserPoolId")
        if not (call.operation.startswith("Admin") and isinstance(name, str)):
            return await forward(call)
        if not isinstance(pool_id, str):
            return await forward(call)
        pool = await self.pools.describe_pool(pool_id)
        body = {**call.body, "Username": pool.canonical(name)}
        if call.operation in SETS_ATTRIBUTES:
            body = respelled(pool, body)
        return await forward(replace(call, body=body))


def respelled(pool: UserPool, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body in the pool's spelling."""
    changed = {**body, "Username": pool.canonical(body["Username"])}
    if body.get("UserAttributes"):
        changed["UserAttributes"] = [
            {**given, "Value": pool.canonical(given["Value"])}
            if given["Name"] in NAMES and given.get("Value")
            else given
            for given in body["UserAttributes"]
        ]
    return changed
