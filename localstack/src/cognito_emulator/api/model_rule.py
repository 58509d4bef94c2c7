"""Every call must have the shape that its service model names."""

from collections.abc import Mapping
from dataclasses import dataclass

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward, Service
from cognito_emulator.api.service_model import ServiceModel
from cognito_emulator.rules.errors import ApiError


@dataclass(frozen=True, slots=True)
class ModelRule:
    """Unknown operations, missing signatures, wrong types, lengths, patterns, enumerations."""

    models: Mapping[Service, ServiceModel]

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        model = self.models[call.service]
        if not call.signed and call.operation not in model.unsigned:
            raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
        model.check(call.operation, call.body)
        return await forward(call)
