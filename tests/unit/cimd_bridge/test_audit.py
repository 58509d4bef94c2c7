"""What an operator can read afterwards: who did what, and nothing that opens a door."""

import json

import pytest
from fakes.bridge_harness import Bridge, Pkce
from structlog.testing import capture_logs


@pytest.mark.requirement("OP2")
async def test_every_step_of_a_grant_leaves_an_event(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    with capture_logs() as events:
        code = await bridge.code_for(client, pkce)
        tokens = (await bridge.redeem(client, code, pkce)).json()
        await bridge.refresh(client, tokens["refresh_token"])
        bridge.clock.advance(11)
        await bridge.refresh(client, tokens["refresh_token"])
        await bridge.settle()
    named = [event["event"] for event in events if event.get("client_id") == client.client_id]
    assert [name for name in named if name != "refused"] == [
        "authorization_requested",
        "consent_approved",
        "code_issued",
        "tokens_issued",
        "tokens_issued",
        "refresh_token_reused",
        "grant_revoked",
    ]
    (issued,) = [event for event in events if event["event"] == "code_issued"]
    assert issued["scopes"] == ("mcp-api/read", "mcp-api/write")
    assert issued["gid"] == tokens["refresh_token"].partition(".")[0]
    assert len(issued["subject"]) == 64
    assert "user-1" not in json.dumps(events, default=str)


@pytest.mark.requirement("OP2")
async def test_refusals_and_attacks_leave_one_too(bridge: Bridge) -> None:
    client, thief, pkce = await bridge.register(), await bridge.register(), Pkce()
    with capture_logs() as events:
        page = await bridge.authorize(bridge.question(client, pkce))
        await bridge.decide(page, "deny")
        await bridge.authorize(bridge.question(client, pkce, scope="nope"))
        code = await bridge.code_for(client, pkce)
        await bridge.redeem(thief, code, pkce)
        token = (await bridge.redeem(client, code, pkce)).json()["refresh_token"]
        await bridge.refresh(thief, token)
        await bridge.post("/revoke", data={"token": token, "client_id": thief.client_id})
        await bridge.redeem(client, code, pkce)
        await bridge.settle()
    assert {
        "consent_denied",
        "authorization_refused",
        "code_mismatch",
        "refresh_token_of_another_client",
        "foreign_token_revocation",
        "code_replayed",
        "grant_ended",
    } <= {event["event"] for event in events}
    assert token.partition(".")[2] not in json.dumps(events, default=str)
