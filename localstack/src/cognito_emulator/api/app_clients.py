"""CreateUserPoolClient and UpdateUserPoolClient refuse what Cognito refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.rules.app_client_rules import PoolFacts, check_app_client
from cognito_emulator.user_pools import UserPools


@dataclass(frozen=True, slots=True)
class AppClientRule:
    """Gathers what the pure rules need, then lets them decide."""

    pools: UserPools

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        match call.operation:
            case "CreateUserPoolClient":
                asked: Mapping[str, Any] = call.body
                has_secret = bool(asked.get("GenerateSecret") or asked.get("ClientSecret"))
            case "UpdateUserPoolClient":
                # What the client would be afterwards: MiniStack keeps the fields left out.
                existing = await self.pools.describe_client(
                    call.body["UserPoolId"], call.body["ClientId"]
                )
                asked = {**existing, **call.body}
                asked.pop("ClientSecret", None)
                has_secret = bool(existing.get("ClientSecret"))
            case _:
                return await forward(call)
        facts = await self._facts(call.body["UserPoolId"])
        check_app_client(asked, facts, has_secret=has_secret)
        return await forward(call)

    async def _facts(self, pool_id: str) -> PoolFacts:
        return PoolFacts(
            custom_scopes=await self.pools.custom_scopes(pool_id),
            identity_providers=await self.pools.identity_providers(pool_id),
        )
