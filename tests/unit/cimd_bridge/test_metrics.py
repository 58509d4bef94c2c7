"""Each counter of the bridge moves by its cause, and by nothing else."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from fakes.bridge_harness import Answer, Bridge, Pkce
from fakes.scraped import Scraped

from oauth_kit.records.client import Client

REFRESHES = "authstack_refreshes_total"
ISSUED = "authstack_tokens_issued_total"
REUSES = "authstack_reuse_detected_total"
DENIALS = "authstack_denials_written_total"
ERRORS = "authstack_upstream_errors_total"
LIMITED = "authstack_rate_limited_total"


async def scrape(bridge: Bridge) -> Scraped:
    return Scraped.of((await bridge.get("/metrics")).text)


async def logged_in(bridge: Bridge) -> tuple[Client, str]:
    client = await bridge.register()
    return client, (await bridge.tokens_for(client))["refresh_token"]


async def twice(bridge: Bridge, client: Client, token: str) -> Answer:
    await bridge.refresh(client, token)
    return await bridge.refresh(client, token)


async def reuse(bridge: Bridge, client: Client, token: str) -> Answer:
    await bridge.refresh(client, token)
    bridge.clock.advance(11)
    return await bridge.refresh(client, token)


async def by_another_client(bridge: Bridge, client: Client, token: str) -> Answer:
    return await bridge.refresh(await bridge.register(), token)


async def too_late(bridge: Bridge, client: Client, token: str) -> Answer:
    bridge.clock.advance(31 * 86_400)
    return await bridge.refresh(client, token)


async def made_up(bridge: Bridge, client: Client, token: str) -> Answer:
    return await bridge.refresh(client, "never.ours")


async def provider_says_no(bridge: Bridge, client: Client, token: str) -> Answer:
    bridge.provider.refuses_refresh = True
    bridge.clock.advance(301)
    return await bridge.refresh(client, token)


async def provider_is_away(bridge: Bridge, client: Client, token: str) -> Answer:
    bridge.provider.fails_with = 503
    bridge.clock.advance(301)
    return await bridge.refresh(client, token)


async def other_scope(bridge: Bridge, client: Client, token: str) -> Answer:
    return await bridge.refresh(client, token, scope="canary")


async def other_resource(bridge: Bridge, client: Client, token: str) -> Answer:
    return await bridge.refresh(client, token, resource="https://canary.example/mcp")


async def once(bridge: Bridge, client: Client, token: str) -> Answer:
    return await bridge.refresh(client, token)


@pytest.mark.requirement("TK19", "TK20")
@pytest.mark.parametrize(
    ("cause", "status", "outcomes"),
    [
        (reuse, 400, {"rotated": 1, "reused": 1}),
        (by_another_client, 400, {"wrong_client": 1}),
        (made_up, 400, {"unknown": 1}),
        (too_late, 400, {"expired": 1}),
        (provider_says_no, 400, {"ended": 1}),
        (provider_is_away, 503, {"unavailable": 1}),
        (other_scope, 400, {"refused": 1}),
        (other_resource, 400, {"refused": 1}),
        (once, 200, {"rotated": 1}),
        (twice, 200, {"rotated": 1, "repeated": 1}),
    ],
)
async def test_every_refresh_is_one_count_of_its_outcome(
    bridge: Bridge,
    cause: Callable[[Bridge, Client, str], Awaitable[Answer]],
    status: int,
    outcomes: dict[str, int],
) -> None:
    client, token = await logged_in(bridge)
    assert (await cause(bridge, client, token)).status == status
    scraped = await scrape(bridge)
    assert scraped.by(REFRESHES, "outcome") == outcomes
    given = outcomes.get("rotated", 0) + outcomes.get("repeated", 0)
    assert scraped.sum(ISSUED, grant_type="refresh_token") == given
    assert scraped.sum(ISSUED, grant_type="authorization_code") == 1


@pytest.mark.requirement("TK19")
async def test_a_reused_refresh_token_is_counted_and_its_grant_denied(bridge: Bridge) -> None:
    client, token = await logged_in(bridge)
    await reuse(bridge, client, token)
    scraped = await scrape(bridge)
    assert scraped.by(REUSES, "credential") == {"refresh_token": 1}
    assert scraped.by(DENIALS, "kind") == {"grant": 1}


@pytest.mark.requirement("TK7")
async def test_a_replayed_code_is_counted_and_gives_no_token(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    for _ in range(2):
        await bridge.redeem(client, code, pkce)
    scraped = await scrape(bridge)
    assert scraped.by(REUSES, "credential") == {"code": 1}
    assert scraped.by(ISSUED, "grant_type") == {"authorization_code": 1}


@pytest.mark.requirement("RV1")
async def test_denials_are_counted_once_for_each_grant_and_token(bridge: Bridge) -> None:
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    for token in (*[tokens["access_token"]] * 2, tokens["refresh_token"]):
        await bridge.post("/revoke", data={"token": token, "client_id": client.client_id})
    assert (await scrape(bridge)).by(DENIALS, "kind") == {"token": 1, "grant": 1}


async def test_what_the_provider_refuses_or_does_not_answer_is_counted_by_operation(
    bridge: Bridge,
) -> None:
    client, token = await logged_in(bridge)
    _, other_token = client, (await bridge.tokens_for(client))["refresh_token"]
    bridge.clock.advance(301)
    bridge.provider.fails_with = 503
    await bridge.refresh(client, token)
    await bridge.come_back(await bridge.decide(await question(bridge, client)))
    bridge.provider.fails_with = None
    bridge.provider.refuses_refresh = True
    await bridge.refresh(client, token)
    bridge.provider.answers_with = lambda: web.Response(status=500)
    await bridge.post("/revoke", data={"token": other_token, "client_id": client.client_id})
    await bridge.settle()
    assert counted(await scrape(bridge)) == {
        ("refresh", "unavailable"): 1,
        ("exchange", "unavailable"): 1,
        ("refresh", "refused"): 1,
        ("revoke", "unavailable"): 1,
    }


async def test_a_log_in_that_the_provider_refuses_is_counted(bridge: Bridge) -> None:
    client = await bridge.register()
    bridge.provider.change_claims = lambda claims: claims.update(aud="canary")
    await bridge.come_back(await bridge.decide(await question(bridge, client)))
    assert counted(await scrape(bridge)) == {("exchange", "refused"): 1}


async def test_a_provider_without_discovery_is_counted_at_the_start_of_a_log_in(
    make_bridge: Any,
) -> None:
    bridge: Bridge = await make_bridge(
        provider_issuer="http://127.0.0.1:1/pool", provider_authorize_url=None
    )
    refused = await bridge.decide(await question(bridge, await bridge.register()))
    assert refused.status == 503
    assert counted(await scrape(bridge)) == {("authorize", "unavailable"): 1}


async def test_our_own_refusals_are_no_errors_of_the_provider(bridge: Bridge) -> None:
    client, token = await logged_in(bridge)
    await reuse(bridge, client, token)
    await bridge.come_back(
        await bridge.decide(await question(bridge, client)), iss="https://canary.example"
    )
    assert counted(await scrape(bridge)) == {}


async def test_a_registrar_that_fails_is_counted_and_an_unknown_client_is_not(
    bridge: Bridge,
) -> None:
    await bridge.get("/authorize?client_id=nobody")
    bridge.registrar.down = True
    await bridge.get("/authorize?client_id=nobody-either")
    assert counted(await scrape(bridge)) == {("registrar", "unavailable"): 1}


@pytest.mark.requirement("OP6")
async def test_what_is_refused_for_its_number_is_counted_by_bucket(
    make_bridge: Any, still_time: None
) -> None:
    bridge: Bridge = await make_bridge(rate_limits="on")
    form = {"client_id": "demo", "client_secret": "wrong"}
    statuses = [(await bridge.post("/token", data=form)).status for _ in range(32)]
    assert statuses == [401] * 30 + [429] * 2
    assert (await scrape(bridge)).by(LIMITED, "bucket") == {"token-failures": 2}


@pytest.mark.requirement("OP1")
async def test_no_label_is_a_secret_a_person_a_client_or_anything_else_that_was_sent(
    bridge: Bridge,
) -> None:
    client, pkce = await bridge.register(client_name="canary name"), Pkce()
    code = await bridge.code_for(client, pkce, state="canary-state")
    tokens = (await bridge.redeem(client, code, pkce)).json()
    await reuse(bridge, client, tokens["refresh_token"])
    await bridge.get(f"/canary/{code}?code={code}")
    await bridge.request("PROPFIND", "/token", data={"token": tokens["access_token"]})
    await bridge.post("/token", data={"grant_type": "canary", "client_id": client.client_id})
    text = (await bridge.get("/metrics")).text
    for value in Scraped.of(text).label_values():
        assert re.fullmatch(r"[a-z_/{}.-]+|[A-Z]+|[1-5]xx", value), value
    secret_or_personal = (
        "canary",
        client.client_id,
        bridge.provider.subject,
        code.partition(".")[2],
        tokens["refresh_token"].partition(".")[0],
        tokens["access_token"],
    )
    assert [one for one in secret_or_personal if one in text] == []


async def question(bridge: Bridge, client: Client) -> Answer:
    return await bridge.authorize(bridge.question(client, Pkce()))


def counted(scraped: Scraped) -> dict[tuple[str, str], float]:
    """Errors by operation and kind."""
    return {
        (sample.labels["operation"], sample.labels["kind"]): sample.value
        for sample in scraped.samples
        if sample.name == ERRORS and sample.value
    }
