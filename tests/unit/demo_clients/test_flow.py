"""Authorization request, response and code exchange."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.client_world import PUBLIC_URL, MakeWorld, World

from demo_clients.flow import MAX_PENDING, PENDING_SECONDS

KINDS = ["preregistered", "dynamic", "metadata_document"]


def query_of(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.requirement("CL9", "CL13", "CL10")
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_client_logs_in(make_world: MakeWorld, kind: str) -> None:
    world = await make_world(kind)
    page = await world.browser.do("log-in")
    assert page.is_logged_in
    assert page.says("status") == "You are logged in."
    asked = query_of(world.browser.visited[0])
    assert asked == {
        "response_type": "code",
        "client_id": page.says("client-id"),
        "redirect_uri": f"{PUBLIC_URL}/callback",
        "state": asked["state"],
        "code_challenge": asked["code_challenge"],
        "code_challenge_method": "S256",
        "resource": world.resource.resource,
        "scope": "mcp-api/read",
    }
    (sent,) = world.issuer.forms("/token")
    assert sent["resource"] == world.resource.resource
    assert sent["redirect_uri"] == f"{PUBLIC_URL}/callback"
    assert 43 <= len(sent["code_verifier"]) <= 128


@pytest.mark.requirement("CL13")
async def test_state_and_verifier_are_fresh_every_time(world: World) -> None:
    for _ in range(3):
        await world.browser.do("log-in")
    sent = [query_of(url) for url in world.browser.visited]
    assert len({one["state"] for one in sent}) == 3
    assert len({one["code_challenge"] for one in sent}) == 3
    assert all(len(one["state"]) >= 22 for one in sent)


@pytest.mark.requirement("CL13")
@pytest.mark.parametrize("state", ["unknown", "", None])
async def test_a_response_that_nobody_waits_for_is_refused(world: World, state: str | None) -> None:
    location = await world.browser.press("log-in")
    callback = await world.browser.authorize(location)
    query = query_of(callback)
    forged = f"/callback?code={query['code']}&iss={world.issuer.issuer}"
    page = await world.browser.get(forged if state is None else f"{forged}&state={state}")
    assert page.status == 400
    assert "does not belong to a log-in" in page.says("status")
    assert world.issuer.forms("/token") == []
    # the log-in that is under way is not disturbed
    assert await world.browser.return_with(callback) == "/"
    assert (await world.browser.home()).is_logged_in


@pytest.mark.requirement("CL13")
async def test_another_browsers_response_is_refused(make_world: MakeWorld, world: World) -> None:
    """The attacker's code in the victim's browser: whose account would the victim then use?"""
    attackers = await world.browser.authorize(await world.browser.press("log-in"))
    world.browser.client.session.cookie_jar.clear()
    parts = urlsplit(attackers)
    without_cookie = await world.browser.get(f"{parts.path}?{parts.query}")
    assert without_cookie.status == 400
    await world.browser.home()
    with_another = await world.browser.get(f"{parts.path}?{parts.query}")
    assert with_another.status == 400
    assert world.issuer.forms("/token") == []


@pytest.mark.requirement("CL13")
async def test_a_response_is_taken_once(world: World) -> None:
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    await world.browser.return_with(callback)
    parts = urlsplit(callback)
    assert (await world.browser.get(f"{parts.path}?{parts.query}")).status == 400
    assert len(world.issuer.forms("/token")) == 1


async def test_a_login_waits_ten_minutes(world: World) -> None:
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    world.time.now += PENDING_SECONDS
    parts = urlsplit(callback)
    assert (await world.browser.get(f"{parts.path}?{parts.query}")).status == 400
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    world.time.now += PENDING_SECONDS - 1
    assert await world.browser.return_with(callback) == "/"


async def test_two_tabs_can_log_in_at_once(world: World) -> None:
    first = await world.browser.authorize(await world.browser.press("log-in"))
    second = await world.browser.authorize(await world.browser.press("log-in"))
    await world.browser.return_with(second)
    assert (await world.browser.home()).is_logged_in
    await world.browser.return_with(first)
    assert (await world.browser.home()).is_logged_in


async def test_the_oldest_login_gives_way(world: World) -> None:
    callbacks = [
        await world.browser.authorize(await world.browser.press("log-in"))
        for _ in range(MAX_PENDING + 1)
    ]
    parts = urlsplit(callbacks[0])
    assert (await world.browser.get(f"{parts.path}?{parts.query}")).status == 400
    assert await world.browser.return_with(callbacks[1]) == "/"


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize("promised", [True, None])
@pytest.mark.parametrize(
    "response",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://evil.example", "code": None, "error": "access_denied"},
    ],
)
async def test_a_response_of_another_issuer_is_not_used(
    world: World, promised: bool | None, response: dict[str, str | None]
) -> None:
    world.issuer.metadata["authorization_response_iss_parameter_supported"] = promised
    world.issuer.response = {**response, "error_description": "call 555-1234"}
    page = await world.browser.do("log-in")
    assert not page.is_logged_in
    assert "did not come from the authorization server" in page.says("status")
    assert "555-1234" not in page.text
    assert "denied" not in page.text
    assert world.issuer.forms("/token") == []


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize(
    ("promised", "iss", "logged_in"),
    [(True, None, False), (None, None, True), (None, "right", True), (True, "right", True)],
)
async def test_the_issuer_must_be_there_where_it_was_promised(
    world: World, promised: bool | None, iss: str | None, logged_in: bool
) -> None:
    world.issuer.metadata["authorization_response_iss_parameter_supported"] = promised
    if iss is None:
        world.issuer.response["iss"] = None
    assert (await world.browser.do("log-in")).is_logged_in is logged_in


@pytest.mark.requirement("CL12")
async def test_the_issuer_is_the_one_recorded_before_the_redirect(world: World) -> None:
    """Mix-up: what the metadata says when the answer arrives does not matter any more."""
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    seen_before = len(world.issuer.seen)
    world.issuer.metadata["issuer"] = "https://evil.example"
    world.issuer.metadata["token_endpoint"] = "https://evil.example/token"
    assert await world.browser.return_with(callback) == "/"
    assert (await world.browser.home()).is_logged_in
    assert world.issuer.paths()[seen_before:] == ["/token"]


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("access_denied", "You denied access."),
        ("server_error", "The authorization server had a problem. Try again."),
        ("<b>made up</b>", "The authorization server refused the log-in."),
    ],
)
async def test_an_error_is_shown_in_our_words(world: World, error: str, shown: str) -> None:
    world.issuer.response = {"code": None, "error": error, "error_description": "call 555-1234"}
    page = await world.browser.do("log-in")
    assert page.says("status") == shown
    assert not page.succeeded
    assert "555-1234" not in page.text
    assert "made up" not in page.text


async def test_denying_more_keeps_what_was_granted(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.response = {"code": None, "error": "access_denied"}
    page = await world.browser.do("create", title="t", content="c")
    assert page.says("status") == "You denied access."
    assert page.is_logged_in
    assert world.resource.contexts == []
    assert (await world.browser.do("fetch")).succeeded


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (400, {"error": "invalid_grant"}, "Your log-in has ended. Log in again."),
        (400, {"error": "invalid_target"}, "The authorization server gave no token."),
        (503, {"error": "temporarily_unavailable"}, "The authorization server is busy."),
        (429, {}, "The authorization server is busy."),
        (500, {}, "The authorization server gave no token."),
    ],
)
async def test_a_code_that_gives_no_token_is_explained(
    world: World, status: int, body: dict[str, str], shown: str
) -> None:
    world.issuer.token_error = (status, {**body, "error_description": "call 555-1234"})
    page = await world.browser.do("log-in")
    assert not page.is_logged_in
    assert page.says("status").startswith(shown)
    assert "555-1234" not in page.text


@pytest.mark.parametrize(
    "changed",
    [
        {"token_type": "mac"},
        {"token_type": None},
        {"access_token": ""},
        {"access_token": "a b"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": 7},
        {"access_token": "a" * (16 * 1024 + 1)},
        {"refresh_token": ""},
        {"refresh_token": "a\nb"},
        {"refresh_token": 7},
        {"expires_in": "300"},
        {"expires_in": 0},
        {"expires_in": True},
        {"expires_in": -1},
        {"scope": "a  b"},
    ],
)
async def test_a_malformed_token_response_is_refused(
    world: World, changed: dict[str, object]
) -> None:
    good = {"access_token": "a.b.c", "token_type": "bearer", "expires_in": 1, "scope": "s"}
    world.issuer.token_error = (200, {**good, **changed})  # type: ignore[dict-item]
    page = await world.browser.do("log-in")
    assert page.says("status") == "The authorization server's answer is malformed."
    assert not page.is_logged_in


async def test_what_a_token_response_may_leave_out(world: World) -> None:
    world.issuer.token_error = (200, {"access_token": "opaque", "token_type": "BEARER"})
    world.issuer.access_tokens["opaque"] = "mcp-api/read"
    page = await world.browser.do("log-in")
    assert page.is_logged_in
    assert page.says("scopes") == "mcp-api/read"
    assert page.says("expires") == "when the server says so"
    assert not page.has("refresh")
    assert "opaque: only" in page.text


@pytest.mark.parametrize(
    ("refreshable", "told"),
    [
        (True, "now: the next call refreshes it"),
        (False, "now: the next call leads to a log-in"),
    ],
)
async def test_an_expired_token_says_what_comes_of_it(
    world: World, refreshable: bool, told: str
) -> None:
    world.issuer.gives_refresh_token = refreshable
    await world.browser.do("log-in")
    world.time.now += 300
    assert (await world.browser.home()).says("expires") == told


async def test_a_token_that_the_resource_refuses_at_once_is_no_login(world: World) -> None:
    world.issuer.token_error = (200, {"access_token": "stranger", "token_type": "Bearer"})
    page = await world.browser.do("log-in")
    assert not page.succeeded
    assert not page.is_logged_in


async def test_a_login_leads_to_a_new_session_id(world: World) -> None:
    await world.browser.home()
    jar = world.browser.client.session.cookie_jar
    (before,) = [cookie.value for cookie in jar]
    await world.browser.do("log-in")
    (after,) = [cookie.value for cookie in jar]
    assert before != after
    world.browser.client.session.cookie_jar.clear()
    fixed = await world.browser.get("/", headers={"Cookie": f"client-3002={before}"})
    assert not fixed.is_logged_in


async def test_the_grant_that_a_new_login_replaces_is_revoked(world: World) -> None:
    await world.browser.do("log-in")
    (first,) = world.issuer.refresh_tokens
    await world.browser.do("log-in")
    assert world.issuer.revoked == [first]
    assert len(world.issuer.refresh_tokens) == 1
