"""The table against AWS's own service model: why it cannot be used, and how long that takes."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.stub import Stubber
from fakes.registration_world import a_client, no_pause

from oauth_kit.rules.errors import OAuthError
from registrar.aws import ATTEMPTS
from registrar.registrations.stored import Registration
from registrar.registrations.table import RegistrationTable, connect_dynamodb

NAME = "registrations"
DESCRIPTION = {
    "TableName": NAME,
    "TableId": "3f0e",
    "TableStatus": "ACTIVE",
    "KeySchema": [{"AttributeName": "client_id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "client_id", "AttributeType": "S"}],
}
BY = {"AttributeName": "owner", "KeyType": "RANGE"}
OWNER = {"AttributeName": "owner", "AttributeType": "S"}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    client = connect_dynamodb("us-east-1", endpoint_url="http://localhost:1")
    yield client
    client.close()


@pytest.fixture
def stubber(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def table(client: Any, stubber: Stubber) -> Iterator[RegistrationTable]:
    table = RegistrationTable(NAME, lambda: client, pause=no_pause)
    yield table
    table.close()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "ResourceNotFoundException",
            "dynamodb: there is no table registrations: the deployment, or the seed, makes it",
        ),
        ("AccessDeniedException", "dynamodb: AccessDeniedException"),
        ("ExpiredTokenException", "dynamodb: ExpiredTokenException"),
    ],
)
async def test_a_table_that_cannot_be_read_is_not_ready_and_says_why(
    table: RegistrationTable, stubber: Stubber, code: str, reason: str
) -> None:
    stubber.add_client_error("describe_table", code)
    assert await table.ready() == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TableStatus": "CREATING"}, "the table registrations is CREATING"),
        ({"TableStatus": "DELETING"}, "the table registrations is DELETING"),
        (
            {"TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"},
            "the table registrations is INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        ),
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]},
            "the key of the table registrations is not the string client_id",
        ),
        (
            {
                "KeySchema": [*DESCRIPTION["KeySchema"], BY],
                "AttributeDefinitions": [*DESCRIPTION["AttributeDefinitions"], OWNER],
            },
            "the key of the table registrations is not the string client_id",
        ),
        (
            {"AttributeDefinitions": [{"AttributeName": "client_id", "AttributeType": "N"}]},
            "the key of the table registrations is not the string client_id",
        ),
    ],
)
async def test_a_table_of_another_kind_is_not_ready(
    table: RegistrationTable, stubber: Stubber, changes: dict[str, Any], reason: str
) -> None:
    stubber.add_response("describe_table", {"Table": DESCRIPTION | changes})
    assert await table.ready() == f"dynamodb: {reason}"


@pytest.mark.parametrize("status", ["ACTIVE", "UPDATING"])
async def test_a_table_that_can_be_used_is_ready_and_has_an_identity(
    table: RegistrationTable, stubber: Stubber, status: str
) -> None:
    described = {"Table": DESCRIPTION | {"TableStatus": status}}
    for _ in range(2):
        stubber.add_response("describe_table", described, {"TableName": NAME})
    assert await table.ready() is None
    assert await table.identity() == "3f0e"


async def test_a_table_that_hangs_is_not_waited_for(client: Any) -> None:
    answer = threading.Event()

    class Hanging:
        def get_item(self, **arguments: object) -> dict[str, object]:
            answer.wait(60)
            return {}

    hanging: Any = Hanging()
    table = RegistrationTable(NAME, lambda: hanging, deadline_seconds=0.01)
    with pytest.raises(OAuthError) as refused:
        await table.find("mcp-a", now=0)
    answer.set()
    assert (refused.value.status, refused.value.reason) == (503, "dynamodb: TimeoutError")


@pytest.mark.parametrize("kind", [ConnectTimeoutError, ReadTimeoutError])
async def test_every_call_may_be_repeated_and_is_a_bounded_number_of_times(kind: Any) -> None:
    made: list[str] = []
    error = kind(endpoint_url="http://localhost:1")

    class Unreachable:
        def __getattr__(self, operation: str) -> Any:
            def call(**arguments: object) -> None:
                made.append(operation)
                raise error

            return call

    unreachable: Any = Unreachable()
    table = RegistrationTable(NAME, lambda: unreachable, pause=no_pause)
    registration = Registration(a_client("mcp-a"), expires_at=2, used=False)
    for operation, call in (
        ("get_item", table.find("mcp-a", now=1)),
        ("put_item", table.add(registration, now=1)),
        ("update_item", table.renew("mcp-a", now=1, expires_at=2)),
        ("delete_item", table.remove_unused("mcp-a")),
    ):
        made.clear()
        with pytest.raises(OAuthError):
            await call
        assert made == [operation] * ATTEMPTS


async def test_a_read_is_consistent_with_every_write_before_it(
    table: RegistrationTable, stubber: Stubber
) -> None:
    expected = {"TableName": NAME, "Key": {"client_id": {"S": "mcp-a"}}, "ConsistentRead": True}
    stubber.add_response("get_item", {}, expected)
    assert await table.find("mcp-a", now=0) is None


async def test_nothing_hangs_longer_than_a_client_waits(client: Any) -> None:
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries["total_max_attempts"] == 1


async def test_calls_at_once_have_threads_of_their_own(client: Any) -> None:
    """They wait for each other here, so each has its own; nobody else's are used."""
    meeting = threading.Barrier(16)
    names: set[str] = set()

    class Slow:
        def get_item(self, **arguments: object) -> dict[str, object]:
            names.add(threading.current_thread().name)
            meeting.wait(60)
            return {}

    slow: Any = Slow()
    table = RegistrationTable(NAME, lambda: slow, deadline_seconds=60)
    await asyncio.gather(*(table.find("mcp-a", now=0) for _ in range(16)))
    assert len(names) == 16
    assert {name.partition("_")[0] for name in names} == {"dynamodb"}
