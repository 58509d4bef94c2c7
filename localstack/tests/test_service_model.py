"""Requests judged by the service models of AWS."""

from typing import Any

import pytest

from cognito_emulator.api.service_model import ServiceModel
from cognito_emulator.rules.errors import ApiError


@pytest.fixture(scope="module")
def cognito() -> ServiceModel:
    return ServiceModel.load("cognito-idp/2016-04-18")


@pytest.fixture(scope="module")
def dynamodb() -> ServiceModel:
    return ServiceModel.load("dynamodb/2012-08-10", refusal="ValidationException")


def refusal(model: ServiceModel, operation: str, body: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as raised:
        model.check(operation, body)
    return raised.value


POOL = {"UserPoolId": "us-east-1_a"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Value null at 'userPoolId' failed to satisfy constraint: Member must not be null"),
        ({**POOL, "ClientName": ""}, "length greater than or equal to 1"),
        ({**POOL, "ClientName": "x" * 129}, "length less than or equal to 128"),
        ({**POOL, "ClientName": "a/b"}, r"regular expression pattern: [\w\s+=,.@-]+"),
        ({**POOL, "ClientName": "n\u00e4me"}, "regular expression"),
        ({**POOL, "ClientName": "a\x00"}, "regular expression"),
        ({**POOL, "ClientName": "a", "RefreshTokenValidity": -1}, "value greater than or equal"),
        ({**POOL, "ClientName": "a", "AllowedOAuthFlows": ["x"]}, "enum value set: [code"),
        ({**POOL, "ClientName": "a", "CallbackURLs": [""]}, "'callbackURLs.member'"),
        ({**POOL, "ClientName": "a", "CallbackURLs": ["x"] * 101}, "'callbackURLs'"),
        (
            {**POOL, "ClientName": "a", "TokenValidityUnits": {"IdToken": "x"}},
            "'tokenValidityUnits.idToken'",
        ),
        ({"UserPoolId": "x", "ClientName": "a/b"}, "2 validation errors detected"),
    ],
)
def test_a_constraint_is_named_as_aws_names_it(
    cognito: ServiceModel, body: dict[str, Any], message: str
) -> None:
    error = refusal(cognito, "CreateUserPoolClient", body)
    assert error.error_type == "InvalidParameterException"
    assert message in error.message


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("GetItem", {"Key": {}}, "Value null at 'tableName' failed to satisfy constraint"),
        ("UpdateTimeToLive", {"TableName": "t"}, "Value null at 'timeToLiveSpecification'"),
        (
            "UpdateTimeToLive",
            {"TableName": "t", "TimeToLiveSpecification": {"AttributeName": "a"}},
            "Value null at 'timeToLiveSpecification.enabled'",
        ),
        (
            "UpdateTimeToLive",
            {"TableName": "t", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": ""}},
            "length greater than or equal to 1",
        ),
    ],
)
def test_dynamodb_names_a_constraint_in_its_own_way(
    dynamodb: ServiceModel, operation: str, body: dict[str, Any], message: str
) -> None:
    error = refusal(dynamodb, operation, body)
    assert error.error_type == "ValidationException"
    assert message in error.message


def nested(levels: int) -> Any:
    value: Any = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    "body",
    [
        {"UserPoolId": 5},
        {"UserPoolId": True},
        {"UserPoolId": ["x"]},
        {"ClientName": {}},
        {"GenerateSecret": "true"},
        {"GenerateSecret": 1},
        {"RefreshTokenValidity": True},
        {"RefreshTokenValidity": 1.5},
        {"RefreshTokenValidity": "1"},
        {"CallbackURLs": "https://example.com"},
        {"CallbackURLs": [5]},
        {"CallbackURLs": [None]},
        {"TokenValidityUnits": []},
    ],
)
def test_a_wrong_type_is_a_serialization_exception(
    cognito: ServiceModel, body: dict[str, Any]
) -> None:
    error = refusal(cognito, "CreateUserPoolClient", {**POOL, "ClientName": "a", **body})
    assert error.error_type == "SerializationException"


def test_a_secret_is_not_repeated_in_the_message(cognito: ServiceModel) -> None:
    body = {**POOL, "ClientName": "a", "ClientSecret": "not/a/secret/of/the/right/shape"}
    assert "not/a/secret" not in refusal(cognito, "CreateUserPoolClient", body).message


def test_unknown_members_are_ignored_as_on_aws(cognito: ServiceModel) -> None:
    cognito.check("CreateUserPoolClient", {**POOL, "ClientName": "a", "Unknown": [1]})


def test_operations_without_a_signature_are_known(cognito: ServiceModel) -> None:
    assert "InitiateAuth" in cognito.unsigned
    assert "AdminInitiateAuth" not in cognito.unsigned


def test_dynamodb_documents_may_be_deep_but_not_bottomless(dynamodb: ServiceModel) -> None:
    body = {"TableName": "t", "Item": {"a": nested(32)}}
    dynamodb.check("PutItem", body)
    error = refusal(dynamodb, "PutItem", {"TableName": "t", "Item": {"a": nested(100)}})
    assert error.error_type == "SerializationException"


def test_an_operation_that_does_not_exist_is_refused(dynamodb: ServiceModel) -> None:
    assert refusal(dynamodb, "Nope", {}).error_type == "UnknownOperationException"
