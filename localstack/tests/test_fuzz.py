"""Whatever comes in, nothing answers 5xx. Bounded: a few hundred requests to a live emulator."""

import http.client
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.integration

BOUNDED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXT = st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["client_id", "redirect_uri", "response_type", "state", "scope", "nonce", "resource",
     "code_challenge", "code_challenge_method", "prompt", "login_hint", "identity_provider",
     "logout_uri", "grant_type", "code", "code_verifier", "refresh_token", "client_secret",
     "token", "username", "password", "step", "confirmation_code", "password_again"]
)  # fmt: skip
MEMBERS = st.sampled_from(
    ["UserPoolId", "ClientId", "ClientName", "CallbackURLs", "AllowedOAuthScopes", "Username",
     "AllowedOAuthFlows", "TokenValidityUnits", "AccessTokenValidity", "GenerateSecret", "Token",
     "ClientSecret", "MaxResults", "NextToken", "AccessToken", "UserAttributes", "TableName",
     "Item", "Key", "AuthFlow", "AuthParameters", "Identifier", "Scopes", "PoolName", "Domain",
     "TimeToLiveSpecification", "ConditionExpression", "ExpressionAttributeValues",
     "Password", "ConfirmationCode", "SecretHash"]
)  # fmt: skip
COGNITO_OPERATIONS = st.sampled_from(
    ["CreateUserPoolClient", "UpdateUserPoolClient", "DescribeUserPoolClient", "ListUserPools",
     "AdminCreateUser", "AdminGetUser", "AdminUserGlobalSignOut", "RevokeToken", "InitiateAuth",
     "GlobalSignOut", "GetUser", "CreateResourceServer", "CreateUserPoolDomain", "SignUp",
     "AdminInitiateAuth", "RespondToAuthChallenge", "CreateUserPool", "ListUserPoolClients",
     "ConfirmSignUp", "ResendConfirmationCode", "ForgotPassword", "ConfirmForgotPassword",
     "AdminResetUserPassword"]
)  # fmt: skip
SIGNED = "AWS4-HMAC-SHA256 Credential=emulator/20260101/us-east-1/any/aws4_request"
DYNAMODB_OPERATIONS = st.sampled_from(
    [
        "ListTables",
        "PutItem",
        "GetItem",
        "Query",
        "UpdateItem",
        "TransactWriteItems",
        "CreateTable",
        "DescribeTable",
        "DeleteItem",
        "UpdateTimeToLive",
        "DescribeTimeToLive",
    ]
)


def send(emulator: Any, method: str, target: str, body: bytes, headers: dict[str, str]) -> int:
    """One request on a connection of its own; the status."""
    connection = http.client.HTTPConnection("127.0.0.1", int(emulator.environment["PORT"]))
    try:
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@BOUNDED
@given(
    path=st.sampled_from(
        ["/oauth2/authorize", "/login", "/logout", "/error", "/oauth2/userInfo", "/signup",
         "/confirm", "/forgotPassword", "/confirmForgotPassword"]
    ),
    changes=st.lists(st.tuples(NAMES, TEXT), max_size=8),
)  # fmt: skip
def test_queries_of_pages(emulator: Any, path: str, changes: list[tuple[str, str]]) -> None:
    known = [
        ("client_id", emulator.provider["client_id"]),
        ("redirect_uri", "http://localhost:3004/callback"),
        ("response_type", "code"),
    ]
    changed = {name for name, _ in changes}
    pairs = [(n, v) for n, v in known if n not in changed] + changes
    query = urlencode([(n, v.encode("utf-8", "replace")) for n, v in pairs])
    assert send(emulator, "GET", f"{path}?{query}", b"", {}) < 500


@BOUNDED
@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
def test_raw_queries(emulator: Any, query: str) -> None:
    assert send(emulator, "GET", f"/oauth2/authorize?{query}", b"", {}) < 500


@BOUNDED
@given(
    path=st.sampled_from(["/oauth2/token", "/oauth2/revoke", "/login", "/oauth2/userInfo"]),
    pairs=st.lists(st.tuples(NAMES, TEXT), max_size=8),
    authorization=st.none() | st.binary(max_size=40),
)
def test_forms(
    emulator: Any, path: str, pairs: list[tuple[str, str]], authorization: bytes | None
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if authorization is not None:
        headers["Authorization"] = "Basic " + authorization.hex()
    body = urlencode([(n, v.encode("utf-8", "replace")) for n, v in pairs]).encode()
    assert send(emulator, "POST", path, body, headers) < 500


@BOUNDED
@given(
    path=st.sampled_from(["/signup", "/confirm", "/resendcode", "/forgotPassword"]),
    pairs=st.lists(st.tuples(NAMES, TEXT), max_size=8),
)
def test_forms_of_sign_up(emulator: Any, path: str, pairs: list[tuple[str, str]]) -> None:
    known = {
        "client_id": emulator.provider["client_id"],
        "redirect_uri": "http://localhost:3004/callback",
        "response_type": "code",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode([(n, v.encode("utf-8", "replace")) for n, v in pairs]).encode()
    assert send(emulator, "POST", f"{path}?{urlencode(known)}", body, headers) < 500


@BOUNDED
@given(path=st.sampled_from(["/oauth2/token", "/oauth2/revoke", "/"]), body=st.binary(max_size=200))
def test_raw_bodies(emulator: Any, path: str, body: bytes) -> None:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Amz-Target": "DynamoDB_20120810.PutItem",
        "Authorization": SIGNED,
    }
    assert send(emulator, "POST", path, body, headers) < 500


@settings(BOUNDED, max_examples=250)
@given(
    target=st.one_of(
        COGNITO_OPERATIONS.map("AWSCognitoIdentityProviderService.{}".format),
        DYNAMODB_OPERATIONS.map("DynamoDB_20120810.{}".format),
    ),
    body=st.dictionaries(MEMBERS, JSON, max_size=6),
    real=st.booleans(),
)
def test_calls_of_the_api(emulator: Any, target: str, body: dict[str, Any], real: bool) -> None:
    provider = emulator.provider
    if real:
        named = {"UserPoolId": provider["pool_id"], "ClientId": provider["client_id"]}
        body = {**named, "TableName": "mcp-authstack-registrations", **body}
    # The seeded client stays what it is: other tests use it.
    if target.endswith("UpdateUserPoolClient"):
        body["ClientName"] = "not valid: /"
    headers = {"X-Amz-Target": target, "Authorization": SIGNED}
    assert send(emulator, "POST", "/", json.dumps(body).encode(), headers) < 500
