"""DynamoDB is here for one table: what its seed and the registrar do with it, and nothing else.

As an IAM policy of least privilege would have it, and with what MiniStack does not judge.
"""

from dataclasses import dataclass
from typing import Any

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.rules.errors import ApiError

REGISTRARS = frozenset({"DescribeTable", "GetItem", "PutItem", "UpdateItem", "DeleteItem"})
SEEDS = frozenset({"CreateTable", "DescribeTable", "DescribeTimeToLive", "UpdateTimeToLive"})

ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True)
class RegistrationTableRule:
    """table: the only one there may be"""

    table: str
    region: str

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        if call.service != "dynamodb":
            return await forward(call)
        name = call.body.get("TableName")
        if call.operation not in REGISTRARS | SEEDS or name != self.table:
            raise self._denial(call.operation, name)
        if call.operation == "UpdateTimeToLive":
            await self._judge_expiry(call.body["TimeToLiveSpecification"], forward)
        return await forward(call)

    def _denial(self, operation: str, name: object) -> ApiError:
        action = f"dynamodb:{operation}"
        table = f"table/{name}" if isinstance(name, str) else "*"
        return ApiError(
            "AccessDeniedException",
            f"User: arn:aws:iam::{ACCOUNT}:user/emulator is not authorized to perform: {action} "
            f"on resource: arn:aws:dynamodb:{self.region}:{ACCOUNT}:{table} because no "
            f"identity-based policy allows the {action} action",
        )

    async def _judge_expiry(self, asked: dict[str, Any], forward: Forward) -> None:
        """UpdateTimeToLive is not idempotent on AWS."""
        question = ApiCall("dynamodb", "DescribeTimeToLive", {"TableName": self.table}, signed=True)
        answer = await forward(question)
        if not answer.ok:
            return
        found = answer.json()["TimeToLiveDescription"]
        enabled = found["TimeToLiveStatus"] == "ENABLED"
        if enabled != asked["Enabled"]:
            return
        if not enabled:
            raise ApiError("ValidationException", "TimeToLive is already disabled")
        if found["AttributeName"] != asked["AttributeName"]:
            raise ApiError(
                "ValidationException",
                "TimeToLive is active on a different AttributeName: current AttributeName is "
                + found["AttributeName"],
            )
        raise ApiError("ValidationException", "TimeToLive is already enabled")
