"""What an attack sent and was answered: kept, bounded, a link away, explained on the timeline."""

import html
import re

import pytest
from aiohttp import web
from fakes.attack_panel import attack, card, result, statuses
from fakes.client_world import MakeWorld, World
from fakes.wire import on_loopback

from demo_clients.attacks.catalog import ATTACKS


@pytest.fixture
def world(reachable_world: World) -> World:
    return reachable_world


async def test_every_attack_has_its_request_and_answer_a_link_away(world: World) -> None:
    tried = ["foreign-redirect", "missing-pkce", "wrong-state", "replayed-code", "altered-token"]
    for name in tried:
        page = await attack(world, name)
    assert [name for name in tried if statuses(page, name)] == ["altered-token"]
    for name in tried[:-1]:
        found = re.search(
            r'<a href="(/attacks\?of=[a-z-]+)#([a-z-]+)" data-testid="details"', card(page, name)
        )
        assert found is not None
        assert found[2] == name
        shown = await world.browser.get(found[1])
        assert [one for one in tried if statuses(shown, one)] == [name]
        assert {result(shown, one) for one in tried} == {"refused"}
        assert " open>" in card(shown, name)
        assert len(shown.text.encode()) < 100_000


async def test_an_exchange_that_is_too_large_for_a_session_is_kept_without_its_body(
    make_world: MakeWorld,
) -> None:
    async def callback(_: web.Request) -> web.Response:
        return web.Response(status=400, text="\N{GRINNING FACE}" * 3000, content_type="text/html")

    app = web.Application()
    app.router.add_get("/callback", callback)
    async with on_loopback(app) as origin:
        world = await make_world(public_url=origin)
        page = await attack(world, "wrong-state")
    assert "Not all of it: too large to keep." in card(page, "wrong-state")
    assert "\N{GRINNING FACE}" not in page.text


async def test_a_second_attempt_takes_the_place_of_the_first(world: World) -> None:
    await attack(world, "foreign-redirect")
    await attack(world, "missing-pkce")
    page = await attack(world, "foreign-redirect")
    assert statuses(page, "foreign-redirect") == [("attack", "400"), ("control", "302")]
    assert statuses(page, "missing-pkce") == []


async def test_details_of_what_nobody_tried_are_those_of_the_latest(world: World) -> None:
    await attack(world, "foreign-redirect")
    page = await world.browser.get("/attacks?of=wrong-state")
    assert statuses(page, "foreign-redirect")


@pytest.mark.parametrize("name", ATTACKS)
async def test_the_timeline_says_of_each_attack_what_its_card_says(world: World, name: str) -> None:
    await attack(world, name)
    text = html.unescape((await world.browser.get("/timeline")).text)
    told = re.findall(r'data-step="attack[a-z_]*".*?<p class="why">(.*?)</p>', text, re.S)
    assert told
    for sentence in told:
        assert ATTACKS[name].story in sentence
        assert ATTACKS[name].expected in sentence
        assert f'href="{ATTACKS[name].link}"' in sentence


async def test_the_issuer_of_a_separate_authorization_is_checked_and_that_is_noted(
    world: World,
) -> None:
    await attack(world, "replayed-code")
    timeline = (await world.browser.get("/timeline")).text
    assert timeline.count("There is one code and no error") == 2
    assert timeline.count("iss equals the issuer that was recorded") == 2
