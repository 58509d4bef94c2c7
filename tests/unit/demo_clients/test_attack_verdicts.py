"""What counts as a refusal: a system that lets an attack through is called broken."""

from collections.abc import Callable

import pytest
from aiohttp import web
from fakes.attack_panel import attack, card, result, statuses
from fakes.client_world import MakeWorld, World
from fakes.wire import on_loopback
from multidict import CIMultiDict, CIMultiDictProxy

from demo_clients.attacks.attack import refused_with
from demo_clients.attacks.bearer_tokens import EXPIRED_MARGIN_SECONDS
from demo_clients.outgoing import Answer

READ, WRITE = "mcp-api/read", "mcp-api/write"


@pytest.fixture
def world(reachable_world: World) -> World:
    return reachable_world


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
