"""Client secrets of Cognito's shape, `[\\w+]+`: MiniStack makes others and ignores `ClientSecret`.

The front keeps the secret that callers see; MiniStack only knows that the client has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.state import EmulatorState


@dataclass(frozen=True, slots=True)
class ClientSecretRule:
    """Replaces `ClientSecret` in the answers that carry one."""

    state: EmulatorState

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        match call.operation:
            case "CreateUserPoolClient":
                return await self._create(call, forward)
            case "DescribeUserPoolClient" | "UpdateUserPoolClient":
                answer = await forward(call)
                return self._rewrite(answer) if answer.ok else answer
            case "DeleteUserPoolClient":
                answer = await forward(call)
                if answer.ok:
                    self.state.forget_client(call.body["ClientId"])
                return answer
            case _:
                return await forward(call)

    async def _create(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        chosen = call.body.get("ClientSecret")
        body: Mapping[str, Any] = {k: v for k, v in call.body.items() if k != "ClientSecret"}
        if chosen:
            body = {**body, "GenerateSecret": True}
        answer = await forward(ApiCall(call.service, call.operation, body, call.signed))
        if not answer.ok:
            return answer
        client = answer.json()["UserPoolClient"]
        if chosen:
            self.state.client_secrets[client["ClientId"]] = chosen
        return self._rewrite(answer)

    def _rewrite(self, answer: ApiAnswer) -> ApiAnswer:
        body = answer.json()
        client = body.get("UserPoolClient") or {}
        if client.get("ClientSecret"):
            client["ClientSecret"] = self.state.client_secret(client["ClientId"])
        return answer.replacing(body)
