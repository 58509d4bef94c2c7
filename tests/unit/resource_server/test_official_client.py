"""The unmodified MCP client of the Python SDK, with a token that somebody gave it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fakes.resource_harness import ResourceServer
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

MODES = ["legacy", "auto", "2026-07-28"]


@asynccontextmanager
async def connected(server: ResourceServer, mode: str, scope: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {server.mint(scope=scope)}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(server.resource, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.requirement("RS33", "RS34")
@pytest.mark.parametrize("mode", MODES)
async def test_it_connects_lists_and_calls(server: ResourceServer, mode: str) -> None:
    async with connected(server, mode, "mcp-api/write") as client:
        tools = await client.list_tools()
        assert [tool.name for tool in tools.tools] == [
            "list_contexts",
            "get_context",
            "create_context",
            "whoami",
        ]
        draft = {"title": "From the SDK", "content": "Some text", "tags": ["sdk"]}
        created = await client.call_tool("create_context", draft)
        assert not created.is_error
        assert created.structured_content is not None
        context_id = created.structured_content["id"]
        read = await client.call_tool("get_context", {"id": context_id})
        assert read.structured_content == created.structured_content
        listed = await client.call_tool("list_contexts", {})
        assert listed.structured_content is not None
        assert [kept["id"] for kept in listed.structured_content["contexts"]] == [context_id]
        refused = await client.call_tool("get_context", {"id": "nothing"})
        assert refused.is_error
        who = await client.call_tool("whoami", {})
        assert who.structured_content is not None
        assert who.structured_content["subject"] == "user-1"


@pytest.mark.parametrize(
    ("mode", "revision"),
    [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28")],
)
async def test_it_agrees_on_the_newest_revision_it_may_use(
    server: ResourceServer, mode: str, revision: str
) -> None:
    async with connected(server, mode, "mcp-api/read") as client:
        assert client.protocol_version == revision
