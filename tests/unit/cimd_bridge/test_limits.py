"""Each limit is the setting of its name, and of nothing else."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from fakes.bridge_harness import Bridge, Pkce, basic
from fakes.wire import on_loopback

from cimd_bridge.settings import Settings
from oauth_kit.records.client import Client
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration

Attempt = Callable[[Bridge, str, int], Awaitable[int]]
"""One attempt, the n-th, with a document host's origin; its status."""


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """An origin with documents that nobody may keep, and nothing else."""

    async def serve(request: web.Request) -> web.Response:
        if not request.path.startswith("/good"):
            raise web.HTTPNotFound
        document = {
            "client_id": f"{origin}{request.path}",
            "client_name": "Doc client",
            "redirect_uris": ["http://localhost:9999/cb"],
        }
        return web.json_response(document, headers={"Cache-Control": "no-store"})

    app = web.Application()
    app.router.add_get("/{name}.json", serve)
    async with on_loopback(app) as origin:
        yield origin


async def ask_for_a_log_in(bridge: Bridge, host: str, number: int) -> int:
    return (await bridge.authorize({"client_id": "unknown"})).status


async def fail_in_one_name(bridge: Bridge, host: str, number: int) -> int:
    data = {"grant_type": "refresh_token", "refresh_token": "x"}
    return (await bridge.post("/token", data=data, headers=basic("demo", "wrong"))).status


async def fail_in_many_names(bridge: Bridge, host: str, number: int) -> int:
    data = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": f"mcp-{number}"}
    return (await bridge.post("/token", data=data)).status


async def fail_as_a_resource_server(bridge: Bridge, host: str, number: int) -> int:
    headers = basic("the-resource", "wrong")
    return (await bridge.post("/introspect", data={"token": "x"}, headers=headers)).status


async def have_one_document_fetched(bridge: Bridge, host: str, number: int) -> int:
    return await have_fetched(bridge, f"{host}/good.json")


async def have_new_documents_fetched(bridge: Bridge, host: str, number: int) -> int:
    return await have_fetched(bridge, f"{host}/missing{number}.json")


async def have_fetched(bridge: Bridge, url: str) -> int:
    registration = {"redirect_uris": ["http://localhost:9999/cb"]}
    client = Client(url, "document", read_registration(registration, MetadataPolicy()))
    return (await bridge.authorize(bridge.question(client, Pkce()))).status


@pytest.mark.requirement("OP6")
@pytest.mark.usefixtures("still_time")
@pytest.mark.parametrize(
    ("setting", "attempt"),
    [
        ("authorization_limit", ask_for_a_log_in),
        ("token_failure_limit", fail_in_one_name),
        ("token_failure_limit_network", fail_in_many_names),
        ("introspection_failure_limit", fail_as_a_resource_server),
        ("document_limit", have_one_document_fetched),
        ("document_limit_host", have_one_document_fetched),
        ("document_limit_host_new", have_new_documents_fetched),
    ],
)
async def test_a_limit_is_the_setting_of_its_name(
    make_bridge: Any, host: str, setting: str, attempt: Attempt
) -> None:
    named = [name for name in Settings.model_fields if re.search(r"_limit(_|$)", name)]
    limits = dict.fromkeys(named, "7/minute")
    assert len(limits) == 7
    bridge = await make_bridge(
        rate_limits="on", cimd_allow_loopback=True, **limits | {setting: "3/minute"}
    )
    statuses = [await attempt(bridge, host, number) for number in range(4)]
    assert 429 not in statuses[:3]
    assert statuses[3] == 429
