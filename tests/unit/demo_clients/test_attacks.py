"""The attacks: a good system refuses each, and a broken one is called broken."""

import pytest
from fakes.attack_panel import attack, card, result, statuses
from fakes.client_world import MakeWorld, World

from demo_clients.attacks.bearer_tokens import EXPIRED_MARGIN_SECONDS, alter
from demo_clients.attacks.catalog import ATTACKS

WRITE = "mcp-api/write"


@pytest.fixture
def world(reachable_world: World) -> World:
    return reachable_world


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_good_system_refuses(world: World, name: str) -> None:
    page = await attack(world, name)
    assert page.status == 200
    assert result(page, name) == "refused"
    assert "Refused, as it must be" in card(page, name)
    assert ATTACKS[name].link in card(page, name)
    assert statuses(page, name)
    others = set(ATTACKS) - {name}
    assert {result(page, other) for other in others} == {None}


@pytest.mark.parametrize("name", ATTACKS)
async def test_the_visitors_login_outlives_every_attack(world: World, name: str) -> None:
    refresh_tokens = set(world.issuer.refresh_tokens)
    await attack(world, name)
    world.resource.refused.clear()
    assert refresh_tokens <= set(world.issuer.refresh_tokens)
    assert (await world.browser.do("fetch")).succeeded
    assert (await world.browser.do("refresh")).is_logged_in


@pytest.mark.requirement("CL20")
@pytest.mark.parametrize("name", ATTACKS)
async def test_no_secret_of_an_attack_is_shown_or_kept_in_clear(world: World, name: str) -> None:
    await attack(world, name)
    page = await world.browser.get("/attacks")
    timeline = await world.browser.get("/timeline")
    dump = await world.dump()
    issuer = world.issuer
    secrets = [*issuer.access_tokens, *issuer.refresh_tokens, *issuer.spent, *issuer.successors]
    callers = [seen.headers.get("Authorization", "") for seen in world.resource.seen]
    secrets += [caller.removeprefix("Bearer ") for caller in callers if caller]
    cookies = [cookie.value for cookie in world.browser.client.session.cookie_jar]
    told = page.text + timeline.text + dump
    assert not [secret for secret in (*secrets, *cookies) if secret in told]
    assert "eyJ" not in page.text + timeline.text


@pytest.mark.parametrize("name", ["foreign-redirect", "missing-pkce", "wrong-state"])
async def test_some_need_no_login(make_world: MakeWorld, name: str) -> None:
    world = await make_world(reachable=True)
    page = await attack(world, name)
    assert result(page, name) == "refused"
    assert not (await world.browser.home()).is_logged_in


@pytest.mark.parametrize("kind", ["preregistered", "metadata_document"])
@pytest.mark.parametrize("name", ["foreign-redirect", "replayed-code", "reused-refresh-token"])
async def test_every_kind_of_client_tries_them(make_world: MakeWorld, kind: str, name: str) -> None:
    world = await make_world(kind, reachable=True)
    assert result(await attack(world, name), name) == "refused"


async def test_a_replay_shows_that_the_grant_has_ended(world: World) -> None:
    page = await attack(world, "replayed-code")
    assert statuses(page, "replayed-code") == [
        ("token", "200"),
        ("attack", "400"),
        ("attack", "400"),
    ]
    codes = [form["code"] for form in world.issuer.forms("/token") if "code" in form]
    assert codes[-1] == codes[-2] != codes[0]


@pytest.mark.parametrize(
    ("grace", "predecessor", "told"),
    [(True, "200", "the same successor"), (False, "400", "Even the token just before")],
)
async def test_reuse_is_told_from_a_lost_answer(
    world: World, grace: bool, predecessor: str, told: str
) -> None:
    world.issuer.has_grace = grace
    page = await attack(world, "reused-refresh-token")
    assert result(page, "reused-refresh-token") == "refused"
    assert told in card(page, "reused-refresh-token")
    assert [status for _, status in statuses(page, "reused-refresh-token")] == [
        *("200", "200", "200"),
        *(predecessor, "400", "400"),
    ]


@pytest.mark.parametrize("name", ["replayed-code", "reused-refresh-token"])
@pytest.mark.parametrize("switch", ["spares_grants", "redeems_twice", "refreshes_twice"])
async def test_what_an_attack_got_is_given_back(world: World, name: str, switch: str) -> None:
    held = set(world.issuer.refresh_tokens)
    assert hasattr(world.issuer, switch)
    setattr(world.issuer, switch, True)
    await attack(world, name)
    assert set(world.issuer.refresh_tokens) == held
    assert world.issuer.revoked


@pytest.mark.parametrize("name", ["replayed-code", "reused-refresh-token"])
async def test_denying_the_authorization_is_no_verdict(world: World, name: str) -> None:
    world.issuer.response = {"code": None, "error": "access_denied"}
    page = await attack(world, name)
    assert result(page, name) == "undecided"
    assert "You denied access." in card(page, name)
    assert (await world.browser.home()).is_logged_in


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("name", ["replayed-code", "reused-refresh-token"])
async def test_a_busy_server_has_decided_nothing(world: World, name: str, status: int) -> None:
    world.issuer.refresh_error = (status, {"error": "temporarily_unavailable"})
    page = await attack(world, name)
    assert result(page, name) == "undecided"


async def test_a_client_that_cannot_reach_itself_has_tried_nothing(make_world: MakeWorld) -> None:
    world = await make_world(public_url="http://127.0.0.1:1")
    page = await world.browser.submit("/attacks/wrong-state")
    assert result(page, "wrong-state") == "undecided"


async def test_a_wrong_state_is_tried_in_a_browser_of_its_own(world: World) -> None:
    waiting = await world.browser.press("log-in")
    before = {key async for key in world.redis.scan_iter("*:session:*")}
    await attack(world, "wrong-state")
    assert {key async for key in world.redis.scan_iter("*:session:*")} == before
    assert await world.browser.return_with(await world.browser.authorize(waiting)) == "/"
    assert (await world.browser.home()).is_logged_in


@pytest.mark.parametrize(("setting", "number"), [({}, 12), ({"attack_limit": "2/minute"}, 2)])
async def test_attacks_are_counted_for_all_visitors_together(
    make_world: MakeWorld, setting: dict[str, str], number: int
) -> None:
    world = await make_world(
        reachable=True, rate_limits="on", redis_url="redis://127.0.0.1:1", **setting
    )
    for _ in range(number):
        assert (await attack(world, "foreign-redirect")).status == 200
    world.browser.client.session.cookie_jar.clear()
    page = await attack(world, "foreign-redirect")
    assert page.status == 429
    assert "Too many requests" in page.says("status")
    # each with its control
    assert len([path for path in world.issuer.paths() if path == "/authorize"]) == 2 * number


@pytest.mark.parametrize(
    ("name", "obstacle"),
    [
        ("altered-token", "Log in first"),
        ("missing-scope", "Log in first"),
        ("expired-token", "Log in first"),
    ],
)
async def test_what_needs_a_token_says_so(make_world: MakeWorld, name: str, obstacle: str) -> None:
    world = await make_world(reachable=True)
    page = await world.browser.get("/attacks")
    assert obstacle in card(page, name)
    assert "<button" not in card(page, name)
    assert result(await world.browser.submit(f"/attacks/{name}"), name) == "undecided"


@pytest.mark.parametrize("renewed", [False, True])
async def test_an_expired_token_is_tried_when_its_time_is_over_for_everybody(
    world: World, renewed: bool
) -> None:
    world.resource.refused |= set(world.issuer.access_tokens)
    if renewed:
        world.time.now += 100
        await world.browser.do("refresh")
        world.time.now -= 100
    world.time.now += 300 + EXPIRED_MARGIN_SECONDS - 61
    page = await world.browser.get("/attacks")
    assert "come back in 1 min 1 s" in card(page, "expired-token")
    early = await world.browser.submit("/attacks/expired-token")
    assert result(early, "expired-token") == "undecided"
    world.time.now += 61
    assert "<button" in card(await world.browser.get("/attacks"), "expired-token")
    page = await world.browser.submit("/attacks/expired-token")
    assert result(page, "expired-token") == "refused"


async def test_a_token_of_a_former_login_is_not_kept(world: World) -> None:
    await world.browser.do("refresh")
    world.time.now += 400
    await world.browser.do("log-in")
    assert "come back in" in card(await world.browser.get("/attacks"), "expired-token")


async def test_a_missing_scope_leads_to_the_step_up(world: World) -> None:
    page = await attack(world, "missing-scope")
    assert 'data-testid="step-up"' in card(page, "missing-scope")
    assert world.resource.contexts == []
    page = await world.browser.submit("/console/create", title="t", content="c")
    assert page.says("status") == "The context was created."
    page = await world.browser.get("/attacks")
    assert "lacks no scope" in card(page, "missing-scope")


async def test_a_refusal_that_does_not_name_the_scope_proves_nothing(world: World) -> None:
    world.resource.needs = f'{WRITE}" error="invalid_token'
    page = await attack(world, "missing-scope")
    assert result(page, "missing-scope") == "undecided"
    assert "without saying insufficient_scope" in card(page, "missing-scope")


async def test_a_page_is_shown_as_its_text(world: World) -> None:
    page = await attack(world, "wrong-state")
    assert "That did not work" in card(page, "wrong-state")
    assert "&lt;" not in card(page, "wrong-state")


@pytest.mark.parametrize("token", ["opaque-token", "AAAA"])
def test_an_opaque_token_is_altered_too(token: str) -> None:
    ((altered, _),) = alter(token, "x")
    assert altered != token
    assert len(altered) == len(token)
