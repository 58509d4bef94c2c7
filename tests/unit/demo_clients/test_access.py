"""A good token for every call: refreshed once, by one request at a time."""

import asyncio

import pytest
from fakes.client_world import MakeWorld, World

READ = "mcp-api/read"


def refreshes(world: World) -> list[dict[str, str]]:
    forms = world.issuer.forms("/token")
    return [form for form in forms if form["grant_type"] == "refresh_token"]


@pytest.mark.requirement("CL15")
async def test_two_actions_at_once_refresh_once(world: World) -> None:
    await world.browser.do("log-in")
    world.time.now += 300
    token = await world.browser.form_token()

    async def fetch() -> int:
        answer = await world.browser.client.post(
            "/actions/fetch", data={"form_token": token}, allow_redirects=False
        )
        assert answer.headers["Location"] == "/"
        return answer.status

    assert await asyncio.gather(*(fetch() for _ in range(8))) == [303] * 8
    assert len(refreshes(world)) == 1
    page = await world.browser.home()
    assert page.succeeded
    assert page.is_logged_in


@pytest.mark.requirement("CL15")
async def test_refreshes_after_a_401_are_one_too(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.refused.update(world.issuer.access_tokens)
    token = await world.browser.form_token()
    posts = [
        world.browser.client.post(
            "/actions/fetch", data={"form_token": token}, allow_redirects=False
        )
        for _ in range(8)
    ]
    answers = await asyncio.gather(*posts)
    assert {answer.headers["Location"] for answer in answers} == {"/"}
    assert len(refreshes(world)) == 1


@pytest.mark.requirement("CL15", "CL9")
async def test_the_new_refresh_token_replaces_the_old_one(world: World) -> None:
    await world.browser.do("log-in")
    for _ in range(3):
        assert (await world.browser.do("refresh")).succeeded
    sent = [form["refresh_token"] for form in refreshes(world)]
    assert len(set(sent)) == 3
    assert {form["resource"] for form in refreshes(world)} == {world.resource.resource}
    assert "refreshed 3 times" in (await world.browser.home()).says("refreshed")


@pytest.mark.requirement("CL15")
async def test_a_refresh_that_brings_no_new_refresh_token_keeps_the_old_one(world: World) -> None:
    await world.browser.do("log-in")
    (kept,) = world.issuer.refresh_tokens
    answer = {"access_token": "new", "token_type": "Bearer"}
    world.issuer.refresh_error = (200, answer)
    await world.browser.do("refresh")
    await world.browser.do("refresh")
    assert [form["refresh_token"] for form in refreshes(world)] == [kept, kept]


@pytest.mark.requirement("CL15")
@pytest.mark.parametrize(("left", "count"), [(10, 1), (11, 0)])
async def test_a_token_about_to_end_is_refreshed_before_the_call(
    world: World, left: int, count: int
) -> None:
    await world.browser.do("log-in")
    world.time.now += 300 - left
    calls = len(world.resource.seen)
    assert (await world.browser.do("fetch")).succeeded
    assert len(refreshes(world)) == count
    assert len(world.resource.seen) == calls + 1


@pytest.mark.requirement("CL15")
async def test_a_refused_token_is_refreshed_once_and_the_call_repeated(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.refused.update(world.issuer.access_tokens)
    page = await world.browser.do("create", title="t", content="c")
    assert page.succeeded, page.says("status")
    assert world.resource.contexts == [{"title": "t", "content": "c"}]


@pytest.mark.requirement("CL15")
async def test_a_server_that_refuses_every_token_ends_in_a_message(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.refuses_all = True
    page = await world.browser.do("fetch")
    assert page.says("status") == "The resource server refused a new access token."
    assert len(world.browser.visited) == 2
    assert len(refreshes(world)) == 2


@pytest.mark.requirement("CL15")
@pytest.mark.parametrize("reason", ["invalid_grant", "no refresh token"])
async def test_without_a_good_refresh_token_we_log_in_again_and_go_on(
    world: World, reason: str
) -> None:
    world.issuer.gives_refresh_token = reason != "no refresh token"
    await world.browser.do("log-in")
    world.issuer.refresh_tokens.clear()
    world.time.now += 300
    page = await world.browser.do("fetch")
    assert page.succeeded
    assert page.says("status") == "The resource server sent its data."
    assert len(world.browser.visited) == 2


@pytest.mark.requirement("CL15")
async def test_the_refresh_button_says_that_the_login_has_ended(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.refresh_tokens.clear()
    page = await world.browser.do("refresh")
    assert page.says("status") == "Your log-in has ended. Log in again."
    assert not page.is_logged_in
    again = await world.browser.do("refresh")
    assert again.says("status") == "Log in first."


@pytest.mark.requirement("CL15")
@pytest.mark.parametrize("status", [503, 500, 429])
async def test_a_server_that_is_busy_costs_nobody_the_login(world: World, status: int) -> None:
    await world.browser.do("log-in")
    world.time.now += 300
    world.issuer.refresh_error = (status, {"error": "temporarily_unavailable"})
    page = await world.browser.do("fetch")
    assert not page.succeeded
    assert page.is_logged_in
    world.issuer.refresh_error = None
    assert (await world.browser.do("fetch")).succeeded


@pytest.mark.requirement("CL8")
async def test_nothing_of_one_authorization_server_goes_to_another(make_world: MakeWorld) -> None:
    world, other = await make_world(), await make_world()
    await world.browser.do("log-in")
    old_tokens = {*world.issuer.access_tokens, *world.issuer.refresh_tokens}
    old_client = next(iter(world.issuer.clients))
    calls_before = len(world.issuer.seen)

    world.resource.issuer = other.issuer
    page = await world.browser.do("fetch")

    assert page.succeeded
    assert page.says("issuer") == other.issuer.issuer
    assert len(world.issuer.seen) == calls_before
    (registered,) = other.issuer.clients.values()
    assert other.issuer.paths().count("/register") == 1
    assert page.says("client-id") == registered["client_id"]
    bodies = b"".join(seen.body for seen in other.issuer.seen).decode()
    assert not any(token in bodies for token in old_tokens)
    assert old_client not in bodies or old_client == registered["client_id"]


@pytest.mark.requirement("CL8")
async def test_the_old_registration_is_used_again_when_the_resource_moves_back(
    make_world: MakeWorld,
) -> None:
    world, other = await make_world(), await make_world()
    first = world.resource.issuer
    await world.browser.do("log-in")
    world.resource.issuer = other.issuer
    await world.browser.do("log-in")
    world.resource.issuer = first
    page = await world.browser.do("log-in")
    assert page.says("issuer") == first.issuer
    assert first.paths().count("/register") == 1


@pytest.mark.requirement("CL8")
async def test_a_registered_id_is_an_error_at_another_authorization_server(
    make_world: MakeWorld,
) -> None:
    world, other = await make_world("preregistered"), await make_world()
    await world.browser.do("log-in")
    world.resource.issuer = other.issuer
    page = await world.browser.do("fetch")
    assert "another authorization server" in page.says("status")
    assert not page.is_logged_in
    assert other.issuer.seen == []


@pytest.mark.requirement("CL8")
async def test_a_document_is_the_same_id_everywhere(make_world: MakeWorld) -> None:
    world, other = await make_world("metadata_document"), await make_world("metadata_document")
    page = await world.browser.do("log-in")
    world.resource.issuer = other.issuer
    moved = await world.browser.do("fetch")
    assert moved.says("client-id") == page.says("client-id")
    assert moved.says("issuer") == other.issuer.issuer


@pytest.mark.requirement("CL14")
async def test_the_token_goes_to_the_resource_in_the_header_and_nowhere_else(world: World) -> None:
    await world.browser.do("log-in")
    await world.browser.do("fetch")
    await world.browser.do("call-tool", tool="list_contexts", arguments="{}")
    (token,) = world.issuer.access_tokens
    with_token = [
        seen for seen in world.resource.seen if token in seen.headers.get("Authorization", "")
    ]
    assert {seen.path for seen in with_token} == {"/mcp", "/v1/contexts"}
    everywhere = [*world.resource.seen, *world.issuer.seen]
    assert not any(token in str(seen.query) or token.encode() in seen.body for seen in everywhere)
    assert not any(token in str(seen.headers) for seen in world.issuer.seen)
    protected = [seen for seen in world.resource.seen if ".well-known" in seen.path]
    assert not any("Authorization" in seen.headers for seen in protected)
