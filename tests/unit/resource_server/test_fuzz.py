"""Whatever is sent: an answer below 500, in a form that can be read."""

import asyncio
import json
from typing import Any

import pytest
from fakes.resource_harness import Answer, ResourceServer
from fakes.token_issuer import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oauth_kit.rules.bearer import parse_challenges

FUZZ = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HEADER_TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
TOOL = st.sampled_from(["list_contexts", "get_context", "create_context", "whoami", "x"])
METHOD = st.sampled_from(["initialize", "tools/call", "tools/list", "ping", "server/discover"])
VERSION = st.sampled_from(["2025-11-25", "2026-07-28", "2025-03-26", "1900-01-01"])


def assert_readable(answer: Answer) -> None:
    assert answer.status < 500, answer.body
    if answer.status in (401, 403) and "WWW-Authenticate" in answer.headers:
        [challenge] = parse_challenges([answer.challenge])
        assert challenge.scheme == "bearer"
        assert "resource_metadata" in challenge.parameters
    if answer.status not in (202, 204):
        assert isinstance(answer.document, dict)


@pytest.fixture
def token(server: ResourceServer) -> str:
    return server.mint(scope="mcp-api/write")


@pytest.mark.requirement("RS37", "B20")
class TestFuzz:
    @FUZZ
    @given(authorization=HEADER_TEXT)
    async def test_any_authorization(self, server: ResourceServer, authorization: str) -> None:
        headers = {"Authorization": authorization.strip()}
        answer = await server.call("POST", "/mcp", headers=headers)
        assert answer.status in (400, 401)
        assert_readable(answer)

    @FUZZ
    @given(parts=st.lists(st.binary(max_size=60) | JSON.map(json.dumps), min_size=3, max_size=3))
    async def test_any_three_parts(self, server: ResourceServer, parts: list[Any]) -> None:
        raw = [part.encode() if isinstance(part, str) else part for part in parts]
        sent = ".".join(encode(part) for part in raw)
        answer = await server.call(
            "GET", "/v1/contexts", headers={"Authorization": f"Bearer {sent}"}
        )
        assert answer.status == 401
        assert_readable(answer)

    @FUZZ
    @given(body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
    async def test_any_body(self, server: ResourceServer, token: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        for path in ("/mcp", "/v1/contexts"):
            answer = await server.call("POST", path, token=token, data=body, headers=headers)
            assert 400 <= answer.status < 500
            assert_readable(answer)

    @FUZZ
    @given(method=METHOD | st.text(max_size=20), params=JSON, version=VERSION | st.none())
    async def test_any_call(
        self, server: ResourceServer, token: str, method: str, params: Any, version: str | None
    ) -> None:
        headers = {} if version is None else {"MCP-Protocol-Version": version}
        assert_readable(await server.rpc(method, params, token=token, headers=headers))
        if isinstance(params, dict):
            message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            headers["Mcp-Method"] = method if method.isascii() and method.isprintable() else "x"
            assert_readable(
                await server.call("POST", "/mcp", token=token, json=message, headers=headers)
            )

    @FUZZ
    @given(tool=TOOL, arguments=st.dictionaries(st.text(max_size=8), JSON))
    async def test_any_arguments(
        self, server: ResourceServer, token: str, tool: str, arguments: dict[str, Any]
    ) -> None:
        params = {"name": tool, "arguments": arguments}
        for answer in await asyncio.gather(
            server.rpc("tools/call", params, token=token),
            server.rpc26("tools/call", params, token=token),
        ):
            assert_readable(answer)

    @FUZZ
    @given(title=JSON, content=JSON, tags=JSON)
    async def test_any_draft(
        self, server: ResourceServer, token: str, title: Any, content: Any, tags: Any
    ) -> None:
        draft = {"title": title, "content": content, "tags": tags}
        assert_readable(await server.call("POST", "/v1/contexts", token=token, json=draft))

    @FUZZ
    @given(query=st.text(max_size=60), name=st.sampled_from(["limit", "cursor", "x"]))
    async def test_any_query(
        self, server: ResourceServer, token: str, query: str, name: str
    ) -> None:
        for path in ("/v1/contexts", "/v1/contexts/x"):
            options = {"params": {name: query}}
            assert_readable(await server.call("GET", path, token=token, **options))
