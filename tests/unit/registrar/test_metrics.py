"""Each counter of the registrar moves by its cause, and its gauges tell the budget."""

import hashlib
import math
import re
from typing import Any

import fakeredis
import pytest
from fakes.scraped import Scraped

from registrar.directories.port import AppClientNotFoundError, DirectoryError, DirectoryFullError

REGISTRATIONS = "authstack_registrations_total"
ERRORS = "authstack_upstream_errors_total"
LIMITED = "authstack_rate_limited_total"
MADE = "authstack_upstream_clients"
BUDGET = "authstack_upstream_clients_budget"
BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}
TOKEN = "an-initial-access-token-0123456789"


async def scrape(registrar: Any) -> Scraped:
    answer = await registrar.http.get("/metrics")
    return Scraped.of(await answer.text())


async def register(registrar: Any, *, token: str = "", **metadata: object) -> int:
    body = {"redirect_uris": ["http://localhost:3000/callback"], **metadata}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await registrar.http.post("/register", json=body, headers=headers)
    return int(answer.status)


async def provide(registrar: Any, client_id: str = "mcp-1") -> None:
    body = {
        "client_id": client_id,
        "fingerprint": hashlib.sha256(client_id.encode()).hexdigest(),
        "name": "Canary",
        "subject": "a" * 64,
    }
    answer = await registrar.http.post("/internal/upstream-clients", json=body, headers=BEARER)
    assert answer.status == 200


@pytest.mark.requirement("OP6")
async def test_too_many_registrations_are_limited_and_counted(start_registrar: Any) -> None:
    registrar = await start_registrar(rate_limits="on", registration_limit="2/hour")
    assert [await register(registrar) for _ in range(3)] == [201, 201, 429]
    scraped = await scrape(registrar)
    assert scraped.by(REGISTRATIONS, "outcome") == {"registered": 2, "limited": 1}
    assert scraped.by(LIMITED, "bucket") == {"register": 1}


async def test_what_cannot_be_registered_is_refused_and_counted(registrar: Any) -> None:
    assert await register(registrar, redirect_uris=["http://canary.example/"]) == 400
    assert await register(registrar, grant_types=["canary"]) == 400
    assert (await registrar.http.post("/register", data=b"{")).status == 400
    assert await register(registrar) == 201
    scraped = await scrape(registrar)
    assert scraped.by(REGISTRATIONS, "outcome") == {"refused": 3, "registered": 1}


async def test_who_lacks_the_initial_access_token_is_counted(start_registrar: Any) -> None:
    registrar = await start_registrar(initial_access_token=TOKEN)
    assert await register(registrar) == 401
    assert await register(registrar, token="canary") == 401
    assert await register(registrar, token=TOKEN) == 201
    scraped = await scrape(registrar)
    assert scraped.by(REGISTRATIONS, "outcome") == {"unauthorized": 2, "registered": 1}


async def test_a_store_that_is_away_is_counted_and_the_scrape_still_answers(
    start_registrar: Any, redis: fakeredis.FakeAsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrar = await start_registrar()
    await redis.set("mcp:production:upstream:count:generation-1", 7)
    assert (await scrape(registrar)).sum(MADE) == 7
    monkeypatch.setattr(redis.connection_pool.connection_kwargs["server"], "connected", False)
    assert await register(registrar) == 503
    scraped = await scrape(registrar)
    assert scraped.by(REGISTRATIONS, "outcome") == {"unavailable": 1}
    assert scraped.sum(MADE) == 7


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize(
    ("operation", "failure", "kind"),
    [
        ("create", DirectoryFullError("LimitExceededException"), "full"),
        ("create", DirectoryError("TooManyRequestsException"), "failed"),
        ("list", DirectoryError("InternalErrorException"), "failed"),
        ("find", AppClientNotFoundError("canary"), "not_found"),
    ],
)
async def test_a_directory_that_fails_is_counted_by_operation_and_kind(
    registrar: Any, operation: str, failure: DirectoryError, kind: str
) -> None:
    registrar.directory.failures[operation] = [failure]
    if operation == "find":
        lost = DirectoryError("ReadTimeoutError", may_have_happened=True)
        registrar.directory.failures["create"] = [lost]
    await provide(registrar)
    assert (await scrape(registrar)).sum(ERRORS, operation=operation, kind=kind) == 1


async def test_a_directory_that_works_is_no_error(registrar: Any) -> None:
    await provide(registrar)
    assert (await scrape(registrar)).by(ERRORS, "operation") == {}
    assert registrar.directory.calls == ["list", "create"]


@pytest.mark.requirement("REG20")
async def test_the_budget_and_what_is_used_of_it_can_be_read(start_registrar: Any) -> None:
    registrar = await start_registrar(upstream_client_budget=40)
    scraped = await scrape(registrar)
    assert math.isnan(scraped.sum(MADE))
    assert scraped.sum(BUDGET) == 40
    for number in (1, 2):
        await provide(registrar, f"mcp-{number}")
        assert (await scrape(registrar)).sum(MADE) == number


@pytest.mark.requirement("OP1")
async def test_no_label_is_what_a_client_said_of_itself(registrar: Any) -> None:
    await register(registrar, client_name="canary", software_id="canary")
    await register(registrar, scope="canary", grant_types=["canary"])
    await provide(registrar)
    await registrar.http.get("/internal/clients/canary", headers=BEARER)
    text = await (await registrar.http.get("/metrics")).text()
    assert "canary" not in text.lower()
    for value in Scraped.of(text).label_values():
        assert re.fullmatch(r"[a-z0-9_/{}.-]+|[A-Z]+", value), value
