"""What counts as a refusal: a system that lets an attack through is called broken."""

from collections.abc import Callable

import pytest
from aiohttp import web
from fakes.attack_panel import attack, card, result, statuses
from fakes.client_world import MakeWorld, World
from fakes.wire import on_loopback
from multidict import CIMultiDict, CIMultiDictProxy

from demo_clients.attacks.attack import refused_with_challenge
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


TAKEN = 303
# where the first answer is a refusal that took nothing
BOTH_ASKED = [(400, "nothing"), (400, "at the control")]


@pytest.mark.parametrize(
    ("status", "control", "spends", "judged"),
    [
        (303, TAKEN, "nothing", "accepted"),
        (200, TAKEN, "nothing", "accepted"),
        (400, TAKEN, "at the attack", "accepted"),
        (404, TAKEN, "at the control", "undecided"),
        (403, TAKEN, "at the control", "undecided"),
        (503, TAKEN, "at the control", "undecided"),
        # a callback that knows no browser, or takes no answer at all
        (400, 400, "nothing", "undecided"),
        (400, 404, "nothing", "undecided"),
        (400, TAKEN, "nothing", "undecided"),
        (400, 400, "at the control", "undecided"),
        (400, TAKEN, "at the control", "refused"),
    ],
)
async def test_a_callback_is_judged_by_its_answers_and_by_what_it_spends(
    make_world: MakeWorld, status: int, control: int, spends: str, judged: str
) -> None:
    cookies: list[str] = []

    async def callback(request: web.Request) -> web.Response:
        cookies.append(request.headers["Cookie"])
        is_attack = "code" in request.query
        if spends == ("at the attack" if is_attack else "at the control"):
            keys = [key async for key in world.redis.scan_iter("*:session:*")]
            await world.redis.delete(*keys)
        return web.Response(status=status if is_attack else control, headers={"Location": "/"})

    app = web.Application()
    app.router.add_get("/callback", callback)
    async with on_loopback(app) as origin:
        world = await make_world(public_url=origin)
        page = await attack(world, "wrong-state")
    assert result(page, "wrong-state") == judged
    assert len(cookies) == (2 if (status, spends) in BOTH_ASKED else 1)
    assert len(set(cookies)) == 1
    ours = [cookie.value for cookie in world.browser.client.session.cookie_jar]
    assert not [value for value in ours if value in cookies[0]]


OURS = "{ours}/callback?"
ELSEWHERE = "https://login.example/"
PAGE, NO_PAGE = (200, ""), (400, "")


@pytest.mark.parametrize(
    ("name", "answer", "control", "judged"),
    [
        ("foreign-redirect", (200, ""), PAGE, "accepted"),
        ("foreign-redirect", (302, ELSEWHERE), PAGE, "accepted"),
        ("foreign-redirect", (302, "https://attacker.example/callback?error=x"), PAGE, "accepted"),
        ("foreign-redirect", (400, "https://attacker.example/callback"), PAGE, "accepted"),
        ("foreign-redirect", (400, ""), PAGE, "refused"),
        ("foreign-redirect", (400, ""), (302, ELSEWHERE), "refused"),
        ("foreign-redirect", (400, ELSEWHERE), PAGE, "undecided"),
        ("foreign-redirect", (401, ""), PAGE, "undecided"),
        ("foreign-redirect", (404, ""), PAGE, "undecided"),
        ("foreign-redirect", (429, ""), PAGE, "undecided"),
        ("foreign-redirect", (503, ""), PAGE, "undecided"),
        # a client that the server does not know, or a server that is about something else
        ("foreign-redirect", (400, ""), NO_PAGE, "undecided"),
        ("foreign-redirect", (400, ""), (404, ""), "undecided"),
        ("foreign-redirect", (400, ""), (204, ""), "undecided"),
        ("foreign-redirect", (400, ""), (302, ""), "undecided"),
        ("foreign-redirect", (400, ""), (302, f"{OURS}error=invalid_scope"), "undecided"),
        ("missing-pkce", (200, ""), PAGE, "accepted"),
        ("missing-pkce", (302, f"{ELSEWHERE}?error=invalid_request"), PAGE, "accepted"),
        ("missing-pkce", (302, f"{OURS}code=made-up"), PAGE, "accepted"),
        ("missing-pkce", (302, f"{OURS}error=invalid_request&code=made-up"), PAGE, "accepted"),
        ("missing-pkce", (302, f"{OURS}state=x"), PAGE, "accepted"),
        ("missing-pkce", (200, f"{OURS}error=invalid_request"), PAGE, "accepted"),
        ("missing-pkce", (302, f"{OURS}error=invalid_request"), PAGE, "refused"),
        ("missing-pkce", (400, ""), PAGE, "refused"),
        ("missing-pkce", (302, f"{OURS}error=invalid_scope"), PAGE, "undecided"),
        ("missing-pkce", (302, f"{OURS}error=server_error"), PAGE, "undecided"),
        ("missing-pkce", (404, ""), PAGE, "undecided"),
        ("missing-pkce", (429, ""), PAGE, "undecided"),
        ("missing-pkce", (400, ""), NO_PAGE, "undecided"),
        (
            "missing-pkce",
            (302, f"{OURS}error=invalid_request"),
            (302, f"{OURS}error=invalid_request"),
            "undecided",
        ),
    ],
)
async def test_an_authorization_request_is_refused_by_its_own_error_and_for_its_fault_alone(
    world: World, name: str, answer: tuple[int, str], control: tuple[int, str], judged: str
) -> None:
    ours = str(world.browser.client.make_url("/")).rstrip("/")
    world.issuer.authorize_answer = (answer[0], answer[1].format(ours=ours))
    world.issuer.good_answer = (control[0], control[1].format(ours=ours))
    assert result(await attack(world, name), name) == judged


@pytest.mark.parametrize("name", ["foreign-redirect", "missing-pkce"])
async def test_an_unknown_client_proves_nothing(world: World, name: str) -> None:
    world.issuer.clients.clear()
    page = await attack(world, name)
    assert result(page, name) == "undecided"
    assert "so was the same request without the fault (400)" in card(page, name)
    assert [step for step, _ in statuses(page, name)] == ["attack", "control"]


@pytest.mark.parametrize(
    ("status", "told", "refused"),
    [
        (401, "invalid_token", True),
        (401, "invalid_request", None),
        (401, "", None),
        *((status, "invalid_token", False) for status in (200, 201)),
        *((status, "invalid_token", None) for status in (403, 404, 429, 500, 503)),
    ],
)
def test_only_what_the_standard_asks_for_is_a_refusal(
    status: int, told: str, refused: bool | None
) -> None:
    header = f'Bearer realm="x", error="{told}"' if told else "Bearer"
    answer = Answer(status, CIMultiDictProxy(CIMultiDict({"WWW-Authenticate": header})), b"")
    judged = refused_with_challenge(answer, 401, "invalid_token", why="why", danger="danger")
    assert judged.refused is refused


@pytest.mark.parametrize("name", ["altered-token", "expired-token"])
async def test_a_refusal_that_does_not_say_why_proves_nothing(world: World, name: str) -> None:
    world.resource.names_errors = False
    page = await attack(world, name)
    assert result(page, name) == "undecided"


async def test_a_server_that_refuses_every_token_proves_nothing(world: World) -> None:
    world.resource.refuses_all = True
    assert result(await attack(world, "altered-token"), "altered-token") == "undecided"


async def test_a_token_that_opens_nothing_unaltered_proves_nothing(world: World) -> None:
    world.issuer.grants_scope = "nothing"
    await world.browser.do("refresh")
    page = await attack(world, "altered-token")
    assert result(page, "altered-token") == "undecided"
    assert "as it was issued is answered 403" in card(page, "altered-token")


@pytest.mark.parametrize(
    ("status", "error", "judged"),
    [
        (400, "invalid_grant", "refused"),
        (400, "invalid_request", "undecided"),
        (404, "invalid_grant", "undecided"),
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
