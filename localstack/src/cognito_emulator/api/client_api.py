"""What an app with this client would call: the pages go through the same rules as everybody."""

from dataclasses import dataclass
from typing import Any

from cognito_emulator.api.rule import ApiCall, Forward
from cognito_emulator.api.self_service import secret_hash
from cognito_emulator.rules.app_client import AppClient
from cognito_emulator.rules.errors import ApiError


@dataclass(frozen=True, slots=True)
class ClientApi:
    """Operations that need no credentials of AWS."""

    forward: Forward

    async def call(
        self, operation: str, client: AppClient, username: str, **body: Any
    ) -> dict[str, Any]:
        """The answer. Raises ApiError."""
        named: dict[str, Any] = {"ClientId": client.client_id, "Username": username, **body}
        if client.secret is not None:
            named["SecretHash"] = secret_hash(client.secret, username, client.client_id)
        answer = await self.forward(ApiCall("cognito-idp", operation, named, signed=False))
        said = answer.json()
        if not answer.ok:
            raise ApiError(said.get("__type", "InternalErrorException"), said.get("message", ""))
        return said
