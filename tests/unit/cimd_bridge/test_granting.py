"""Who is asked, how often, and what the answer says was granted."""

from collections.abc import Awaitable, Callable

import pytest
from fakes.bridge_harness import Bridge, Pkce, basic

from oauth_kit.records.client import Client
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration


@pytest.mark.requirement("AU14", "AU20")
@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1/cb", "https://client.example/cb"])
async def test_consent_is_never_remembered(bridge: Bridge, redirect_uri: str) -> None:
    client = await bridge.register(redirect_uris=[redirect_uri])
    await bridge.tokens_for(client)
    again = await bridge.authorize(bridge.question(client, Pkce()))
    assert again.status == 200
    assert 'name="form"' in again.text


@pytest.mark.requirement("CB12", "AU11")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "mcp-api/read"),
        ("mcp-api/read offline_access", "mcp-api/read"),
        ("mcp-api/write mcp-api/read", "mcp-api/write mcp-api/read"),
    ],
)
async def test_the_answer_says_what_was_granted(
    bridge: Bridge, asked: str | None, granted: str
) -> None:
    client = await bridge.register()
    assert (await bridge.tokens_for(client, scope=asked))["scope"] == granted


async def test_a_scope_that_a_client_registered_is_no_limit(bridge: Bridge) -> None:
    client = await bridge.register(scope="mcp-api/read")
    tokens = await bridge.tokens_for(client, scope="mcp-api/read mcp-api/write")
    assert tokens["scope"] == "mcp-api/read mcp-api/write"


@pytest.mark.requirement("REG25")
async def test_a_preregistered_client_needs_no_registration(
    make_bridge: Callable[..., Awaitable[Bridge]],
) -> None:
    bridge = await make_bridge(dynamic_registration="off", client_documents="off")
    registration = {
        "client_name": "Demo",
        "redirect_uris": ["http://localhost:3000/callback"],
    }
    client = Client(
        client_id="demo",
        kind="preregistered",
        metadata=read_registration(registration, MetadataPolicy()),
    )
    pkce = Pkce()
    code = await bridge.code_for(client, pkce)
    headers = basic("demo", "demo-secret")
    assert (await bridge.redeem(client, code, pkce, headers=headers)).status == 200
    assert not [key for key in await bridge.redis.keys("*") if ":client:" in key]


@pytest.mark.requirement("TK28")
async def test_a_refusal_repeats_nothing_that_was_sent(bridge: Bridge) -> None:
    client = await bridge.register()
    canary = 'canary"\\\r\n<b>é'
    forms = [
        {"grant_type": canary},
        {"grant_type": "refresh_token", "refresh_token": canary},
        {"grant_type": "refresh_token", "refresh_token": "x", "scope": canary},
        {"grant_type": "authorization_code", "code": canary, "code_verifier": canary},
        {"grant_type": "refresh_token", "refresh_token": "x", "resource": canary},
    ]
    for form in forms:
        answer = await bridge.post("/token", data={"client_id": client.client_id, **form})
        assert answer.status == 400
        assert "canary" not in answer.text
        description = answer.json()["error_description"]
        assert all(" " <= char <= "~" and char not in '"\\' for char in description)
