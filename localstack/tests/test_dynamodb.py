"""DynamoDB for one table: what is refused as AWS refuses it, and what the registrar may do."""

from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

pytestmark = pytest.mark.integration

TABLE = "mcp-authstack-registrations"
KEY = {"client_id": {"S": "mcp-a"}}


@pytest.fixture
def dynamodb(emulator: Any) -> Any:
    return emulator.aws("dynamodb")


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**parameters)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


FORBIDDEN = [
    ("scan", {"TableName": TABLE}),
    ("query", {"TableName": TABLE, "KeyConditionExpression": "client_id = a"}),
    ("delete_table", {"TableName": TABLE}),
    ("update_table", {"TableName": TABLE, "DeletionProtectionEnabled": False}),
    ("list_tables", {}),
    ("create_backup", {"TableName": TABLE, "BackupName": "all-of-it"}),
    ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [KEY]}}}),
    ("batch_write_item", {"RequestItems": {TABLE: [{"DeleteRequest": {"Key": KEY}}]}}),
    ("transact_write_items", {"TransactItems": [{"Delete": {"TableName": TABLE, "Key": KEY}}]}),
    ("execute_statement", {"Statement": 'SELECT * FROM "mcp-authstack-registrations"'}),
    ("get_item", {"TableName": "another", "Key": KEY}),
    (
        "get_item",
        {"TableName": f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}", "Key": KEY},
    ),
    ("put_item", {"TableName": "another", "Item": KEY}),
    (
        "create_table",
        {
            "TableName": "another",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    ),
]


@pytest.mark.parametrize(("call", "parameters"), FORBIDDEN)
def test_what_nobody_needs_is_denied(dynamodb: Any, call: str, parameters: dict[str, Any]) -> None:
    code, message = refusal(getattr(dynamodb, call), **parameters)
    action = "dynamodb:" + "".join(word.capitalize() for word in call.split("_"))
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: {action} on resource: arn:aws:dynamodb:" in message


INVALID = [
    ("put_item", {"Item": {"client_id": {"S": ""}}}),
    ("put_item", {"Item": {"client_id": {"N": "1"}}}),
    ("put_item", {"Item": {"id": {"S": "mcp-a"}}}),
    ("put_item", {"Item": {**KEY, "client": {"S": "x" * 409_600}}}),
    ("put_item", {"Item": {**KEY, "expires_at": {"N": "soon"}}}),
    ("put_item", {"Item": KEY, "ConditionExpression": "expires_at <= :now"}),
    ("put_item", {"Item": KEY, "ConditionExpression": "attribute_exists(ttl)"}),
    ("put_item", {"Item": KEY, "ReturnValues": "EVERYTHING"}),
    ("get_item", {"Key": {"client_id": {"S": "x" * 2049}}}),
    ("get_item", {"Key": {**KEY, "used": {"BOOL": True}}}),
    ("update_item", {"Key": KEY, "UpdateExpression": "SET client_id = used"}),
]


@pytest.mark.parametrize(("call", "parameters"), INVALID, ids=str)
def test_what_dynamodb_refuses_is_refused(
    dynamodb: Any, call: str, parameters: dict[str, Any]
) -> None:
    code, _ = refusal(getattr(dynamodb, call), TableName=TABLE, **parameters)
    assert code == "ValidationException"
    assert "Item" not in dynamodb.get_item(TableName=TABLE, Key=KEY)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"Enabled": True, "AttributeName": "expires_at"}, "TimeToLive is already enabled"),
        (
            {"Enabled": True, "AttributeName": "used"},
            "TimeToLive is active on a different AttributeName: "
            "current AttributeName is expires_at",
        ),
    ],
)
def test_expiry_is_enabled_once(dynamodb: Any, asked: dict[str, Any], message: str) -> None:
    found = refusal(dynamodb.update_time_to_live, TableName=TABLE, TimeToLiveSpecification=asked)
    assert found == ("ValidationException", message)


def test_expiry_that_is_off_cannot_be_disabled(environment: dict[str, str], start: Any) -> None:
    off = {"Enabled": False, "AttributeName": "expires_at"}
    with start(environment) as emulator:
        dynamodb = emulator.aws("dynamodb")
        dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=off)
        found = refusal(dynamodb.update_time_to_live, TableName=TABLE, TimeToLiveSpecification=off)
        assert found == ("ValidationException", "TimeToLive is already disabled")


def test_the_table_is_made_once(dynamodb: Any) -> None:
    code, _ = refusal(
        dynamodb.create_table,
        TableName=TABLE,
        KeySchema=[{"AttributeName": "client_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "client_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert code == "ResourceInUseException"


def test_the_seed_makes_a_table_whose_items_end(dynamodb: Any) -> None:
    table = dynamodb.describe_table(TableName=TABLE)["Table"]
    assert table["KeySchema"] == [{"AttributeName": "client_id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "client_id", "AttributeType": "S"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    expiry = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_an_item_is_written_read_changed_and_removed(dynamodb: Any) -> None:
    item = {**KEY, "n": {"N": "12345678901234567890"}, "b": {"B": b"\x00\xff"}}
    only_new = {"ConditionExpression": "attribute_not_exists(client_id)"}
    dynamodb.put_item(TableName=TABLE, Item=item, **only_new)
    assert dynamodb.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)["Item"] == item
    code, _ = refusal(dynamodb.put_item, TableName=TABLE, Item=item, **only_new)
    assert code == "ConditionalCheckFailedException"
    dynamodb.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    assert dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"]["n"] == {"N": "1"}
    dynamodb.delete_item(TableName=TABLE, Key=KEY)
    assert "Item" not in dynamodb.get_item(TableName=TABLE, Key=KEY)


def test_the_table_has_the_name_that_the_settings_give(
    environment: dict[str, str], start: Any
) -> None:
    with start({**environment, "REGISTRATION_TABLE": "others"}) as emulator:
        dynamodb = emulator.aws("dynamodb")
        assert dynamodb.describe_table(TableName="others")["Table"]["TableStatus"] == "ACTIVE"
        code, _ = refusal(dynamodb.describe_table, TableName=TABLE)
        assert code == "AccessDeniedException"
