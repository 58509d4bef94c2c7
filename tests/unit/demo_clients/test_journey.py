"""Actions, with a step-up on the way where the server wants more scope."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from fakes.client_world import MakeWorld, World

from demo_clients.journey import MAX_STEP_UPS

READ, WRITE = "mcp-api/read", "mcp-api/write"


def scopes(url: str) -> list[str]:
    return dict(parse_qsl(urlsplit(url).query))["scope"].split()


@pytest.mark.requirement("CL11")
async def test_a_write_asks_for_the_union_and_is_done_when_we_come_back(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.needs = WRITE
    world.issuer.grants_scope = f"{READ} {WRITE}"
    page = await world.browser.do("create", title="<b>t</b>", content="c")
    assert scopes(world.browser.visited[-1]) == [READ, WRITE]
    assert page.succeeded
    assert page.says("status") == "The context was created."
    assert world.resource.contexts == [{"title": "<b>t</b>", "content": "c"}]
    assert "<b>t</b>" not in page.text
    assert page.has("call-tool")
    again = await world.browser.do("create", title="t2", content="c")
    assert again.succeeded
    assert len(world.browser.visited) == 2


@pytest.mark.requirement("CL8", "CL11")
async def test_what_was_asked_at_one_server_is_not_asked_at_another(make_world: MakeWorld) -> None:
    world, other = await make_world(), await make_world()
    await world.browser.do("log-in")
    await world.browser.do("create", title="t", content="c")
    await world.browser.do("log-in")
    assert scopes(world.browser.visited[-1]) == [READ, WRITE]
    world.resource.issuer = other.issuer
    await world.browser.do("log-in")
    assert scopes(world.browser.visited[-1]) == [READ]


@pytest.mark.requirement("CL11")
async def test_a_step_up_that_is_not_granted_stops(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.grants_scope = READ
    page = await world.browser.do("create", title="t", content="c")
    assert len(world.browser.visited) == 1 + MAX_STEP_UPS
    assert "not granted" in page.says("status")
    assert page.is_logged_in
    assert world.resource.contexts == []
    # remembered: the same operation does not start over
    again = await world.browser.do("create", title="t", content="c")
    assert "not granted" in again.says("status")
    assert len(world.browser.visited) == 1 + MAX_STEP_UPS
    # other operations are not concerned
    assert (await world.browser.do("fetch")).succeeded
    assert len(world.browser.visited) == 1 + MAX_STEP_UPS


@pytest.mark.requirement("CL11")
async def test_logging_out_and_in_starts_over(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.grants_scope = READ
    await world.browser.do("create", title="t", content="c")
    await world.browser.do("log-out")
    world.issuer.grants_scope = None
    await world.browser.do("log-in")
    assert (await world.browser.do("create", title="t", content="c")).succeeded


@pytest.mark.requirement("CL11")
async def test_a_challenge_for_the_moon_asks_for_nothing(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.needs = " ".join(f"scope-{number}" for number in range(40))
    page = await world.browser.do("create", title="t", content="c")
    assert "more scopes than" in page.says("status")
    assert len(world.browser.visited) == 1
    assert page.is_logged_in


@pytest.mark.requirement("CL11")
async def test_a_tool_may_need_a_step_up_too(world: World) -> None:
    await world.browser.do("log-in")
    arguments = '{"title": "t", "content": "c"}'
    page = await world.browser.do("call-tool", tool="create_context", arguments=arguments)
    assert page.succeeded
    assert world.resource.contexts == [{"title": "t", "content": "c"}]
    assert len(world.browser.visited) == 2


async def test_a_403_that_is_no_challenge_is_an_answer(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.needs = 'x" error="invalid_token'
    page = await world.browser.do("create", title="t", content="c")
    assert page.says("status") == "The resource server answered 403."
    assert len(world.browser.visited) == 1


@pytest.mark.parametrize("button", ["fetch", "list-tools"])
async def test_an_action_without_a_login_leads_through_one(world: World, button: str) -> None:
    page = await world.browser.do(button)
    assert page.succeeded
    assert page.is_logged_in
    assert page.has("call-tool")


@pytest.mark.requirement("CL21")
@pytest.mark.parametrize("sse", [False, True], ids=["json", "sse"])
@pytest.mark.parametrize(
    ("era", "revision"),
    [("modern", "2026-07-28"), ("legacy", "2025-11-25"), ("2025-06-18 2025-11-25", "2025-11-25")],
)
async def test_a_tool_answers_in_either_era(
    world: World, era: str, revision: str, sse: bool
) -> None:
    world.resource.era, world.resource.answers_sse = era, sse
    page = await world.browser.do("log-in")
    assert '<option value="list_contexts">' in page.text
    assert "Lists &lt;contexts&gt;" in page.text
    called = await world.browser.do("call-tool", tool="list_contexts", arguments='{"limit": 1}')
    assert called.succeeded
    assert called.says("status") == f"The tool answered (MCP {revision})."
    assert "list_contexts done" in called.says("result")
    sent = [one for one in world.resource.messages() if one["method"] == "tools/call"]
    assert sent[-1]["params"]["arguments"] == {"limit": 1}
    opened = [one for one in world.resource.messages() if one["method"] == "initialize"]
    assert bool(opened) == (revision == "2025-11-25")
    deleted = [one for one in world.resource.seen if one.method == "DELETE"]
    assert len(deleted) == len(opened)


@pytest.mark.requirement("CL21")
async def test_a_server_of_an_unknown_era_is_told_apart(world: World) -> None:
    await world.browser.do("log-in")
    world.resource.era = "2029-01-01"
    page = await world.browser.do("call-tool", tool="list_contexts", arguments="{}")
    assert "no protocol revision" in page.says("status")


async def test_an_unknown_tool_is_the_servers_refusal(world: World) -> None:
    await world.browser.do("log-in")
    page = await world.browser.do("call-tool", tool="nothing", arguments="{}")
    assert not page.succeeded
    assert "refused the call" in page.says("status")
    assert "Unknown tool" in page.says("result")


@pytest.mark.parametrize(
    ("button", "fields", "shown"),
    [
        ("call-tool", {"tool": "list_contexts", "arguments": "["}, "must be a JSON object"),
        ("call-tool", {"tool": "list_contexts", "arguments": "[]"}, "must be a JSON object"),
        ("call-tool", {"tool": "x", "arguments": '{"a":1,"a":2}'}, "must be a JSON object"),
        ("call-tool", {"arguments": "{}"}, "Choose a tool."),
        ("create", {"title": "t"}, "needs a title and a content"),
        ("create", {"title": "   ", "content": "c"}, "needs a title and a content"),
    ],
)
async def test_a_form_that_cannot_work_is_explained(
    world: World, button: str, fields: dict[str, str], shown: str
) -> None:
    await world.browser.do("log-in")
    calls = len(world.resource.seen)
    page = await world.browser.do(button, **fields)
    assert shown in page.says("status")
    assert not page.succeeded
    assert len(world.resource.seen) == calls


async def test_logging_out_revokes_the_refresh_token_and_ends_the_session(world: World) -> None:
    await world.browser.do("log-in")
    (refresh_token,) = world.issuer.refresh_tokens
    jar = world.browser.client.session.cookie_jar
    (before,) = [cookie.value for cookie in jar]
    page = await world.browser.do("log-out")
    assert page.says("status") == "You are logged out."
    assert not page.is_logged_in
    assert world.issuer.revoked == [refresh_token]
    (form,) = world.issuer.forms("/revoke")
    assert form["token_type_hint"] == "refresh_token"
    (after,) = [cookie.value for cookie in jar]
    assert before != after
    jar.clear()
    old = await world.browser.get("/", headers={"Cookie": f"client-3002={before}"})
    assert not old.is_logged_in


async def test_logging_out_works_without_the_authorization_server(world: World) -> None:
    await world.browser.do("log-in")
    world.issuer.clients.clear()
    page = await world.browser.do("log-out")
    assert "did not confirm" in page.says("status")
    assert not page.is_logged_in


async def test_without_a_refresh_token_the_access_token_is_revoked(world: World) -> None:
    world.issuer.gives_refresh_token = False
    await world.browser.do("log-in")
    await world.browser.do("log-out")
    assert world.issuer.revoked == list(world.issuer.access_tokens)


async def test_a_confidential_client_revokes_with_its_secret(make_world: MakeWorld) -> None:
    world = await make_world("preregistered")
    await world.browser.do("log-in")
    page = await world.browser.do("log-out")
    assert page.says("status") == "You are logged out."


@pytest.mark.requirement("CL20")
async def test_a_dump_of_the_store_has_no_token_in_clear(world: World) -> None:
    callback = await world.browser.authorize(await world.browser.press("log-in"))
    state = dict(parse_qsl(urlsplit(callback).query))["state"]
    waiting = await world.dump()
    assert "session" in waiting
    assert state not in waiting
    await world.browser.return_with(callback)
    await world.browser.do("fetch")
    dump = await world.dump()
    secrets = [*world.issuer.access_tokens, *world.issuer.refresh_tokens, *world.issuer.clients]
    (cookie,) = [cookie.value for cookie in world.browser.client.session.cookie_jar]
    assert not [secret for secret in [*secrets, cookie, "user-1"] if secret in dump]


@pytest.mark.requirement("CL20")
async def test_no_page_and_no_cookie_has_a_token(world: World) -> None:
    pages = [
        await world.browser.do("log-in"),
        await world.browser.do("fetch"),
        await world.browser.do("refresh"),
        await world.browser.do("call-tool", tool="list_contexts", arguments="{}"),
    ]
    told = "".join(page.text + str(page.headers) for page in pages)
    secrets = [*world.issuer.access_tokens, *world.issuer.refresh_tokens]
    assert not [secret for secret in secrets if secret in told]
    assert "user-1" in pages[0].says("claims")
