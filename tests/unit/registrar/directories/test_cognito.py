"""The Cognito adapter against AWS's own service model: faults first, then what is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from registrar.directories.catalog import connect_cognito
from registrar.directories.cognito import ATTEMPTS, CognitoDirectory
from registrar.directories.port import (
    AppClientCredentials,
    AppClientNotFoundError,
    AppClientRequest,
    DirectoryError,
    DirectoryFullError,
)

POOL = "us-east-1_pool"
ASKED = AppClientRequest(
    "mcp Client 00000000-0", "http://localhost:3004/callback", ("openid", "email"), ("COGNITO",)
)
SHAPE = {
    "ClientName": "mcp Client 00000000-0",
    "CallbackURLs": ["http://localhost:3004/callback"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email"],
    "SupportedIdentityProviders": ["COGNITO"],
    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
    "PreventUserExistenceErrors": "ENABLED",
    "EnableTokenRevocation": True,
    "RefreshTokenValidity": 100,
    "TokenValidityUnits": {"RefreshToken": "days"},
}
CREATE = {"UserPoolId": POOL, "GenerateSecret": True, **SHAPE}
MADE = {"UserPoolClient": {"ClientId": "made", "ClientSecret": "s" * 24}}


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def client() -> Any:
    return connect_cognito("us-east-1", endpoint_url="http://localhost:1", is_emulated=True)


@pytest.fixture
def stubber(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def directory(client: Any, stubber: Stubber, pauses: Pauses) -> CognitoDirectory:
    return CognitoDirectory(POOL, lambda: client, pause=pauses)


def fail(stubber: Stubber, operation: str, code: str, status: int = 400) -> None:
    stubber.add_client_error(operation, code, http_status_code=status)


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize(
    ("code", "status", "kind", "may_have_happened"),
    [
        ("TooManyRequestsException", 400, DirectoryError, False),
        ("ThrottlingException", 400, DirectoryError, False),
        ("InternalErrorException", 500, DirectoryError, True),
        ("ServiceUnavailable", 503, DirectoryError, True),
    ],
)
async def test_throttling_and_faults_are_retried_a_bounded_number_of_times(
    directory: CognitoDirectory,
    stubber: Stubber,
    pauses: Pauses,
    code: str,
    status: int,
    kind: type[DirectoryError],
    may_have_happened: bool,
) -> None:
    for _ in range(ATTEMPTS):
        fail(stubber, "create_user_pool_client", code, status)
    with pytest.raises(kind) as caught:
        await directory.create(ASKED)
    assert caught.value.reason == code
    assert caught.value.may_have_happened is may_have_happened
    assert len(pauses) == ATTEMPTS - 1
    for attempt, seconds in enumerate(pauses):
        assert 0.1 * 2**attempt <= seconds <= 0.2 * 2**attempt


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("LimitExceededException", DirectoryFullError),
        ("InvalidParameterException", DirectoryError),
        ("NotAuthorizedException", DirectoryError),
        ("ScopeDoesNotExistException", DirectoryError),
        ("InvalidOAuthFlowException", DirectoryError),
        ("FeatureUnavailableInTierException", DirectoryError),
        ("ResourceNotFoundException", AppClientNotFoundError),
    ],
)
async def test_a_refusal_is_not_retried(
    directory: CognitoDirectory,
    stubber: Stubber,
    pauses: Pauses,
    code: str,
    kind: type[DirectoryError],
) -> None:
    fail(stubber, "create_user_pool_client", code)
    with pytest.raises(DirectoryError) as caught:
        await directory.create(ASKED)
    assert type(caught.value) is kind
    assert caught.value.reason == code
    assert not caught.value.may_have_happened
    assert pauses == []


@pytest.mark.parametrize(
    ("error", "calls", "may_have_happened"),
    [
        (EndpointConnectionError(endpoint_url="http://localhost:1"), ATTEMPTS, False),
        (ConnectTimeoutError(endpoint_url="http://localhost:1"), ATTEMPTS, False),
        (ReadTimeoutError(endpoint_url="http://localhost:1"), 1, True),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_call_whose_answer_was_lost_is_not_made_twice(
    pauses: Pauses, error: Exception, calls: int, may_have_happened: bool
) -> None:
    made = []

    class Unreachable:
        def create_user_pool_client(self, **arguments: object) -> None:
            made.append(arguments)
            raise error

    client: Any = Unreachable()
    directory = CognitoDirectory(POOL, lambda: client, pause=pauses)
    with pytest.raises(DirectoryError) as caught:
        await directory.create(ASKED)
    assert len(made) == calls
    assert caught.value.may_have_happened is may_have_happened


async def test_creation_succeeds_after_throttling(
    directory: CognitoDirectory, stubber: Stubber
) -> None:
    fail(stubber, "create_user_pool_client", "TooManyRequestsException")
    stubber.add_response("create_user_pool_client", MADE, CREATE)
    assert await directory.create(ASKED) == AppClientCredentials("made", "s" * 24)


async def test_credentials_do_not_show_their_secret() -> None:
    assert "hidden" not in repr(AppClientCredentials("made", "hidden"))


async def test_an_update_keeps_every_field_that_it_does_not_change(
    directory: CognitoDirectory, stubber: Stubber
) -> None:
    kept = {
        "LogoutURLs": ["https://client.example/bye"],
        "IdTokenValidity": 30,
        "AccessTokenValidity": 20,
        "ReadAttributes": ["email"],
        "AuthSessionValidity": 5,
    }
    described = {
        "UserPoolId": POOL,
        "ClientId": "made",
        "ClientSecret": "s" * 24,
        "ClientName": "old name",
        "CallbackURLs": ["http://localhost:9999/callback"],
        "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "minutes"},
        **kept,
    }
    stubber.add_response(
        "describe_user_pool_client",
        {"UserPoolClient": described},
        {"UserPoolId": POOL, "ClientId": "made"},
    )
    units = {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"}
    stubber.add_response(
        "update_user_pool_client",
        {"UserPoolClient": {}},
        {
            "UserPoolId": POOL,
            "ClientId": "made",
            **SHAPE,
            **kept,
            "TokenValidityUnits": units,
        },
    )
    await directory.update("made", ASKED)


async def test_an_update_that_met_another_reads_again(
    directory: CognitoDirectory, stubber: Stubber, pauses: Pauses
) -> None:
    for answered in ("ConcurrentModificationException", None):
        stubber.add_response("describe_user_pool_client", {"UserPoolClient": {"ClientId": "made"}})
        if answered:
            fail(stubber, "update_user_pool_client", answered)
        else:
            stubber.add_response("update_user_pool_client", {"UserPoolClient": {}})
    await directory.update("made", ASKED)
    assert len(pauses) == 1


async def test_an_update_gives_up_when_others_never_stop(
    directory: CognitoDirectory, stubber: Stubber
) -> None:
    for _ in range(ATTEMPTS):
        stubber.add_response("describe_user_pool_client", {"UserPoolClient": {"ClientId": "made"}})
        fail(stubber, "update_user_pool_client", "ConcurrentModificationException")
    with pytest.raises(DirectoryError, match="ConcurrentModification"):
        await directory.update("made", ASKED)


async def test_all_pages_of_the_list_are_read(
    directory: CognitoDirectory, stubber: Stubber
) -> None:
    first = [{"ClientId": f"id{n}", "ClientName": f"name{n}"} for n in range(60)]
    stubber.add_response(
        "list_user_pool_clients",
        {"UserPoolClients": first, "NextToken": "more"},
        {"UserPoolId": POOL, "MaxResults": 60},
    )
    stubber.add_response(
        "list_user_pool_clients",
        {"UserPoolClients": [{"ClientId": "last", "ClientName": "last one"}]},
        {"UserPoolId": POOL, "MaxResults": 60, "NextToken": "more"},
    )
    found = await directory.find("last one")
    assert found is not None
    assert found.client_id == "last"


async def test_deleting_what_is_gone_is_no_error(
    directory: CognitoDirectory, stubber: Stubber
) -> None:
    fail(stubber, "delete_user_pool_client", "ResourceNotFoundException")
    await directory.delete("gone")
