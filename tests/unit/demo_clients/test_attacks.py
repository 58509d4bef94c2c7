"""The attacks: a good system refuses each, and a broken one is called broken."""

import re
from collections.abc import Callable

import pytest
from aiohttp import web
from fakes.client_world import MakeWorld, Page, World
from fakes.wire import on_loopback
from multidict import CIMultiDict, CIMultiDictProxy

from demo_clients.attacks.attack import refused_with
from demo_clients.attacks.bearer_tokens import EXPIRED_MARGIN_SECONDS, alter
from demo_clients.attacks.catalog import ATTACKS
from demo_clients.outgoing import Answer

READ, WRITE = "mcp-api/read", "mcp-api/write"


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """A client that reaches itself, with a visitor who is logged in."""
    world = await make_world(reachable=True)
    await world.browser.do("log-in")
    return world


async def attack(world: World, name: str) -> Page:
    if name == "expired-token":
        world.resource.refused |= set(world.issuer.access_tokens)
        world.time.now += 300 + EXPIRED_MARGIN_SECONDS
    return await world.browser.submit(f"/attacks/{name}")


def card(page: Page, name: str) -> str:
    found = re.search(rf'<article [^>]*id="{name}".*?</article>', page.text, re.S)
    assert found is not None
    return found[0]


def result(page: Page, name: str) -> str | None:
    found = re.search(r'^<article [^>]*data-result="(\w+)"', card(page, name))
    return found[1] if found else None


def statuses(page: Page, name: str) -> list[tuple[str, str]]:
    return re.findall(r'data-step="(\w+)" data-status="(\d+)"', card(page, name))


Break = Callable[[World], None]


def broken(**switches: object) -> Break:
    def break_it(world: World) -> None:
        for name, value in switches.items():
            server = world.issuer if hasattr(world.issuer, name) else world.resource
            assert hasattr(server, name)
            setattr(server, name, value)

    return break_it


BROKEN = [
    ("foreign-redirect", broken(redirects_anywhere=True), "sent to the attacker"),
    ("missing-pkce", broken(needs_no_challenge=True), "a stolen code would be enough"),
    ("replayed-code", broken(redeems_twice=True), "good a second time"),
    ("replayed-code", broken(spares_grants=True), "still work"),
    ("reused-refresh-token", broken(refreshes_twice=True), "good again"),
    ("reused-refresh-token", broken(spares_grants=True), "still works"),
    ("altered-token", broken(believes_claims=True), "claims that anybody can write"),
    ("missing-scope", broken(needs=READ), "may only read"),
]


@pytest.mark.parametrize(("name", "break_it", "why"), BROKEN)
async def test_a_system_that_does_not_refuse_is_called_broken(
    world: World, name: str, break_it: Break, why: str
) -> None:
    break_it(world)
    page = await attack(world, name)
    assert result(page, name) == "accepted"
    assert "NOT refused" in card(page, name)
    assert "as it must be" not in card(page, name)
    assert why in card(page, name)
    assert statuses(page, name)


async def test_an_expired_token_that_opens_the_door_is_called_out(world: World) -> None:
    world.time.now += 300 + EXPIRED_MARGIN_SECONDS
    page = await world.browser.submit("/attacks/expired-token")
    assert result(page, "expired-token") == "accepted"


@pytest.mark.parametrize(
    ("status", "loses_the_login", "judged"),
    [
        (303, False, "accepted"),
        (200, False, "accepted"),
        (400, True, "accepted"),
        (503, False, "untried"),
        (400, False, "refused"),
    ],
)
async def test_a_callback_is_judged_by_its_answer_and_by_what_it_spends(
    make_world: MakeWorld, status: int, loses_the_login: bool, judged: str
) -> None:
    cookies: list[str] = []

    async def callback(request: web.Request) -> web.Response:
        cookies.append(request.headers["Cookie"])
        if loses_the_login:
            keys = [key async for key in world.redis.scan_iter("*:session:*")]
            await world.redis.delete(*keys)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/callback", callback)
    async with on_loopback(app) as origin:
        world = await make_world(public_url=origin)
        page = await attack(world, "wrong-state")
    assert result(page, "wrong-state") == judged
    assert len(cookies) == 1
    ours = [cookie.value for cookie in world.browser.client.session.cookie_jar]
    assert not [value for value in ours if value in cookies[0]]


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
    broken(**{switch: True})(world)
    await attack(world, name)
    assert set(world.issuer.refresh_tokens) == held
    assert world.issuer.revoked


OURS = "{ours}/callback?"


@pytest.mark.parametrize(
    ("name", "status", "location", "judged"),
    [
        ("foreign-redirect", 200, "", "accepted"),
        ("foreign-redirect", 302, "https://login.example/", "accepted"),
        ("foreign-redirect", 302, "https://attacker.example/callback?error=x", "accepted"),
        ("foreign-redirect", 400, "", "refused"),
        ("foreign-redirect", 429, "", "untried"),
        ("foreign-redirect", 503, "", "untried"),
        ("missing-pkce", 200, "", "accepted"),
        ("missing-pkce", 302, "https://login.example/?error=invalid_request", "accepted"),
        ("missing-pkce", 302, f"{OURS}code=made-up", "accepted"),
        ("missing-pkce", 302, f"{OURS}error=x&code=made-up", "accepted"),
        ("missing-pkce", 302, f"{OURS}state=x", "accepted"),
        ("missing-pkce", 302, f"{OURS}error=invalid_request", "refused"),
        ("missing-pkce", 200, f"{OURS}error=invalid_request", "accepted"),
        ("missing-pkce", 400, "", "refused"),
        ("missing-pkce", 429, "", "untried"),
    ],
)
async def test_an_authorization_request_is_refused_by_an_error_alone(
    world: World, name: str, status: int, location: str, judged: str
) -> None:
    ours = str(world.browser.client.make_url("/")).rstrip("/")
    world.issuer.authorize_answer = (status, location.format(ours=ours))
    assert result(await attack(world, name), name) == judged


@pytest.mark.parametrize(
    ("status", "refused"),
    [(200, False), (201, False), (401, True), (403, False), (429, None), (500, None), (503, None)],
)
def test_only_the_status_of_the_standard_is_a_refusal(status: int, refused: bool | None) -> None:
    answer = Answer(status, CIMultiDictProxy(CIMultiDict()), b"")
    assert refused_with(answer, 401, "why", "danger").refused is refused


@pytest.mark.parametrize(
    ("status", "error", "judged"),
    [
        (400, "invalid_grant", "refused"),
        (400, "invalid_request", "accepted"),
        (200, "invalid_grant", "accepted"),
    ],
)
async def test_a_token_is_refused_by_invalid_grant_alone(
    world: World, status: int, error: str, judged: str
) -> None:
    world.issuer.refresh_error = (status, {"error": error})
    page = await attack(world, "replayed-code")
    assert result(page, "replayed-code") == judged


async def test_a_refresh_token_that_stays_the_same_is_called_out(world: World) -> None:
    world.issuer.rotates = False
    page = await attack(world, "reused-refresh-token")
    assert result(page, "reused-refresh-token") == "accepted"
    assert "lasts for ever" in card(page, "reused-refresh-token")


@pytest.mark.parametrize("name", ["replayed-code", "reused-refresh-token"])
async def test_denying_the_authorization_is_no_verdict(world: World, name: str) -> None:
    world.issuer.response = {"code": None, "error": "access_denied"}
    page = await attack(world, name)
    assert result(page, name) == "untried"
    assert "You denied access." in card(page, name)
    assert (await world.browser.home()).is_logged_in


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("name", ["replayed-code", "reused-refresh-token"])
async def test_a_busy_server_has_decided_nothing(world: World, name: str, status: int) -> None:
    world.issuer.refresh_error = (status, {"error": "temporarily_unavailable"})
    page = await attack(world, name)
    assert result(page, name) == "untried"


async def test_a_client_that_cannot_reach_itself_has_tried_nothing(make_world: MakeWorld) -> None:
    world = await make_world(public_url="http://127.0.0.1:1")
    page = await world.browser.submit("/attacks/wrong-state")
    assert result(page, "wrong-state") == "untried"


async def test_a_wrong_state_is_tried_in_a_browser_of_its_own(world: World) -> None:
    waiting = await world.browser.press("log-in")
    before = {key async for key in world.redis.scan_iter("*:session:*")}
    await attack(world, "wrong-state")
    assert {key async for key in world.redis.scan_iter("*:session:*")} == before
    assert await world.browser.return_with(await world.browser.authorize(waiting)) == "/"
    assert (await world.browser.home()).is_logged_in


async def test_attacks_are_counted_for_all_visitors_together(make_world: MakeWorld) -> None:
    world = await make_world(reachable=True, rate_limits="on", redis_url="redis://127.0.0.1:1")
    for _ in range(12):
        assert (await attack(world, "foreign-redirect")).status == 200
    world.browser.client.session.cookie_jar.clear()
    page = await attack(world, "foreign-redirect")
    assert page.status == 429
    assert "Too many requests" in page.says("status")
    assert len([path for path in world.issuer.paths() if path == "/authorize"]) == 12


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
    assert result(await world.browser.submit(f"/attacks/{name}"), name) == "untried"


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
    assert result(early, "expired-token") == "untried"
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


async def test_a_refusal_that_does_not_name_the_scope_is_one_all_the_same(world: World) -> None:
    world.resource.needs = f'{WRITE}" error="invalid_token'
    page = await attack(world, "missing-scope")
    assert result(page, "missing-scope") == "refused"
    assert "does not say which scope is missing" in card(page, "missing-scope")


async def test_only_the_latest_attack_keeps_its_exchanges(world: World) -> None:
    await attack(world, "foreign-redirect")
    page = await attack(world, "missing-pkce")
    assert result(page, "foreign-redirect") == result(page, "missing-pkce") == "refused"
    assert statuses(page, "foreign-redirect") == []
    assert statuses(page, "missing-pkce") == [("attack", "302")]
    assert len(page.text.encode()) < 100_000


async def test_a_page_is_shown_as_its_text(world: World) -> None:
    page = await attack(world, "wrong-state")
    assert "That did not work" in card(page, "wrong-state")
    assert "&lt;" not in card(page, "wrong-state")


@pytest.mark.parametrize("token", ["opaque-token", "AAAA"])
def test_an_opaque_token_is_altered_too(token: str) -> None:
    ((altered, _),) = alter(token, "x")
    assert altered != token
    assert len(altered) == len(token)
