"""Calls are signed with the one access key that there is: another account's is refused."""

from dataclasses import dataclass

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward
from cognito_emulator.rules.errors import ApiError


@dataclass(frozen=True, slots=True)
class CredentialsRule:
    """Signatures are not verified; whose they are is."""

    access_key_id: str

    async def apply(self, call: ApiCall, forward: Forward) -> ApiAnswer:
        if call.signed and call.access_key_id != self.access_key_id:
            raise ApiError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        return await forward(call)
