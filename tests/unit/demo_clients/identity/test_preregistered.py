"""An id and a secret that are good at exactly one issuer."""

import base64

import pytest
from fakes.client_world import MakeWorld


@pytest.mark.requirement("CL8")
@pytest.mark.parametrize("offered", [["https://evil.example"], []])
async def test_the_secret_goes_to_no_other_issuer(
    make_world: MakeWorld, offered: list[str]
) -> None:
    world = await make_world("preregistered")
    world.resource.metadata["authorization_servers"] = offered
    page = await world.browser.do("log-in")
    assert not page.is_logged_in
    assert world.issuer.seen == []


@pytest.mark.requirement("CL6", "CL8")
async def test_its_own_issuer_is_chosen_among_several(make_world: MakeWorld) -> None:
    world = await make_world("preregistered")
    offered = ["https://other.example", world.issuer.issuer]
    world.resource.metadata["authorization_servers"] = offered
    page = await world.browser.do("log-in")
    assert page.is_logged_in
    assert page.says("client-id") == "demo:pre registered"
    assert "/register" not in world.issuer.paths()


async def test_the_secret_travels_as_basic(make_world: MakeWorld) -> None:
    world = await make_world("preregistered")
    await world.browser.do("log-in")
    (seen,) = [seen for seen in world.issuer.seen if seen.path == "/token"]
    pair = base64.b64decode(seen.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "demo%3Apre+registered:s%2Bcret%2F%25%3A"
    assert b"cret" not in seen.body
