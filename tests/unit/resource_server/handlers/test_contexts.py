"""The contexts as a REST API: whose they are, what may be kept, and what is refused."""

import json
from typing import Any

import fakeredis
import pytest
from fakes.resource_harness import Answer, ResourceServer, Starter

from oauth_kit.rules.bearer import parse_challenges

READ, WRITE = "mcp-api/read", "mcp-api/write"
GOOD = {"title": "A title", "content": "Some text"}


async def create(server: ResourceServer, body: object, **claims: Any) -> Answer:
    token = server.mint(scope=WRITE, **claims)
    return await server.call("POST", "/v1/contexts", token=token, json=body)


async def listed(server: ResourceServer, query: str = "", **claims: Any) -> Any:
    answer = await server.call("GET", f"/v1/contexts{query}", token=server.mint(**claims))
    assert answer.status == 200, answer.body
    return answer.document


# --- who may --------------------------------------------------------------------------------


@pytest.mark.requirement("RS19", "RS22")
@pytest.mark.parametrize("scope", [READ, None, "openid", "mcp-api/writer", "MCP-API/WRITE"])
async def test_writing_needs_the_write_scope_and_nothing_happens_without_it(
    server: ResourceServer, scope: str | None
) -> None:
    token = server.mint(scope=scope)
    answer = await server.call("POST", "/v1/contexts", token=token, json=GOOD)
    assert (answer.status, answer.document["error"]) == (403, "insufficient_scope")
    [challenge] = parse_challenges([answer.challenge])
    assert challenge.parameters == {
        "error": "insufficient_scope",
        "error_description": "The access token lacks a scope for this operation",
        "scope": WRITE,
        "resource_metadata": (
            f"http://127.0.0.1:{server.port}/.well-known/oauth-protected-resource/mcp"
        ),
    }
    assert not await server.redis.keys("*")


@pytest.mark.requirement("RS19", "RS22")
@pytest.mark.parametrize("path", ["/v1/contexts", "/v1/contexts/ctx_aaaaaaaaaaaaaaaa"])
async def test_reading_needs_the_read_scope(server: ResourceServer, path: str) -> None:
    answer = await server.call("GET", path, token=server.mint(scope=None))
    assert answer.status == 403
    [challenge] = parse_challenges([answer.challenge])
    assert challenge.parameters["scope"] == READ
    assert not await server.redis.keys("*")


@pytest.mark.requirement("RS21")
async def test_the_write_scope_includes_reading(server: ResourceServer) -> None:
    answer = await server.call("GET", "/v1/contexts", token=server.mint(scope=WRITE))
    assert answer.status == 200


@pytest.mark.requirement("RS21")
async def test_without_a_hierarchy_it_does_not(start: Starter) -> None:
    server = await start(scope_hierarchy="")
    answer = await server.call("GET", "/v1/contexts", token=server.mint(scope=WRITE))
    assert answer.status == 403


@pytest.mark.requirement("RS20")
async def test_all_scopes_of_an_operation_are_in_one_challenge(start: Starter) -> None:
    server = await start(
        scopes_supported=(READ, WRITE, "mcp-api/audit"), write_scopes=(WRITE, "mcp-api/audit")
    )
    for scope in (READ, WRITE, "mcp-api/audit"):
        token = server.mint(scope=scope)
        answer = await server.call("POST", "/v1/contexts", token=token, json=GOOD)
        assert answer.status == 403
        [challenge] = parse_challenges([answer.challenge])
        assert challenge.parameters["scope"] == f"{WRITE} mcp-api/audit"
    both = server.mint(scope=f"{WRITE} mcp-api/audit")
    assert (await server.call("POST", "/v1/contexts", token=both, json=GOOD)).status == 201


async def test_users_do_not_see_each_other(server: ResourceServer) -> None:
    kept = (await create(server, GOOD, sub="alice")).document
    path = f"/v1/contexts/{kept['id']}"
    assert (await server.call("GET", path, token=server.mint(sub="alice"))).status == 200
    answer = await server.call("GET", path, token=server.mint(sub="mallory"))
    assert (answer.status, answer.document["error"]) == (404, "invalid_request")
    titles = [context["title"] for context in (await listed(server, sub="mallory"))["contexts"]]
    assert "A title" not in titles


async def test_the_store_does_not_say_who_the_user_is(server: ResourceServer) -> None:
    await create(server, GOOD, sub="alice@example.com")
    keys = [str(key) for key in await server.redis.keys("*")]
    assert len(keys) == 3
    assert all(key.startswith("mcp:development:context:{") for key in keys)
    assert not [key for key in keys if "alice" in key]


# --- what may be kept -----------------------------------------------------------------------


async def test_what_was_created_can_be_read(server: ResourceServer) -> None:
    created = await create(server, {**GOOD, "title": "  Tidy  ", "tags": ["a", "b c"]})
    assert created.status == 201
    context = created.document
    assert created.headers["Location"] == f"/v1/contexts/{context['id']}"
    assert created.headers["Cache-Control"] == "no-store"
    assert context == {
        "id": context["id"],
        "title": "Tidy",
        "content": "Some text",
        "tags": ["a", "b c"],
        "created_at": "2027-01-15T08:00:00Z",
    }
    read = await server.call("GET", created.headers["Location"], token=server.mint())
    assert (read.status, read.document) == (200, context)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": "x"},
        {"content": "x"},
        {**GOOD, "extra": 1},
        {**GOOD, "id": "ctx_mine"},
        {**GOOD, "title": ""},
        {**GOOD, "title": "   "},
        {**GOOD, "title": "x" * 201},
        {**GOOD, "title": 7},
        {**GOOD, "title": None},
        {**GOOD, "title": ["x"]},
        {**GOOD, "title": "two\nlines"},
        {**GOOD, "title": "nul\x00"},
        {**GOOD, "content": ""},
        {**GOOD, "content": None},
        {**GOOD, "content": {"a": 1}},
        {**GOOD, "content": "x" * 16385},
        {**GOOD, "content": "é" * 8193},
        {**GOOD, "content": "bell\x07"},
        {**GOOD, "tags": "a"},
        {**GOOD, "tags": None},
        {**GOOD, "tags": {}},
        {**GOOD, "tags": [1]},
        {**GOOD, "tags": [""]},
        {**GOOD, "tags": [" a"]},
        {**GOOD, "tags": ["x" * 33]},
        {**GOOD, "tags": ["a", "a"]},
        {**GOOD, "tags": [str(number) for number in range(11)]},
    ],
)
async def test_a_context_that_breaks_a_rule_is_refused(server: ResourceServer, body: Any) -> None:
    answer = await create(server, body)
    assert (answer.status, answer.document["error"]) == (400, "invalid_request")
    assert answer.document["error_description"]
    assert not await server.redis.keys("*")


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "title": "x" * 200},
        {**GOOD, "content": "x" * 16384},
        {**GOOD, "content": "é" * 8192},
        {**GOOD, "content": "tab\tand\r\nlines"},
        {**GOOD, "tags": []},
        {**GOOD, "tags": ["x" * 32, *map(str, range(9))]},
    ],
)
async def test_the_bounds_themselves_are_allowed(server: ResourceServer, body: Any) -> None:
    assert (await create(server, body)).status == 201


@pytest.mark.requirement("B20")
@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"title":"a","title":"b","content":"c"}', "application/json", 400),
        (b'{"title":"\\ud800","content":"c"}', "application/json", 400),
        (b"\xef\xbb\xbf{}", "application/json", 400),
        (b"\xff\xfe{\x00}\x00", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "application/json; charset=utf-16", 400),
        (b"x" * 200_000, "application/json", 413),
        (json.dumps(GOOD).encode(), "text/plain", 415),
        (json.dumps(GOOD).encode(), "application/x-www-form-urlencoded", 415),
        (json.dumps(GOOD).encode(), "application/json-seq", 415),
        (json.dumps(GOOD).encode(), "", 415),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    server: ResourceServer, data: bytes, content_type: str, status: int
) -> None:
    answer = await server.call(
        "POST",
        "/v1/contexts",
        token=server.mint(scope=WRITE),
        data=data,
        headers={"Content-Type": content_type},
    )
    assert (answer.status, answer.document["error"]) == (status, "invalid_request")


async def test_a_user_may_keep_so_many(start: Starter) -> None:
    server = await start(max_contexts=2)
    assert [(await create(server, GOOD)).status for _ in range(3)] == [201, 201, 409]
    refused = await create(server, GOOD)
    assert refused.document["error_description"] == "A user may keep at most 2 contexts"
    assert len((await listed(server))["contexts"]) == 2
    assert (await create(server, GOOD, sub="another")).status == 201


# --- lists ----------------------------------------------------------------------------------


async def test_a_new_user_finds_samples_once(server: ResourceServer) -> None:
    first = await listed(server)
    assert len(first["contexts"]) == 3
    assert first == await listed(server)
    [newest, *_] = first["contexts"]
    assert set(newest) == {"id", "title", "tags", "created_at"}


async def test_a_later_page_brings_no_samples(server: ResourceServer) -> None:
    assert await listed(server, "?cursor=MQ") == {"contexts": []}
    assert not await server.redis.keys("*")


async def test_who_starts_by_writing_finds_only_that(server: ResourceServer) -> None:
    await create(server, GOOD)
    assert [context["title"] for context in (await listed(server))["contexts"]] == ["A title"]


async def test_pages_follow_each_other_newest_first(server: ResourceServer) -> None:
    for number in range(7):
        await create(server, {**GOOD, "title": f"number {number}"})
    titles, query = [], "?limit=3"
    for size in (3, 3, 1):
        page = await listed(server, query)
        assert len(page["contexts"]) == size
        titles += [context["title"] for context in page["contexts"]]
        # what is added meanwhile does not move the pages that follow
        await create(server, {**GOOD, "title": "later"})
        query = f"?limit=3&cursor={page.get('next_cursor')}"
    assert titles == [f"number {number}" for number in reversed(range(7))]
    assert "next_cursor" not in page


async def test_a_last_page_that_is_full_has_no_cursor(server: ResourceServer) -> None:
    await create(server, GOOD)
    await create(server, GOOD)
    assert "next_cursor" not in await listed(server, "?limit=2")
    assert "next_cursor" in await listed(server, "?limit=1")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=+1",
        "limit=01",
        "limit=",
        "limit=%D9%A3",
        "limit=1&limit=2",
        "limit=" + "9" * 5000,
        "cursor=",
        "cursor=x",
        "cursor=%00",
        "cursor=MQ==",
        "cursor=MR",
        "cursor=LTE",
        "cursor=MDE",
        "cursor=MQ&cursor=MQ",
        "cursor=%FF",
        "cursor=" + "MTEx" * 50,
    ],
)
async def test_a_page_that_cannot_be_is_refused(server: ResourceServer, query: str) -> None:
    answer = await server.call("GET", f"/v1/contexts?{query}", token=server.mint())
    assert (answer.status, answer.document["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("query", ["?limit=1", "?limit=100", "?cursor=MQ", "?unknown=1"])
async def test_a_page_that_can_be_is_shown(server: ResourceServer, query: str) -> None:
    await listed(server, query)


@pytest.mark.parametrize(
    "context_id",
    [
        "ctx_aaaaaaaaaaaaaaaa",
        "ctx_",
        "x",
        "ctx_aaaaaaaaaaaaaaaaa",
        "ctx_aaaaaaaaaaaaaaa%0A",
        "%00",
        "..%2f..%2fmcp",
        "*",
        "x" * 4000,
    ],
)
async def test_an_id_that_is_not_there_is_404(server: ResourceServer, context_id: str) -> None:
    answer = await server.call("GET", f"/v1/contexts/{context_id}", token=server.mint())
    assert answer.status == 404


@pytest.mark.requirement("RS31")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed(server: ResourceServer, method: str) -> None:
    answer = await server.call(method, "/v1/contexts", token=server.mint())
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD,POST")


@pytest.mark.requirement("RS26")
async def test_without_redis_contexts_are_503_and_never_401(
    server: ResourceServer, store_server: fakeredis.FakeServer
) -> None:
    token = server.mint(scope=WRITE)
    assert (await server.rpc("ping", token=token)).status == 200
    store_server.connected = False
    for method, path, options in (
        ("GET", "/v1/contexts", {}),
        ("GET", "/v1/contexts/ctx_aaaaaaaaaaaaaaaa", {}),
        ("POST", "/v1/contexts", {"json": GOOD}),
    ):
        answer = await server.call(method, path, token=token, **options)
        assert (answer.status, answer.document["error"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "WWW-Authenticate" not in answer.headers
