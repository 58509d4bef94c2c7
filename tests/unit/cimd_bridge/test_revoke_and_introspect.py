"""POST /revoke and /introspect: who may end or see which token."""

from typing import Any

import jwt
import pytest
from fakes.bridge_harness import Bridge, basic

from oauth_kit.records.client import Client

ASKER = basic("the-resource", "resource-secret")
INACTIVE = {"active": False}


async def revoke(bridge: Bridge, client: Client, token: str, **more: str) -> Any:
    return await bridge.post(
        "/revoke", data={"token": token, "client_id": client.client_id, **more}
    )


async def introspect(bridge: Bridge, token: str, headers: dict[str, str] = ASKER) -> Any:
    return await bridge.post("/introspect", data={"token": token}, headers=headers)


@pytest.mark.requirement("RV4", "B11")
@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_another_clients_token_is_refused_and_lives_on(bridge: Bridge, kind: str) -> None:
    owner, thief = await bridge.register(), await bridge.register()
    tokens = await bridge.tokens_for(owner)
    answer = await revoke(bridge, thief, tokens[kind])
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")
    assert (await introspect(bridge, tokens["access_token"])).json()["active"] is True
    assert (await bridge.refresh(owner, tokens["refresh_token"])).status == 200


@pytest.mark.requirement("RV4", "RV5")
@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"token": "x"}, 401, "invalid_client"),
        ({"token": "x", "client_id": "demo"}, 401, "invalid_client"),
        ({"client_id": "PUBLIC"}, 400, "invalid_request"),
    ],
)
async def test_malformed_revocations(
    bridge: Bridge, form: dict[str, str], status: int, error: str
) -> None:
    client = await bridge.register()
    data = {name: value.replace("PUBLIC", client.client_id) for name, value in form.items()}
    answer = await bridge.post("/revoke", data=data)
    assert (answer.status, answer.json()["error"]) == (status, error)
    assert (await bridge.get("/revoke")).status == 405


@pytest.mark.requirement("RV1", "RV3", "RV6", "RV7")
@pytest.mark.parametrize(
    "hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "x"}]
)
async def test_a_revoked_refresh_token_ends_the_grant_here_and_upstream(
    bridge: Bridge, hint: dict[str, str]
) -> None:
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    assert (await revoke(bridge, client, tokens["refresh_token"], **hint)).status == 200
    assert (await bridge.refresh(client, tokens["refresh_token"])).json()["error"] == (
        "invalid_grant"
    )
    assert (await introspect(bridge, tokens["access_token"])).json() == INACTIVE
    gid = jwt.decode(tokens["access_token"], options={"verify_signature": False})["gid"]
    assert gid in str(await bridge.redis.xrange("mcp:development:denied"))
    await bridge.settle()
    (upstream,) = bridge.provider.revoked
    assert upstream.startswith("upstream-refresh-canary")


@pytest.mark.requirement("RV1")
async def test_a_revoked_access_token_ends_alone(bridge: Bridge) -> None:
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    assert (await revoke(bridge, client, tokens["access_token"])).status == 200
    assert (await introspect(bridge, tokens["access_token"])).json() == INACTIVE
    assert (await bridge.refresh(client, tokens["refresh_token"])).status == 200


@pytest.mark.requirement("RV1")
@pytest.mark.parametrize(("seconds", "denied"), [(300, True), (359, True), (360, False)])
async def test_a_token_is_denied_for_as_long_as_a_verifier_may_accept_it(
    bridge: Bridge, seconds: int, denied: bool
) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["access_token"]
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    bridge.clock.advance(seconds)
    assert (await introspect(bridge, token)).json() == INACTIVE
    assert (await revoke(bridge, client, token)).status == 200
    assert (jti in str(await bridge.redis.xrange("mcp:development:denied"))) is denied


@pytest.mark.requirement("RV2")
@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "x" * 5000, "é"])
async def test_an_unknown_token_is_no_error(bridge: Bridge, token: str) -> None:
    client = await bridge.register()
    assert (await revoke(bridge, client, token)).status == 200


@pytest.mark.requirement("RV8", "B12")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("the-resource", "wrong"),
        basic("demo", "demo-secret"),
        basic("nobody", "resource-secret"),
        {"Authorization": "Bearer x"},
    ],
)
async def test_introspection_is_for_resource_servers(
    bridge: Bridge, headers: dict[str, str]
) -> None:
    answer = await introspect(bridge, "x", headers)
    assert (answer.status, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.requirement("RV8", "OP6")
@pytest.mark.usefixtures("still_time")
async def test_a_failing_neighbour_does_not_lock_a_resource_server_out(make_bridge: Any) -> None:
    bridge: Bridge = await make_bridge(rate_limits="on")
    wrong = basic("the-resource", "wrong")
    statuses = [(await introspect(bridge, "x", wrong)).status for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    assert (await introspect(bridge, "x")).json() == INACTIVE


@pytest.mark.requirement("RV8")
async def test_introspection_tells_an_audience_about_its_token(bridge: Bridge) -> None:
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    seen = (await introspect(bridge, tokens["access_token"])).json()
    assert seen["active"] is True
    assert seen["client_id"] == client.client_id
    assert seen["scope"] == "mcp-api/read mcp-api/write"
    assert {"iss", "aud", "sub", "exp", "token_type"} <= set(seen)
    other = basic("other-resource", "other-secret")
    assert (await introspect(bridge, tokens["access_token"], other)).json() == INACTIVE


@pytest.mark.requirement("RV8")
async def test_everything_else_is_inactive(bridge: Bridge) -> None:
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    head, body, signature = tokens["access_token"].split(".")
    flipped = "A" if signature[10] != "A" else "B"
    for token in (
        "x",
        tokens["refresh_token"],
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:10]}{flipped}{signature[11:]}",
    ):
        assert (await introspect(bridge, token)).json() == INACTIVE
    bridge.clock.advance(301)
    assert (await introspect(bridge, tokens["access_token"])).json() == INACTIVE


async def test_a_public_client_cannot_be_named_by_a_resource_server(bridge: Bridge) -> None:
    answer = await bridge.post(
        "/token",
        data={"grant_type": "refresh_token", "refresh_token": "x"},
        headers=ASKER,
    )
    assert answer.status == 401
