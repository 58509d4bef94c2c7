"""POST /token: who may spend what, once; and what a refusal leaves untouched."""

import asyncio
import base64
from typing import Any

import jwt
import pytest
from fakes.bridge_harness import Answer, Bridge, Pkce, basic


def refused(answer: Answer, error: str, status: int = 400) -> None:
    assert (answer.status, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("TK3", "TK4", "B20")
@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        (b"{}", "application/json", 400, "invalid_request"),
        (b"--x--", "multipart/form-data; boundary=x", 400, "invalid_request"),
        (b"client_id=demo", "application/x-www-form-urlencoded; charset=latin1", 400, None),
        (b"client_id=%ff", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"client_id=a&client_id=b", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"a=" + b"b" * 70000, "application/x-www-form-urlencoded", 413, "invalid_request"),
        (b"&".join([b"a=b"] * 200), "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"", "application/x-www-form-urlencoded", 401, "invalid_client"),
        (b"client_id=unknown", "application/x-www-form-urlencoded", 401, "invalid_client"),
    ],
)
async def test_malformed_bodies(
    bridge: Bridge, body: bytes, content_type: str, status: int, error: str | None
) -> None:
    answer = await bridge.post("/token", data=body, headers={"Content-Type": content_type})
    refused(answer, error or "invalid_request", status)


@pytest.mark.requirement("TK3")
async def test_only_post_is_allowed_and_queries_are_ignored(bridge: Bridge) -> None:
    client = await bridge.register()
    assert (await bridge.get("/token?grant_type=refresh_token")).status == 405
    answer = await bridge.post(
        f"/token?grant_type=refresh_token&refresh_token=x&client_id={client.client_id}",
        data={"client_id": client.client_id},
    )
    refused(answer, "invalid_request")


@pytest.mark.requirement("TK4")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "x"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
async def test_grants_that_do_not_exist_here(
    bridge: Bridge, form: dict[str, str], error: str
) -> None:
    client = await bridge.register()
    refused(await bridge.post("/token", data={"client_id": client.client_id} | form), error)


@pytest.mark.requirement("TK13", "TK15", "B6")
@pytest.mark.parametrize(
    ("headers", "form", "status", "error"),
    [
        ({}, {"client_id": "demo"}, 401, "invalid_client"),
        ({}, {"client_id": "demo", "client_secret": "wrong"}, 401, "invalid_client"),
        (basic("demo", "wrong"), {}, 401, "invalid_client"),
        (basic("demo", ""), {}, 401, "invalid_client"),
        (basic("nobody", "demo-secret"), {}, 401, "invalid_client"),
        ({"Authorization": "Basic !!!"}, {}, 401, "invalid_client"),
        ({"Authorization": "Bearer x"}, {"client_id": "demo"}, 401, "invalid_client"),
        (basic("demo", "demo-secret"), {"client_secret": "demo-secret"}, 400, "invalid_request"),
        (basic("demo", "demo-secret"), {"client_id": "other"}, 400, "invalid_request"),
    ],
)
async def test_a_confidential_client_must_prove_itself(
    bridge: Bridge, headers: dict[str, str], form: dict[str, str], status: int, error: str
) -> None:
    data = {"grant_type": "refresh_token", "refresh_token": "x"} | form
    answer = await bridge.post("/token", data=data, headers=headers)
    refused(answer, error, status)
    challenged = "Authorization" in headers and status == 401
    assert ("WWW-Authenticate" in answer.headers) == challenged
    if challenged:
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.requirement("TK15")
async def test_a_public_client_cannot_send_a_secret(bridge: Bridge) -> None:
    client = await bridge.register()
    pkce = Pkce()
    code = await bridge.code_for(client, pkce)
    refused(await bridge.redeem(client, code, pkce, client_secret="x"), "invalid_client", 401)
    assert (await bridge.redeem(client, code, pkce)).status == 200


@pytest.mark.requirement("TK14")
async def test_basic_credentials_are_form_encoded(bridge: Bridge) -> None:
    client = await bridge.register(
        secret="s:e%c+r t", token_endpoint_auth_method="client_secret_basic"
    )
    pkce = Pkce()
    code = await bridge.code_for(client, pkce)
    good = basic(client.client_id, "s:e%c+r t")
    answer = await bridge.redeem(client, code, pkce, headers=good)
    assert answer.status == 200


@pytest.mark.requirement("TK15")
async def test_the_registered_method_is_the_only_one(bridge: Bridge) -> None:
    client = await bridge.register(
        secret="secret", token_endpoint_auth_method="client_secret_basic"
    )
    refused(await bridge.refresh(client, "x", client_secret="secret"), "invalid_client", 401)


@pytest.mark.requirement("TK5", "TK9", "TK10", "TK11", "TK12", "TK8", "B2", "B15")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "v" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:9999/other"}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:9999/cb/"}, "invalid_grant"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
        ({"resource": "http://localhost:3001/mcp#f"}, "invalid_target"),
    ],
)
async def test_a_wrong_attempt_leaves_the_code_good(
    bridge: Bridge, changes: dict[str, str | None], error: str
) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    refused(await bridge.redeem(client, code, pkce, **changes), error)
    assert (await bridge.redeem(client, code, pkce)).status == 200


@pytest.mark.requirement("TK10", "B2")
async def test_another_client_cannot_use_or_spoil_a_code(bridge: Bridge) -> None:
    client, thief, pkce = await bridge.register(), await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    refused(await bridge.redeem(thief, code, pkce), "invalid_grant")
    assert (await bridge.redeem(client, code, pkce)).status == 200


@pytest.mark.requirement("TK11", "TK12")
@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": None},
        {"resource": "http://localhost:3001/mcp"},
        {"resource": "http://localhost:3001/mcp/"},
    ],
)
async def test_bindings_may_be_left_out_or_repeated(
    bridge: Bridge, changes: dict[str, str | None]
) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    assert (await bridge.redeem(client, code, pkce, **changes)).status == 200


@pytest.mark.requirement("TK5", "CB10")
@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
async def test_a_code_expires_after_a_minute(bridge: Bridge, seconds: int, status: int) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    bridge.clock.advance(seconds)
    assert (await bridge.redeem(client, code, pkce)).status == status


@pytest.mark.requirement("TK6", "B1")
async def test_of_fifty_redemptions_one_succeeds(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    answers = await asyncio.gather(*(bridge.redeem(client, code, pkce) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 49
    (won,) = [answer.json() for answer in answers if answer.status == 200]
    refused(await bridge.redeem(client, code, pkce), "invalid_grant")
    refused(await bridge.refresh(client, won["refresh_token"]), "invalid_grant")


@pytest.mark.requirement("TK7")
async def test_a_replayed_code_ends_what_came_of_it(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    tokens = (await bridge.redeem(client, code, pkce)).json()
    refused(await bridge.redeem(client, code, pkce), "invalid_grant")
    refused(await bridge.refresh(client, tokens["refresh_token"]), "invalid_grant")
    gid = jwt.decode(tokens["access_token"], options={"verify_signature": False})["gid"]
    assert gid in str(await bridge.redis.xrange("mcp:development:denied"))


@pytest.mark.requirement("TK8")
async def test_a_replay_with_a_wrong_verifier_ends_nothing(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    tokens = (await bridge.redeem(client, code, pkce)).json()
    refused(await bridge.redeem(client, code, Pkce()), "invalid_grant")
    assert (await bridge.refresh(client, tokens["refresh_token"])).status == 200


@pytest.mark.requirement("TK19", "B3")
async def test_a_reused_refresh_token_ends_the_family(bridge: Bridge) -> None:
    client = await bridge.register()
    first = (await bridge.tokens_for(client))["refresh_token"]
    second = (await bridge.refresh(client, first)).json()["refresh_token"]
    bridge.clock.advance(11)
    refused(await bridge.refresh(client, first), "invalid_grant")
    refused(await bridge.refresh(client, second), "invalid_grant")


@pytest.mark.requirement("TK20")
async def test_a_lost_answer_can_be_had_again_within_the_grace(bridge: Bridge) -> None:
    client = await bridge.register()
    first = (await bridge.tokens_for(client))["refresh_token"]
    answers = await asyncio.gather(*(bridge.refresh(client, first) for _ in range(10)))
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    bridge.clock.advance(9)
    late = await bridge.refresh(client, first)
    assert late.json()["refresh_token"] == answers[0].json()["refresh_token"]


@pytest.mark.requirement("TK21", "B4")
async def test_another_client_cannot_use_or_spoil_a_refresh_token(bridge: Bridge) -> None:
    client, thief = await bridge.register(), await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    refused(await bridge.refresh(thief, token), "invalid_grant")
    assert (await bridge.refresh(client, token)).status == 200


@pytest.mark.requirement("TK22", "B5")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "mcp-api/read mcp-api/write"}, "invalid_scope"),
        ({"scope": "mcp-api/admin"}, "invalid_scope"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
    ],
)
async def test_a_refresh_cannot_widen_and_is_not_spent_by_trying(
    bridge: Bridge, changes: dict[str, str], error: str
) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client, scope="mcp-api/read"))["refresh_token"]
    refused(await bridge.refresh(client, token, **changes), error)
    assert (await bridge.refresh(client, token)).status == 200


@pytest.mark.requirement("TK22")
async def test_a_refresh_may_narrow_and_widen_back(bridge: Bridge) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    narrow = (await bridge.refresh(client, token, scope="mcp-api/read")).json()
    assert narrow["scope"] == "mcp-api/read"
    wide = (await bridge.refresh(client, narrow["refresh_token"])).json()
    assert wide["scope"] == "mcp-api/read mcp-api/write"


@pytest.mark.requirement("TK23")
@pytest.mark.parametrize(("days", "status"), [(29, 200), (30, 400)])
async def test_an_idle_refresh_token_expires(bridge: Bridge, days: int, status: int) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    bridge.clock.advance(days * 86400)
    assert (await bridge.refresh(client, token)).status == status


@pytest.mark.requirement("TK24", "B16")
async def test_a_provider_that_says_nothing_costs_nothing(bridge: Bridge) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    bridge.clock.advance(301)
    bridge.provider.fails_with = 500
    answer = await bridge.refresh(client, token)
    refused(answer, "temporarily_unavailable", 503)
    assert answer.headers["Retry-After"] == "5"
    bridge.provider.fails_with = None
    assert (await bridge.refresh(client, token)).status == 200


@pytest.mark.requirement("TK24")
async def test_a_provider_that_says_no_ends_the_grant(bridge: Bridge) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    bridge.clock.advance(301)
    bridge.provider.refuses_refresh = True
    refused(await bridge.refresh(client, token), "invalid_grant")
    bridge.provider.refuses_refresh = False
    refused(await bridge.refresh(client, token), "invalid_grant")


@pytest.mark.requirement("TK24")
async def test_the_provider_is_asked_once_for_many_refreshes(bridge: Bridge) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    bridge.clock.advance(301)
    answers = await asyncio.gather(*(bridge.refresh(client, token) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert bridge.provider.calls.count("refresh_token") == 1


@pytest.mark.requirement("TK27")
async def test_a_client_that_is_gone_must_register_again(bridge: Bridge) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    await bridge.redis.delete(f"mcp:development:client:{client.client_id}")
    refused(await bridge.refresh(client, token), "invalid_client", 401)


@pytest.mark.requirement("TK28", "ASM15")
async def test_browsers_may_call_from_anywhere_without_credentials(bridge: Bridge) -> None:
    preflight = await bridge.request("OPTIONS", "/token", headers={"Origin": "https://app.example"})
    assert preflight.status == 204
    refusal = await bridge.post("/token", data={}, headers={"Origin": "https://app.example"})
    for answer in (preflight, refusal):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.requirement("OP6")
@pytest.mark.usefixtures("still_time")
async def test_failing_too_often_is_slowed_down(make_bridge: Any) -> None:
    bridge: Bridge = await make_bridge(rate_limits="on")
    wrong = basic("demo", "wrong")
    data = {"grant_type": "refresh_token", "refresh_token": "x"}
    statuses = [(await bridge.post("/token", data=data, headers=wrong)).status for _ in range(31)]
    assert statuses == [401] * 30 + [429]
    no_token = await bridge.post("/token", data=data, headers=basic("demo", "demo-secret"))
    assert no_token.status == 429
    assert int(no_token.headers["Retry-After"]) > 0


@pytest.mark.requirement("OP6", "D10")
@pytest.mark.usefixtures("still_time")
async def test_failing_in_a_clients_name_does_not_lock_it_out(make_bridge: Any) -> None:
    bridge: Bridge = await make_bridge(rate_limits="on")
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    statuses = [(await bridge.refresh(client, "x")).status for _ in range(31)]
    assert statuses == [400] * 30 + [429]
    refreshed = await bridge.refresh(client, token)
    assert refreshed.status == 200
    data = {"client_id": client.client_id, "token": refreshed.json()["refresh_token"]}
    assert (await bridge.post("/revoke", data=data)).status == 200
    refused(await bridge.refresh(client, data["token"]), "temporarily_unavailable", 429)


@pytest.mark.requirement("OP6", "C2")
@pytest.mark.usefixtures("still_time")
async def test_naming_many_clients_does_not_evade_the_limit(make_bridge: Any) -> None:
    bridge: Bridge = await make_bridge(rate_limits="on")
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    data = {"grant_type": "refresh_token", "refresh_token": "x"}
    for number in range(300):
        refused(
            await bridge.post("/token", data=data | {"client_id": f"mcp-{number}"}),
            "invalid_client",
            401,
        )
    asked = len(bridge.registrar.asked)
    for number in range(5):
        answer = await bridge.post("/token", data=data | {"client_id": f"mcp-more-{number}"})
        refused(answer, "temporarily_unavailable", 429)
    assert (asked, len(bridge.registrar.asked)) == (300, 300)
    assert (await bridge.refresh(client, token)).status == 200


def test_the_basic_helper_says_what_rfc_6749_says() -> None:
    encoded = basic("a:b", "c d")["Authorization"].split()[1]
    assert base64.b64decode(encoded) == b"a%3Ab:c+d"
