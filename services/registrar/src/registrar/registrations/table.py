"""The DynamoDB table of registrations: conditional writes, strongly consistent reads.

The deployment makes the table, or the emulator's seed: string key `client_id`, TTL on `expires_at`.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from oauth_kit.rules.errors import OAuthError
from registrar.aws import AWS_ERRORS, AwsCalls, Pause, aws_config, aws_session, reason_of
from registrar.registrations.stored import Registration, note_unreadable, read_client

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEY = "client_id"
_KEY_SCHEMA = [{"AttributeName": KEY, "KeyType": "HASH"}]
_KEY_TYPE = {"AttributeName": KEY, "AttributeType": "S"}
_USABLE = ("ACTIVE", "UPDATING")

_CONNECT_SECONDS = 1
_READ_SECONDS = 2
_DEADLINE_SECONDS = 6.0
_THREADS = 16

_MISSING = "ResourceNotFoundException"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")


class RegistrationTable:
    """Every method raises OAuthError("temporarily_unavailable") when the table cannot be used.

    DynamoDB deletes what has expired within days, so an expired item is no item here.

    connect:           builds the boto3 client, whose own retries are off; called once, in a thread
    deadline_seconds:  for one call, its repetitions and its wait for a thread
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], "DynamoDBClient"],
        *,
        pause: Pause = asyncio.sleep,
        deadline_seconds: float = _DEADLINE_SECONDS,
    ) -> None:
        self._name = name
        self._deadline_seconds = deadline_seconds
        # of its own: a table that hangs must not hold up whatever else runs in threads
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="dynamodb")
        self._aws = AwsCalls(connect, is_repeatable=True, pause=pause, threads=self._threads)

    async def identity(self) -> str:
        """Which table this is: one of the same name that is made anew has another identity."""
        table = (await self._call("describe_table"))["Table"]
        if table["TableStatus"] not in _USABLE:
            raise _unavailable(f"the table {self._name} is {table['TableStatus']}")
        if table["KeySchema"] != _KEY_SCHEMA or _KEY_TYPE not in table["AttributeDefinitions"]:
            raise _unavailable(f"the key of the table {self._name} is not the string {KEY}")
        return str(table["TableId"])

    async def ready(self) -> str | None:
        """A readiness check: None when the table can be used, else the reason."""
        try:
            await self.identity()
        except OAuthError as error:
            return error.reason
        return None

    async def add(self, registration: Registration, *, now: int) -> bool:
        """False when the id has a registration, which stays as it is."""
        client = registration.client
        item = {
            KEY: {"S": client.client_id},
            "client": {"S": client.to_json()},
            "expires_at": {"N": str(registration.expires_at)},
            "used": {"BOOL": registration.used},
        }
        return await self._succeeds(
            "put_item",
            Item=item,
            ConditionExpression=f"attribute_not_exists({KEY}) OR expires_at <= :now",
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )

    async def find(self, client_id: str, *, now: int) -> Registration | None:
        answer = await self._call("get_item", Key={KEY: {"S": client_id}}, ConsistentRead=True)
        found = _read(client_id, answer.get("Item"))
        return found if found and found.expires_at > now else None

    async def renew(self, client_id: str, *, now: int, expires_at: int) -> Registration | None:
        """The registration as it is afterwards; None, and nothing is made, when there is none."""
        try:
            answer = await self._call(
                "update_item",
                Key={KEY: {"S": client_id}},
                UpdateExpression="SET expires_at = :expires_at, used = :used",
                ConditionExpression="expires_at > :now",
                ExpressionAttributeValues={
                    ":now": {"N": str(now)},
                    ":expires_at": {"N": str(expires_at)},
                    ":used": {"BOOL": True},
                },
                ReturnValues="ALL_NEW",
            )
        except _ConditionFailedError:
            return None
        return _read(client_id, answer["Attributes"])

    async def remove_unused(self, client_id: str) -> bool:
        """False when it has logged somebody in meanwhile; then it stays."""
        return await self._succeeds(
            "delete_item",
            Key={KEY: {"S": client_id}},
            ConditionExpression=f"attribute_not_exists({KEY}) OR used = :unused",
            ExpressionAttributeValues={":unused": {"BOOL": False}},
        )

    def close(self) -> None:
        self._aws.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _succeeds(self, operation: str, **arguments: Any) -> bool:
        try:
            await self._call(operation, **arguments)
        except _ConditionFailedError:
            return False
        return True

    async def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._aws.call(operation, TableName=self._name, **arguments)
        except AWS_ERRORS as error:
            reason = reason_of(error)
            if isinstance(error, ClientError) and reason == _CONDITION_FAILED:
                raise _ConditionFailedError from error
            if isinstance(error, ClientError) and reason == _MISSING:
                reason = f"there is no table {self._name}: the deployment, or the seed, makes it"
            raise _unavailable(reason) from error
        except TimeoutError as error:
            raise _unavailable("TimeoutError") from error


class _ConditionFailedError(Exception):
    """The item was not in the state that the call asked for, and stays as it is."""


def connect_dynamodb(region: str, *, endpoint_url: str | None) -> "DynamoDBClient":
    """endpoint_url: None = AWS; plain http, which AWS does not speak, is an emulator"""
    is_emulated = endpoint_url is not None and endpoint_url.startswith("http:")
    return aws_session(is_emulated=is_emulated).client(
        "dynamodb",
        region_name=region,
        endpoint_url=endpoint_url,
        config=aws_config(
            is_emulated=is_emulated,
            connect_seconds=_CONNECT_SECONDS,
            read_seconds=_READ_SECONDS,
            connections=_THREADS,
        ),
    )


def _read(client_id: str, item: Mapping[str, Any] | None) -> Registration | None:
    """None, and a line in the log, for an item that is no registration."""
    if item is None:
        return None
    record = item.get("client", {}).get("S")
    expires_at = item.get("expires_at", {}).get("N", "")
    if not isinstance(record, str) or not _UNIX_SECONDS.fullmatch(expires_at):
        note_unreadable(client_id, "an attribute is missing or of another type")
        return None
    client = read_client(record, client_id)
    if client is None:
        return None
    return Registration(client, int(expires_at), used=item.get("used") == {"BOOL": True})


def _unavailable(reason: str) -> OAuthError:
    return OAuthError(
        "temporarily_unavailable",
        "The service cannot reach its store, try again shortly",
        reason=f"dynamodb: {reason}",
    )
