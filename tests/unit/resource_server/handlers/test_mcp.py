"""POST /mcp in both protocol revisions: what is answered, and what is refused with which code."""

import gzip
import json
from typing import Any

import fakeredis
import pytest
from fakes.resource_harness import (
    ENVELOPE_CAPABILITIES,
    ENVELOPE_VERSION,
    Answer,
    ResourceServer,
    Starter,
)

from oauth_kit.rules.bearer import parse_challenges

READ, WRITE = "mcp-api/read", "mcp-api/write"
DRAFT = {"title": "A title", "content": "Some text"}
TOOLS = ["list_contexts", "get_context", "create_context", "whoami"]
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
ERAS = ["2025-11-25", "2026-07-28"]


async def ask(
    server: ResourceServer, era: str, method: str, params: Any = None, *, token: str
) -> Answer:
    if era == "2026-07-28":
        return await server.rpc26(method, params, token=token)
    headers = {"MCP-Protocol-Version": era}
    return await server.rpc(method, params, token=token, headers=headers)


async def call_tool(
    server: ResourceServer, era: str, name: str, arguments: Any = None, **claims: Any
) -> Answer:
    params = {"name": name, **({} if arguments is None else {"arguments": arguments})}
    token = server.mint(**{"scope": WRITE, **claims})
    return await ask(server, era, "tools/call", params, token=token)


def assert_rpc_error(answer: Answer, status: int, code: int, request_id: Any = 1) -> None:
    assert (answer.status, answer.document["error"]["code"]) == (status, code)
    assert answer.document["jsonrpc"] == "2.0"
    assert answer.document["id"] == request_id
    assert "result" not in answer.document


# --- refusals before any tool ---------------------------------------------------------------


@pytest.mark.requirement("RS35")
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"jsonrpc":"2.0","id":1,"method":"foo/bar"}'])
async def test_without_a_token_nothing_is_said_about_the_body(
    server: ResourceServer, data: bytes
) -> None:
    headers = {"Content-Type": "application/json", "MCP-Protocol-Version": "1900-01-01"}
    assert (await server.call("POST", "/mcp", data=data, headers=headers)).status == 401


@pytest.mark.requirement("RS29", "RS35")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b"nonsense", -32700),
        (b"null", -32700),
        (b'"text"', -32700),
        (b"\xef\xbb\xbf{}", -32700),
        (b'{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":NaN}}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\\ud800"}}', -32700),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}', -32700),
        (b"[" * 50_000, -32600),
        (b'{"a":' * 50 + b"1" + b"}" * 50, -32700),
        (b"[]", -32600),
        (b' [{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b"{}", -32600),
        (b'{"id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', -32600),
        (b'{"jsonrpc":"2.0","method":7}', -32600),
    ],
)
async def test_a_message_that_is_none_is_refused(
    server: ResourceServer, data: bytes, code: int
) -> None:
    for version in (None, *ERAS):
        headers = {"Content-Type": "application/json"}
        if version is not None:
            headers["MCP-Protocol-Version"] = version
        answer = await server.call("POST", "/mcp", token=server.mint(), data=data, headers=headers)
        assert_rpc_error(answer, 400, code, request_id=None)


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Type": ""}, b"{}", 415),
        ({"Content-Type": "application/json", "Accept": "text/html"}, b"{}", 406),
        ({"Content-Type": "application/json", "Accept": "text/event-stream"}, b"{}", 406),
        ({"Content-Type": "application/json"}, b" " * 300_000, 413),
        (
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            gzip.compress(b" " * 30_000_000),
            413,
        ),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"not gzip", 400),
    ],
)
async def test_a_body_in_another_form_is_refused(
    server: ResourceServer, headers: dict[str, str], data: bytes, status: int
) -> None:
    answer = await server.call("POST", "/mcp", token=server.mint(), data=data, headers=headers)
    assert answer.status == status


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/*", "application/json, text/event-stream", "APPLICATION/JSON;q=1"],
)
async def test_who_takes_json_gets_it(server: ResourceServer, accept: str) -> None:
    answer = await server.rpc("ping", token=server.mint(), headers={"Accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.requirement("RS28")
@pytest.mark.parametrize("version", ["1900-01-01", "2026-07-29", "", "latest"])
async def test_a_revision_nobody_knows_is_refused_with_those_there_are(
    server: ResourceServer, version: str
) -> None:
    token = server.mint()
    plain = await server.rpc("ping", token=token, headers={"MCP-Protocol-Version": version})
    enveloped = await server.rpc26("ping", token=token, version=version)
    for answer in (plain, enveloped):
        assert_rpc_error(answer, 400, -32022)
        assert answer.document["error"]["data"] == {
            "supported": ["2026-07-28"],
            "requested": version,
        }


@pytest.mark.requirement("RS29")
@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": None},
        {"MCP-Protocol-Version": "2025-11-25"},
        {"Mcp-Method": None},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Method": "TOOLS/CALL"},
        {"Mcp-Name": None},
        {"Mcp-Name": "create_context"},
        {"Mcp-Name": "=?base64?Y3JlYXRlX2NvbnRleHQ=?="},
        {"Mcp-Name": "=?base64?!?="},
    ],
)
async def test_headers_that_differ_from_the_body_are_refused(
    server: ResourceServer, headers: dict[str, str | None]
) -> None:
    answer = await server.rpc26(
        "tools/call", {"name": "whoami"}, token=server.mint(), headers=headers
    )
    assert_rpc_error(answer, 400, -32020)


@pytest.mark.requirement("RS29")
async def test_an_encoded_name_is_decoded_before_it_is_compared(server: ResourceServer) -> None:
    headers = {"Mcp-Name": "=?base64?d2hvYW1p?="}
    answer = await server.rpc26(
        "tools/call", {"name": "whoami"}, token=server.mint(), headers=headers
    )
    assert answer.status == 200


@pytest.mark.requirement("RS29")
@pytest.mark.parametrize("name", ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
@pytest.mark.parametrize("with_id", [True, False])
async def test_a_routing_header_comes_once(
    server: ResourceServer, name: str, with_id: bool
) -> None:
    headers = [
        ("Authorization", f"Bearer {server.mint()}"),
        (name, "2026-07-28"),
        (name, "2025-11-25"),
    ]
    message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = await server.http.post(
        server.resource, headers=headers, json={**message, "id": 1} if with_id else message
    )
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize(
    "meta", [None, 7, [], {}, {ENVELOPE_VERSION: "2026-07-28"}, {ENVELOPE_CAPABILITIES: {}}]
)
async def test_an_envelope_with_a_hole_is_refused(server: ResourceServer, meta: Any) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": meta}}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "ping"}
    answer = await server.call("POST", "/mcp", token=server.mint(), json=message, headers=headers)
    assert_rpc_error(answer, 400, -32602)


@pytest.mark.requirement("RS30")
@pytest.mark.parametrize("method", ["foo/bar", "initialize", "resources/list", "logging/setLevel"])
async def test_an_unknown_method_is_404(server: ResourceServer, method: str) -> None:
    answer = await server.rpc26(method, token=server.mint())
    assert_rpc_error(answer, 404, -32601)


@pytest.mark.parametrize("method", ["foo/bar", "server/discover", "prompts/list"])
async def test_in_2025_an_unknown_method_is_an_error_in_a_200(
    server: ResourceServer, method: str
) -> None:
    assert_rpc_error(await ask(server, ERAS[0], method, token=server.mint()), 200, -32601)


# --- scopes ---------------------------------------------------------------------------------


@pytest.mark.requirement("RS19", "RS20", "RS22")
@pytest.mark.parametrize(
    ("era", "scope"), [("2025-11-25", f"{READ} {WRITE}"), ("2026-07-28", WRITE)]
)
async def test_a_tool_beyond_the_token_is_a_403_and_does_nothing(
    server: ResourceServer, era: str, scope: str
) -> None:
    answer = await call_tool(server, era, "create_context", DRAFT, scope=READ)
    assert (answer.status, answer.document["error"]) == (403, "insufficient_scope")
    [challenge] = parse_challenges([answer.challenge])
    assert challenge.parameters == {
        "error": "insufficient_scope",
        "error_description": "The access token lacks a scope for this operation",
        "scope": scope,
        "resource_metadata": (
            f"http://127.0.0.1:{server.port}/.well-known/oauth-protected-resource/mcp"
        ),
    }
    assert not await server.redis.keys("*")


@pytest.mark.requirement("RS20")
async def test_a_tool_that_needs_two_scopes_names_both(start: Starter) -> None:
    server = await start(
        scopes_supported=(READ, WRITE, "mcp-api/audit"), write_scopes=(WRITE, "mcp-api/audit")
    )
    answer = await call_tool(server, ERAS[1], "create_context", DRAFT, scope=WRITE)
    assert answer.status == 403
    [challenge] = parse_challenges([answer.challenge])
    assert challenge.parameters["scope"] == f"{WRITE} mcp-api/audit"
    assert not await server.redis.keys("*")


@pytest.mark.requirement("RS19", "RS35")
@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "1.0", "id": 1, "method": "tools/call", "params": {"name": "create_context"}},
        [{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "create_context"}}],
    ],
)
async def test_the_body_is_judged_before_the_scope(server: ResourceServer, message: Any) -> None:
    answer = await server.call("POST", "/mcp", token=server.mint(), json=message)
    assert_rpc_error(answer, 400, -32600, request_id=None)


@pytest.mark.requirement("RS21")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("scope", "tool", "status"),
    [
        (READ, "list_contexts", 200),
        (WRITE, "list_contexts", 200),
        (WRITE, "create_context", 200),
        (None, "list_contexts", 403),
        (None, "get_context", 403),
        (None, "whoami", 200),
        ("other", "whoami", 200),
    ],
)
async def test_each_tool_asks_for_its_scope(
    server: ResourceServer, era: str, scope: str | None, tool: str, status: int
) -> None:
    assert (await call_tool(server, era, tool, DRAFT, scope=scope)).status == status


# --- answers --------------------------------------------------------------------------------


async def test_a_2025_client_is_greeted(server: ResourceServer) -> None:
    answer = await server.rpc("initialize", INITIALIZE, token=server.mint())
    assert answer.status == 200
    result = answer.document["result"]
    assert result["protocolVersion"] == "2025-11-25"
    assert result["serverInfo"]["name"] == "mcp-authstack"
    assert "tools" in result["capabilities"]
    assert "Mcp-Session-Id" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("2025-03-26", "2025-03-26"), ("2026-07-28", "2025-11-25"), ("1.0", "2025-11-25")],
)
async def test_a_handshake_agrees_on_a_revision_that_has_one(
    server: ResourceServer, asked: str, answered: str
) -> None:
    params = {**INITIALIZE, "protocolVersion": asked}
    answer = await server.rpc("initialize", params, token=server.mint())
    assert answer.document["result"]["protocolVersion"] == answered


@pytest.mark.parametrize("version", [None, *ERAS])
async def test_a_notification_is_acknowledged(server: ResourceServer, version: str | None) -> None:
    headers = {"MCP-Protocol-Version": version} if version else {}
    message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = await server.call("POST", "/mcp", token=server.mint(), json=message, headers=headers)
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.requirement("RS28")
async def test_a_notification_of_an_unknown_revision_is_refused(server: ResourceServer) -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    headers = {"MCP-Protocol-Version": "1900-01-01"}
    answer = await server.call("POST", "/mcp", token=server.mint(), json=message, headers=headers)
    assert_rpc_error(answer, 400, -32022, request_id=None)


@pytest.mark.requirement("RS33")
async def test_discovery_says_what_there_is(server: ResourceServer) -> None:
    answer = await server.rpc26("server/discover", token=server.mint())
    assert answer.status == 200
    result = answer.document["result"]
    assert result["supportedVersions"] == ["2026-07-28"]
    assert result["resultType"] == "complete"
    assert (result["ttlMs"], result["cacheScope"]) == (300_000, "private")
    assert (await server.rpc26("server/discover", token=None)).status == 401


@pytest.mark.requirement("RS34")
async def test_the_list_of_tools_may_be_kept_by_its_reader(server: ResourceServer) -> None:
    result = (await server.rpc26("tools/list", token=server.mint())).document["result"]
    assert [tool["name"] for tool in result["tools"]] == TOOLS
    assert (result["ttlMs"], result["cacheScope"]) == (300_000, "private")
    assert result["resultType"] == "complete"


@pytest.mark.parametrize("era", ERAS)
async def test_the_list_of_tools_has_one_page(server: ResourceServer, era: str) -> None:
    answer = await ask(server, era, "tools/list", token=server.mint())
    assert [tool["name"] for tool in answer.document["result"]["tools"]] == TOOLS
    assert "nextCursor" not in answer.document["result"]
    beyond = await ask(server, era, "tools/list", {"cursor": "x"}, token=server.mint())
    assert beyond.document["error"]["code"] == -32602


@pytest.mark.requirement("RS34")
@pytest.mark.parametrize("era", ERAS)
async def test_the_tools_do_what_the_rest_api_does(server: ResourceServer, era: str) -> None:
    created = (await call_tool(server, era, "create_context", DRAFT)).document["result"]
    context = created["structuredContent"]
    assert json.loads(created["content"][0]["text"]) == context
    if era == "2026-07-28":
        assert created["resultType"] == "complete"
    read = await call_tool(server, era, "get_context", {"id": context["id"]})
    assert read.document["result"]["structuredContent"] == context
    path = f"/v1/contexts/{context['id']}"
    assert (await server.call("GET", path, token=server.mint())).document == context
    await call_tool(server, era, "create_context", {**DRAFT, "title": "newer"})
    listed = await call_tool(server, era, "list_contexts", {"limit": 1})
    page = listed.document["result"]["structuredContent"]
    assert [kept["title"] for kept in page["contexts"]] == ["newer"]
    more = await call_tool(server, era, "list_contexts", {"cursor": page["next_cursor"]})
    [older] = more.document["result"]["structuredContent"]["contexts"]
    assert older["id"] == context["id"]


@pytest.mark.parametrize("era", ERAS)
async def test_whoami_says_who_the_token_speaks_for(server: ResourceServer, era: str) -> None:
    answer = await call_tool(server, era, "whoami", sub="alice", scope=f"{READ} openid")
    assert answer.document["result"]["structuredContent"] == {
        "subject": "alice",
        "client_id": "client-1",
        "issuer": server.issuer.issuer,
        "scopes": [READ, "openid"],
        "expires_at": 1_800_000_300,
    }


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_contexts", {"limit": 0}),
        ("list_contexts", {"limit": 101}),
        ("list_contexts", {"limit": True}),
        ("list_contexts", {"limit": "5"}),
        ("list_contexts", {"cursor": 7}),
        ("list_contexts", {"cursor": "x"}),
        ("list_contexts", {"other": 1}),
        ("get_context", {}),
        ("get_context", {"id": 7}),
        ("get_context", {"id": "ctx_aaaaaaaaaaaaaaaa"}),
        ("create_context", {}),
        ("create_context", {**DRAFT, "owner": "another"}),
        ("create_context", {**DRAFT, "tags": [[]]}),
        ("whoami", {"sub": "another"}),
    ],
)
async def test_arguments_that_break_a_rule_are_told_to_the_model(
    server: ResourceServer, era: str, tool: str, arguments: dict[str, object]
) -> None:
    answer = await call_tool(server, era, tool, arguments)
    assert (answer.status, answer.document["result"]["isError"]) == (200, True)
    assert answer.document["result"]["content"][0]["text"]
    assert "structuredContent" not in answer.document["result"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"name": "nothing"}, 400),
        ({"name": ""}, 400),
        ({"arguments": {}}, 400),
        ({"name": 7}, 400),
        ({"name": "whoami", "arguments": []}, 400),
    ],
)
async def test_a_call_of_no_tool_is_an_invalid_request(
    server: ResourceServer, params: dict[str, object], status: int
) -> None:
    headers = {"Mcp-Name": str(params["name"])} if "name" in params else {}
    meta = {ENVELOPE_VERSION: "2026-07-28", ENVELOPE_CAPABILITIES: {}}
    message = {
        "jsonrpc": "2.0",
        "id": "a",
        "method": "tools/call",
        "params": {"_meta": meta, **params},
    }
    routing = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", **headers}
    answer = await server.call("POST", "/mcp", token=server.mint(), json=message, headers=routing)
    assert answer.status == status
    assert answer.document["error"]["code"] in (-32602, -32020)
    legacy = await server.rpc("tools/call", params, token=server.mint())
    assert_rpc_error(legacy, 200, -32602)


@pytest.mark.requirement("RS32")
async def test_a_session_id_opens_nothing(server: ResourceServer) -> None:
    for headers in (
        {"Mcp-Session-Id": "of-another"},
        {"Mcp-Session-Id": "x", "Last-Event-ID": "1"},
    ):
        assert (await server.rpc("ping", token=None, headers=headers)).status == 401
        mine = await server.rpc(
            "tools/call", {"name": "whoami"}, token=server.mint(sub="me"), headers=headers
        )
        assert mine.document["result"]["structuredContent"]["subject"] == "me"


@pytest.mark.requirement("RS23")
async def test_no_answer_repeats_the_token(server: ResourceServer) -> None:
    token = server.mint(scope=WRITE)
    for answer in (
        await server.rpc("tools/call", {"name": "whoami"}, token=token),
        await server.rpc("tools/list", token=token),
        await server.rpc("foo", token=token),
    ):
        assert token.encode() not in answer.body
        assert token.rpartition(".")[2].encode() not in answer.body


@pytest.mark.parametrize("era", ERAS)
async def test_without_redis_a_context_tool_is_503_and_whoami_is_not(
    server: ResourceServer, store_server: fakeredis.FakeServer, era: str
) -> None:
    store_server.connected = False
    answer = await call_tool(server, era, "list_contexts")
    assert_rpc_error(answer, 503, -32603)
    assert int(answer.headers["Retry-After"]) > 0
    assert (await call_tool(server, era, "whoami")).status == 200
    assert (await ask(server, era, "tools/list", token=server.mint())).status == 200
