"""The AWS API through boto3: what Cognito refuses, the front refuses."""

import re
from typing import Any

import botocore.exceptions
import pytest

pytestmark = pytest.mark.integration


def error_of(call: Any, **parameters: Any) -> str:
    """The type of the error that a call ends with."""
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        call(**parameters)
    response = refusal.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    header = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"]
    assert header == response["Error"]["Code"]
    return str(header)


OAUTH = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid"],
    "CallbackURLs": ["https://app.example.com/cb"],
}

INVALID = "InvalidParameterException"
FLOW = "InvalidOAuthFlowException"
SCOPE = "ScopeDoesNotExistException"

REFUSED = [
    ({"ClientName": "Claude Code (srv)"}, INVALID),
    ({"ClientName": "Cursor\u2122"}, INVALID),
    ({"ClientName": "\U0001f600"}, INVALID),
    ({"ClientName": "a/b"}, INVALID),
    ({"ClientName": "n\u00e4me"}, INVALID),
    ({"ClientName": "x" * 129}, INVALID),
    ({"CallbackURLs": ["http://evil.example/cb"]}, INVALID),
    ({"CallbackURLs": ["http://192.168.0.1/cb"]}, INVALID),
    ({"CallbackURLs": ["http://localhost@evil.example/cb"]}, INVALID),
    ({"CallbackURLs": ["https://app.example.com/cb#fragment"]}, INVALID),
    ({"CallbackURLs": ["/relative"]}, INVALID),
    ({"CallbackURLs": ["javascript:alert(1)"]}, INVALID),
    ({"CallbackURLs": ["javascript://%0aalert(1)"]}, INVALID),
    ({"CallbackURLs": ["https://app.example.com/" + "x" * 1024]}, INVALID),
    ({"CallbackURLs": ["https://app.example.com/a b"]}, INVALID),
    ({"CallbackURLs": [f"https://app.example.com/{n}" for n in range(101)]}, INVALID),
    ({"CallbackURLs": []}, FLOW),
    ({"LogoutURLs": ["http://evil.example/"]}, INVALID),
    ({"DefaultRedirectURI": "https://app.example.com/other"}, INVALID),
    ({"AllowedOAuthScopes": ["openid", "offline_access"]}, SCOPE),
    ({"AllowedOAuthScopes": ["openid", "mcp-api/delete"]}, SCOPE),
    ({"AllowedOAuthScopes": ["openid", "mcp-api"]}, SCOPE),
    ({"AllowedOAuthScopes": ["email"]}, INVALID),
    ({"AllowedOAuthScopes": ["profile", "mcp-api/read"]}, INVALID),
    ({"AllowedOAuthScopes": []}, INVALID),
    ({"AllowedOAuthFlows": []}, INVALID),
    ({"AllowedOAuthFlows": ["code", "client_credentials"], "GenerateSecret": True}, FLOW),
    ({"AllowedOAuthFlows": ["client_credentials"]}, FLOW),
    ({"AllowedOAuthFlows": ["password"]}, INVALID),
    ({"AllowedOAuthFlowsUserPoolClient": False}, INVALID),
    ({"SupportedIdentityProviders": ["Google"]}, INVALID),
    ({"GenerateSecret": True, "ClientSecret": "x" * 30}, INVALID),
    ({"ClientSecret": "contains/slash-and-dash-xx"}, INVALID),
    ({"ClientSecret": "x" * 65}, INVALID),
    ({"AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"}}, INVALID),
    ({"AccessTokenValidity": 25}, INVALID),
    ({"IdTokenValidity": 2, "TokenValidityUnits": {"IdToken": "days"}}, INVALID),
    ({"RefreshTokenValidity": 3651}, INVALID),
    ({"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}}, INVALID),
    ({"TokenValidityUnits": {"AccessToken": "weeks"}}, INVALID),
    ({"ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "USER_PASSWORD_AUTH"]}, INVALID),
    ({"ExplicitAuthFlows": ["ALLOW_EVERYTHING"]}, INVALID),
    ({"PreventUserExistenceErrors": "MAYBE"}, INVALID),
    ({"EnablePropagateAdditionalUserContextData": True}, INVALID),
    ({"RefreshTokenRotation": {"Feature": "ENABLED"}}, INVALID),
    ({"UserPoolId": "us-east-1_missing"}, "ResourceNotFoundException"),
    ({"UserPoolId": "no underscore"}, INVALID),
]


@pytest.mark.parametrize(("changes", "error"), REFUSED)
def test_an_app_client_that_cognito_refuses_is_refused(
    cognito: Any, emulator: Any, changes: dict[str, Any], error: str
) -> None:
    pool = emulator.provider["pool_id"]
    wanted = {"UserPoolId": pool, "ClientName": "refused", **OAUTH, **changes}
    assert error_of(cognito.create_user_pool_client, **wanted) == error
    listed = cognito.list_user_pool_clients(UserPoolId=pool, MaxResults=60)["UserPoolClients"]
    assert "refused" not in [client["ClientName"] for client in listed]


ON_UPDATE = [
    (changes, error)
    for changes, error in REFUSED
    if not {"GenerateSecret", "ClientSecret", "UserPoolId"} & changes.keys()
]


@pytest.mark.parametrize(("changes", "error"), ON_UPDATE)
def test_an_update_is_judged_by_the_same_rules(
    cognito: Any, emulator: Any, make_client: Any, changes: dict[str, Any], error: str
) -> None:
    client = make_client(ClientName="before")
    named = {"UserPoolId": client["UserPoolId"], "ClientId": client["ClientId"]}
    assert error_of(cognito.update_user_pool_client, **named, **{**OAUTH, **changes}) == error
    found = cognito.describe_user_pool_client(**named)["UserPoolClient"]
    assert found["ClientName"] == "before"


@pytest.mark.parametrize(
    "changes",
    [
        {"ClientName": "x"},
        {"ClientName": "A name_1 +=,.@-" + "x" * 100},
        {"CallbackURLs": ["http://localhost/cb", "http://127.0.0.1:1/", "http://[::1]:65535/a"]},
        {"CallbackURLs": ["myapp://example", "com.example.app://cb"]},
        {"CallbackURLs": [f"https://app.example.com/{n}" for n in range(100)]},
        {"CallbackURLs": ["https://a.example/" + "x" * 1006]},
        {"AllowedOAuthScopes": ["openid", "email", "phone", "profile", "mcp-api/write"]},
        {"AllowedOAuthScopes": ["aws.cognito.signin.user.admin"]},
        {"AllowedOAuthFlows": ["code", "implicit"]},
        {"RefreshTokenValidity": 3650},
        {"RefreshTokenValidity": 0},
        {"DefaultRedirectURI": "https://app.example.com/cb"},
        {"GenerateSecret": True},
        {"ClientSecret": "x" * 24},
        {"RefreshTokenRotation": {"Feature": "DISABLED"}},
    ],
)
def test_an_app_client_that_cognito_takes_is_taken(
    cognito: Any, emulator: Any, changes: dict[str, Any]
) -> None:
    pool = emulator.provider["pool_id"]
    wanted = {"UserPoolId": pool, "ClientName": "taken", **OAUTH, **changes}
    client = cognito.create_user_pool_client(**wanted)["UserPoolClient"]
    named = {"UserPoolId": pool, "ClientId": client["ClientId"]}
    found = cognito.describe_user_pool_client(**named)["UserPoolClient"]
    assert found["CallbackURLs"] == wanted["CallbackURLs"]
    cognito.delete_user_pool_client(**named)
    assert error_of(cognito.describe_user_pool_client, **named) == "ResourceNotFoundException"


def test_a_client_without_oauth_needs_a_name_only(cognito: Any, emulator: Any) -> None:
    pool = emulator.provider["pool_id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="plain")
    assert "ClientSecret" not in client["UserPoolClient"]


def test_secrets_have_cognitos_shape_and_stay_the_same(cognito: Any, make_client: Any) -> None:
    for _ in range(10):
        client = make_client(GenerateSecret=True)
        named = {"UserPoolId": client["UserPoolId"], "ClientId": client["ClientId"]}
        assert re.fullmatch(r"[a-z0-9]{52}", client["ClientSecret"])
        found = cognito.describe_user_pool_client(**named)["UserPoolClient"]
        assert found["ClientSecret"] == client["ClientSecret"]
        updated = cognito.update_user_pool_client(**named, ClientName="renamed")["UserPoolClient"]
        assert updated.get("ClientSecret", client["ClientSecret"]) == client["ClientSecret"]


def test_reading_modifying_and_writing_a_client_works(cognito: Any, make_client: Any) -> None:
    client = make_client(GenerateSecret=True)
    named = {"UserPoolId": client["UserPoolId"], "ClientId": client["ClientId"]}
    found = cognito.describe_user_pool_client(**named)["UserPoolClient"]
    kept = {
        name: value
        for name, value in found.items()
        if name not in {"ClientSecret", "CreationDate", "LastModifiedDate"}
    }
    cognito.update_user_pool_client(**{**kept, "CallbackURLs": ["https://new.example/cb"]})
    after = cognito.describe_user_pool_client(**named)["UserPoolClient"]
    assert after["CallbackURLs"] == ["https://new.example/cb"]
    assert after["ClientSecret"] == client["ClientSecret"]


COGNITO = "AWSCognitoIdentityProviderService."
DYNAMODB = "DynamoDB_20120810."


@pytest.mark.parametrize(
    ("target", "body", "error"),
    [
        (COGNITO + "DescribeUserPool", b"{", "SerializationException"),
        (COGNITO + "DescribeUserPool", b"", "SerializationException"),
        (COGNITO + "DescribeUserPool", b"[]", "SerializationException"),
        (COGNITO + "DescribeUserPool", b'"x"', "SerializationException"),
        (COGNITO + "DescribeUserPool", b"\xff\xfe{}", "SerializationException"),
        (COGNITO + "DescribeUserPool", b'{"UserPoolId":NaN}', "SerializationException"),
        (COGNITO + "DescribeUserPool", b"[" * 100_000, "SerializationException"),
        (COGNITO + "DescribeUserPool", b'{"UserPoolId":5}', "SerializationException"),
        (COGNITO + "DescribeUserPool", b'{"UserPoolId":{"a":1}}', "SerializationException"),
        (COGNITO + "DescribeUserPool", b'{"UserPoolId":null}', INVALID),
        (COGNITO + "DescribeUserPool", b"{}", INVALID),
        (COGNITO + "Nope", b"{}", "UnknownOperationException"),
        (COGNITO, b"{}", "UnknownOperationException"),
        (DYNAMODB + "ListTables", b"[]", "SerializationException"),
        (DYNAMODB + "CreateTable", b'{"TableName":5}', "SerializationException"),
        (DYNAMODB + "Nope", b"{}", "UnknownOperationException"),
        ("AmazonSQS.CreateQueue", b"{}", "UnknownOperationException"),
        ("", b"{}", "UnknownOperationException"),
    ],
)
async def test_a_call_that_is_none_is_refused_by_its_name(
    public: Any, target: str, body: bytes, error: str
) -> None:
    headers = {"X-Amz-Target": target, "Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    answer = await public.request("POST", "/", data=body, headers=headers)
    assert answer.status == 400
    assert answer.json()["__type"] == error
    assert answer.headers["x-amzn-ErrorType"] == error


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:4566"])
async def test_a_web_page_cannot_call_the_api(public: Any, origin: str) -> None:
    headers = {
        "Origin": origin,
        "Authorization": "AWS4-HMAC-SHA256 x",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.ListUserPools",
    }
    answer = await public.request("POST", "/", data=b'{"MaxResults":1}', headers=headers)
    assert answer.status == 400
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"


async def test_administration_needs_a_signature(public: Any) -> None:
    for operation in ("ListUserPools", "CreateUserPoolClient", "AdminGetUser"):
        headers = {"X-Amz-Target": COGNITO + operation}
        answer = await public.request("POST", "/", data=b"{}", headers=headers)
        assert answer.json()["__type"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("service", ["s3", "sqs", "iam", "sts", "secretsmanager"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_other_services_of_ministack_are_not_reachable(
    public: Any, service: str, method: str
) -> None:
    scope = f"test/20260101/us-east-1/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Host": f"{service}.us-east-1.amazonaws.com",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = "Action=ListUsers&Version=2010-05-08"
    for path in ("/", "/bucket/key"):
        answer = await public.request(method, path, data=form, headers=headers)
        assert answer.status in {400, 404, 405}


async def test_the_scope_of_a_signature_cannot_choose_another_service(public: Any) -> None:
    credential = "AWS4-HMAC-SHA256 Credential=emulator/20260101/us-east-1/s3/aws4_request"
    headers = {"X-Amz-Target": COGNITO + "ListUserPools", "Authorization": credential}
    answer = await public.request("POST", "/", data=b'{"MaxResults":5}', headers=headers)
    assert answer.status == 200
    assert "UserPools" in answer.json()


@pytest.mark.parametrize("access_key_id", ["AKIAIOSFODNN7EXAMPLE", "test", "emulator2", "EMULATOR"])
def test_another_accounts_access_key_is_refused(emulator: Any, access_key_id: str) -> None:
    cognito = emulator.aws("cognito-idp", access_key_id)
    assert error_of(cognito.list_user_pools, MaxResults=1) == "UnrecognizedClientException"
    dynamodb = emulator.aws("dynamodb", access_key_id)
    refused = error_of(dynamodb.describe_table, TableName="mcp-authstack-registrations")
    assert refused == "UnrecognizedClientException"


@pytest.mark.parametrize(
    "credential",
    ["emulator", "Credential=emulator", "SignedHeaders=x, Credential=emulator/x", "Credential=/x"],
)
async def test_a_signature_that_names_nobody_is_refused(public: Any, credential: str) -> None:
    headers = {
        "X-Amz-Target": COGNITO + "ListUserPools",
        "Authorization": f"AWS4-HMAC-SHA256 {credential}",
    }
    answer = await public.request("POST", "/", data=b'{"MaxResults":1}', headers=headers)
    assert answer.json()["__type"] == "UnrecognizedClientException"


async def test_discovery_is_an_openid_document_without_pkce_like_cognitos(public: Any) -> None:
    provider = public.emulator.provider
    path = f"/{provider['pool_id']}/.well-known/openid-configuration"
    document = (await public.request("GET", path)).json()
    assert document["issuer"] == provider["issuer"]
    assert document["jwks_uri"] == provider["jwks_url"]
    assert document["token_endpoint"] == provider["token_url"]
    assert document["authorization_endpoint"] == provider["authorize_url"]
    assert "code_challenge_methods_supported" not in document


@pytest.mark.parametrize("pool", ["us-east-1_missing", "x", "..", "us-east-1_a/b"])
@pytest.mark.parametrize("name", ["openid-configuration", "jwks.json"])
async def test_an_unknown_pool_has_no_documents(public: Any, pool: str, name: str) -> None:
    assert (await public.request("GET", f"/{pool}/.well-known/{name}")).status == 404
