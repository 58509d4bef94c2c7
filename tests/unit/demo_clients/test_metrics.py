"""Each counter of a demo client moves by its cause."""

from collections.abc import Callable

import pytest
from fakes.client_world import MakeWorld, World
from fakes.scraped import Scraped

REFRESHES = "authstack_refreshes_total"
ERRORS = "authstack_upstream_errors_total"


async def scrape(world: World) -> Scraped:
    return Scraped.of((await world.browser.get("/metrics")).text)


@pytest.mark.requirement("CL15")
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ((400, {"error": "invalid_grant"}), "ended"),
        ((401, {"error": "invalid_client"}), "ended"),
        ((503, {"error": "temporarily_unavailable"}), "failed"),
        ((400, {"error": "canary"}), "failed"),
        (None, "renewed"),
    ],
)
async def test_every_refresh_is_one_count_of_its_outcome(
    world: World, answer: tuple[int, dict[str, object]] | None, outcome: str
) -> None:
    await world.browser.do("log-in")
    if answer is not None:
        world.issuer.refresh_error = answer
    await world.browser.press("refresh")
    assert (await scrape(world)).by(REFRESHES, "outcome") == {outcome: 1}


NOWHERE = "http://127.0.0.1:1"


def lost_metadata(world: World) -> None:
    world.resource.challenge = f'Bearer resource_metadata="{NOWHERE}/prm"'


def lost_registration(world: World) -> None:
    world.issuer.metadata["registration_endpoint"] = f"{NOWHERE}/register"


@pytest.mark.parametrize(
    ("loss", "operation"), [(lost_metadata, "discovery"), (lost_registration, "registration")]
)
async def test_a_server_that_is_away_is_counted_by_what_it_was_asked_for(
    world: World, loss: Callable[[World], None], operation: str
) -> None:
    loss(world)
    await world.browser.press("log-in")
    assert (await scrape(world)).by(ERRORS, "operation") == {operation: 1}


async def test_a_resource_server_that_is_away_is_counted(make_world: MakeWorld) -> None:
    world = await make_world("dynamic", contexts_url=f"{NOWHERE}/v1/contexts")
    await world.browser.do("log-in")
    await world.browser.press("fetch")
    assert (await scrape(world)).by(ERRORS, "operation") == {"resource": 1}


async def test_a_fault_of_a_server_is_counted_and_a_refusal_is_not(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.refresh_error = (400, {"error": "invalid_request"})
    await world.browser.press("refresh")
    assert (await scrape(world)).by(ERRORS, "operation") == {}
    world.issuer.refresh_error = (500, {"error": "server_error"})
    await world.browser.press("refresh")
    assert (await scrape(world)).by(ERRORS, "operation") == {"token": 1}


@pytest.mark.requirement("OP1")
async def test_no_label_is_a_token_or_an_address(world: World) -> None:
    await world.browser.do("log-in")
    await world.browser.do("refresh")
    await world.browser.get("/canary?code=canary&state=canary")
    text = (await world.browser.get("/metrics")).text
    secrets = {*world.issuer.access_tokens, *world.issuer.refresh_tokens, "canary"}
    assert [secret for secret in secrets if secret in text] == []
    assert world.issuer.issuer not in text
