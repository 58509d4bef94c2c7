"""Stores of registered clients with everything behind them within reach of a test."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from oauth_kit.records.client import Client, client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis
from oauth_kit.rules.client_metadata import ClientMetadata
from registrar.aws import ATTEMPTS
from registrar.registrations.dynamodb import DynamoDbRegistrations
from registrar.registrations.port import Registrations
from registrar.registrations.redis import RedisRegistrations
from registrar.registrations.table import RegistrationTable

DAY = 86_400
KEYSPACE = Keyspace("test")
TABLE = "mcp-authstack-registrations"


class SteppingClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000

    def __call__(self) -> int:
        return self.now


def a_client(client_id: str) -> Client:
    return Client(
        client_id=client_id,
        kind="registered",
        metadata=ClientMetadata(
            redirect_uris=("https://client.example/cb?a=\u00e9", "http://127.0.0.1/cb"),
            token_endpoint_auth_method="client_secret_basic",
            scope=("mcp-api/read",),
            client_name="名前",
            application_type="native",
        ),
        secret_hash="sha256:00",
        method_was_defaulted=True,
        issued_at=1_800_000_000,
    )


async def no_pause(seconds: float) -> None:
    """Retries at once."""


class TroubledDynamoDb:
    """The boto3 client of an emulator's DynamoDB, which can be told to fail.

    instead: what happens in place of the next calls, by operation, first come first served
    after:   what happens when they have been made: an error raised there is an answer that is lost
    """

    def __init__(self, boto3: Any) -> None:
        self.boto3 = boto3
        self.instead: dict[str, list[Callable[[], None]]] = {}
        self.after: dict[str, list[Callable[[], None]]] = {}
        self.calls: list[str] = []

    def put_item(self, **arguments: Any) -> Any:
        return self._call("put_item", arguments)

    def get_item(self, **arguments: Any) -> Any:
        return self._call("get_item", arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self._call("update_item", arguments)

    def delete_item(self, **arguments: Any) -> Any:
        return self._call("delete_item", arguments)

    def describe_table(self, **arguments: Any) -> Any:
        return self._call("describe_table", arguments)

    def _call(self, operation: str, arguments: dict[str, Any]) -> Any:
        self.calls.append(operation)
        if self.instead.get(operation):
            self.instead[operation].pop(0)()
        answer = getattr(self.boto3, operation)(**arguments)
        if self.after.get(operation):
            self.after[operation].pop(0)()
        return answer


def raising(error: Exception) -> Callable[[], None]:
    def happens() -> None:
        raise error

    return happens


def refusing(code: str, status: int = 400) -> Callable[[], None]:
    """An answer of AWS that is an error."""
    metadata: Any = {"HTTPStatusCode": status}
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": metadata}
    return raising(ClientError(answer, "Call"))


def away() -> list[Callable[[], None]]:
    """As often as a call is tried."""
    return [raising(EndpointConnectionError(endpoint_url="http://localhost"))] * ATTEMPTS


@dataclass
class RegistrationWorld:
    """One store, for three clients at most. Ids are the world's own: a table outlives a test."""

    registrations: Registrations
    copies: RedisRegistrations
    clock: SteppingClock
    dynamodb: TroubledDynamoDb | None = None
    name: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def redis(self) -> Redis:
        return self.copies.redis

    def client_id(self, number: int = 1) -> str:
        return f"mcp-{self.name}-{number}"

    def client(self, number: int = 1) -> Client:
        return a_client(self.client_id(number))

    def with_room(self, max_clients: int) -> None:
        self.copies = replace(self.copies, max_clients=max_clients)
        if isinstance(self.registrations, DynamoDbRegistrations):
            self.registrations = replace(self.registrations, copies=self.copies)
        else:
            self.registrations = self.copies

    async def create_used(self, *numbers: int) -> None:
        for number in numbers:
            await self.registrations.create(self.client(number))
            assert await self.registrations.touch(self.client_id(number))

    async def who_is_left(self) -> list[int]:
        return [n for n in range(9) if await self.registrations.get(self.client_id(n))]

    async def roll(self, name: str) -> list[str]:
        entries = await self.redis.zrange(KEYSPACE.key("registrations", name), 0, -1)
        return [str(entry) for entry in entries]

    async def lose_copy(self, number: int = 1) -> None:
        """Redis forgets it, as it does by itself when its time is over."""
        await self.redis.delete(client_key(KEYSPACE, self.client_id(number)))

    async def copy_lives(self, number: int = 1) -> int:
        return int(await self.redis.ttl(client_key(KEYSPACE, self.client_id(number))))

    async def plant(self, record: str, number: int = 1) -> None:
        """Put a record of the test's own making where this store keeps it."""
        if self.dynamodb is None:
            await self.redis.set(client_key(KEYSPACE, self.client_id(number)), record)
        else:
            expires_at = str(self.clock() + DAY)
            await self.plant_item(
                {"client": {"S": record}, "expires_at": {"N": expires_at}}, number
            )

    async def plant_item(self, attributes: dict[str, Any], number: int = 1) -> None:
        item = {"client_id": {"S": self.client_id(number)}, **attributes}
        await asyncio.to_thread(self._dynamodb().boto3.put_item, TableName=TABLE, Item=item)

    async def item(self, number: int = 1) -> dict[str, Any] | None:
        """What the table holds, expired or not."""
        answer = await asyncio.to_thread(
            self._dynamodb().boto3.get_item,
            TableName=TABLE,
            Key={"client_id": {"S": self.client_id(number)}},
            ConsistentRead=True,
        )
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _dynamodb(self) -> TroubledDynamoDb:
        assert self.dynamodb is not None
        return self.dynamodb


def redis_world(redis: Redis) -> RegistrationWorld:
    clock = SteppingClock()
    copies = RedisRegistrations(
        redis,
        KEYSPACE,
        clock,
        max_clients=3,
        unused_seconds=30 * DAY,
        used_seconds=90 * DAY,
    )
    return RegistrationWorld(copies, copies, clock)


def dynamodb_world(redis: Redis, dynamodb: TroubledDynamoDb) -> RegistrationWorld:
    world = redis_world(redis)
    table = registration_table(dynamodb)
    world.registrations = DynamoDbRegistrations(table, world.copies, world.clock)
    world.dynamodb = dynamodb
    return world


def registration_table(dynamodb: Any, **changes: Any) -> RegistrationTable:
    return RegistrationTable(TABLE, lambda: dynamodb, **{"pause": no_pause, **changes})
