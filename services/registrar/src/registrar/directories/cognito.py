"""App clients of an Amazon Cognito user pool, through boto3 in threads."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from registrar.aws import (
    ANSWER_LOST,
    ATTEMPTS,
    AWS_ERRORS,
    AwsCalls,
    AwsError,
    Pause,
    is_fault,
    reason_of,
)
from registrar.directories.port import (
    AppClient,
    AppClientCredentials,
    AppClientNotFoundError,
    AppClientRequest,
    DirectoryError,
    DirectoryFullError,
)

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

# beyond the grants' 90 days, so that a grant never ends because its app client's validity did
_REFRESH_VALIDITY_DAYS = 100
_PAGE_SIZE = 60

_CONCURRENT = "ConcurrentModificationException"
_FULL = "LimitExceededException"
_NOT_FOUND = "ResourceNotFoundException"


class CognitoDirectory:
    """One user pool. Two creations make two app clients: a call without an answer is not repeated.

    connect: builds the boto3 client, whose own retries are off; called once, in a thread
    """

    def __init__(
        self,
        pool_id: str,
        connect: Callable[[], "CognitoIdentityProviderClient"],
        *,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._pool_id = pool_id
        self._aws = AwsCalls(connect, is_repeatable=False, pause=pause)

    async def create(self, asked: AppClientRequest) -> AppClientCredentials:
        made = await self._call("create_user_pool_client", GenerateSecret=True, **_shape(asked))
        client = made["UserPoolClient"]
        return AppClientCredentials(client["ClientId"], client["ClientSecret"])

    async def find(self, name: str) -> AppClient | None:
        return next((client for client in await self.list() if client.name == name), None)

    async def exists(self, client_id: str) -> bool:
        try:
            await self._call("describe_user_pool_client", ClientId=client_id)
        except AppClientNotFoundError:
            return False
        return True

    async def update(self, client_id: str, asked: AppClientRequest) -> None:
        """Read, change, write: the update resets to its default whatever it is not told."""
        for attempt in range(ATTEMPTS):
            found = await self._call("describe_user_pool_client", ClientId=client_id)
            wanted = _merged(await self._updatable(found["UserPoolClient"]), _shape(asked))
            try:
                await self._call("update_user_pool_client", **wanted)
            except DirectoryError as error:
                if error.reason != _CONCURRENT or attempt == ATTEMPTS - 1:
                    raise
                await self._aws.back_off(attempt)
            else:
                return

    async def delete(self, client_id: str) -> None:
        try:
            await self._call("delete_user_pool_client", ClientId=client_id)
        except AppClientNotFoundError:
            return

    async def list(self) -> list[AppClient]:
        found: list[AppClient] = []
        page: dict[str, Any] = {"MaxResults": _PAGE_SIZE}
        while True:
            answer = await self._call("list_user_pool_clients", **page)
            found += [
                AppClient(client["ClientId"], client["ClientName"])
                for client in answer["UserPoolClients"]
            ]
            if not (token := answer.get("NextToken")):
                return found
            page["NextToken"] = token

    async def _updatable(self, described: Mapping[str, Any]) -> dict[str, Any]:
        client = await self._aws.client()
        operation = client.meta.service_model.operation_model("UpdateUserPoolClient")
        members = operation.input_shape.members if operation.input_shape else {}
        return {
            name: value
            for name, value in described.items()
            if name in members and name != "UserPoolId"
        }

    async def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return await self._aws.call(operation, UserPoolId=self._pool_id, **arguments)
        except AWS_ERRORS as error:
            raise _translated(error) from error


def _shape(asked: AppClientRequest) -> dict[str, Any]:
    """A confidential client of the code flow; Cognito's defaults allow log-in by API as well."""
    return {
        "ClientName": asked.name,
        "CallbackURLs": [asked.callback_url],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": list(asked.scopes),
        "SupportedIdentityProviders": list(asked.identity_providers),
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
        "RefreshTokenValidity": _REFRESH_VALIDITY_DAYS,
        "TokenValidityUnits": {"RefreshToken": "days"},
    }


def _merged(kept: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    units = {**kept.get("TokenValidityUnits", {}), **shape["TokenValidityUnits"]}
    return {**kept, **shape, "TokenValidityUnits": units}


def _translated(error: AwsError) -> DirectoryError:
    reason = reason_of(error)
    if not isinstance(error, ClientError):
        return DirectoryError(reason, may_have_happened=isinstance(error, ANSWER_LOST))
    if reason == _FULL:
        return DirectoryFullError(reason)
    if reason == _NOT_FOUND:
        return AppClientNotFoundError(reason)
    return DirectoryError(reason, may_have_happened=is_fault(error))
