"""The registrar while its table in DynamoDB cannot be used."""

from typing import Any

import pytest
from fakes.registration_world import away, no_pause, raising, refusing

from oauth_kit.records.client import client_key
from registrar.registrations.table import RegistrationTable

BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}
REGISTRATION = {"redirect_uris": ["http://localhost:3000/callback"]}

TROUBLES = {
    "EndpointConnectionError": away()[0],
    "ResourceNotFoundException": refusing("ResourceNotFoundException"),
    "ProvisionedThroughputExceededException": refusing("ProvisionedThroughputExceededException"),
    "AccessDeniedException": refusing("AccessDeniedException"),
    "InternalServerError": refusing("InternalServerError", 500),
    "TimeoutError": raising(TimeoutError()),
}


class Unusable:
    """A boto3 client whose every call ends in the same trouble."""

    def __init__(self, name: str) -> None:
        self._trouble = TROUBLES[name]

    def __getattr__(self, operation: str) -> Any:
        return lambda **arguments: self._trouble()

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(params=TROUBLES)
async def registrar(request: pytest.FixtureRequest, start_registrar: Any) -> Any:
    unusable: Any = Unusable(request.param)
    return await start_registrar(
        table=RegistrationTable("registrations", lambda: unusable, pause=no_pause)
    )


async def unavailable(answer: Any) -> None:
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    document = await answer.json()
    assert document == {
        "error": "temporarily_unavailable",
        "error_description": "The service cannot reach its store, try again shortly",
    }


async def test_a_registration_is_refused_and_leaves_nothing_behind(registrar: Any) -> None:
    await unavailable(await registrar.http.post("/register", json=REGISTRATION))
    assert await registrar.redis.keys() == []


async def test_what_redis_does_not_hold_is_not_called_unknown(registrar: Any) -> None:
    answer = await registrar.http.get("/internal/clients/mcp-a", headers=BEARER)
    await unavailable(answer)
    answer = await registrar.http.post("/internal/clients/mcp-a/used", headers=BEARER)
    await unavailable(answer)


async def test_what_redis_holds_is_read(registrar: Any, start_registrar: Any) -> None:
    told = await (await start_registrar()).register()
    key = client_key(registrar.settings.keyspace, told["client_id"])
    assert await registrar.redis.exists(key)
    answer = await registrar.http.get(f"/internal/clients/{told['client_id']}", headers=BEARER)
    assert answer.status == 200
    assert (await answer.json())["client_id"] == told["client_id"]


async def test_the_client_of_a_document_needs_no_table(registrar: Any) -> None:
    path = "/internal/clients/https%3A%2F%2Fclient.example%2Fc.json/used"
    assert (await registrar.http.post(path, headers=BEARER)).status == 204


async def test_it_is_not_ready_and_says_why(registrar: Any, request: Any) -> None:
    answer = await registrar.http.get("/readyz")
    assert answer.status == 503
    (reason,) = (await answer.json())["reasons"]
    assert reason.startswith("dynamodb: ")
    trouble = request.node.callspec.params["registrar"]
    assert trouble in reason or "there is no table registrations" in reason
