"""Each counter of the resource server moves by its cause."""

import re

import pytest
from fakes.resource_harness import NOW, ResourceServer, Starter
from fakes.scraped import Scraped
from fakes.token_issuer import TokenIssuer

from oauth_kit.redis import Redis

STREAM = "mcp:development:denied"
TOKENS = "authstack_token_cache_lookups_total"
KEYS = "authstack_signing_key_lookups_total"
LOADED = "authstack_denials_loaded_total"
DENIED = "authstack_tokens_denied_total"
ERRORS = "authstack_upstream_errors_total"
REQUESTS = "authstack_http_request_duration_seconds_count"


async def scrape(server: ResourceServer) -> Scraped:
    return Scraped.of((await server.call("GET", "/metrics")).body.decode())


async def test_a_token_is_verified_once_and_then_remembered(server: ResourceServer) -> None:
    token = server.mint()
    for _ in range(3):
        await server.rpc("ping", token=token)
    scraped = await scrape(server)
    assert scraped.by(TOKENS, "outcome") == {"miss": 1, "hit": 2}
    assert scraped.by(KEYS, "outcome") == {"hit": 1}
    assert scraped.sum(REQUESTS, route="/mcp", method="POST", status="2xx") == 3


@pytest.mark.requirement("RS8")
async def test_a_forged_token_is_never_remembered(server: ResourceServer) -> None:
    for _ in range(2):
        await server.rpc("ping", token=server.mint(aud="https://canary.example"))
        await server.rpc("ping", token="canary")
        await server.rpc("ping", token=None)
    scraped = await scrape(server)
    assert scraped.by(TOKENS, "outcome") == {"miss": 4}
    assert scraped.sum(REQUESTS, route="/mcp", method="POST", status="4xx") == 6
    assert scraped.sum(DENIED) == 0


@pytest.mark.requirement("RS10")
async def test_an_unknown_key_is_a_miss(server: ResourceServer) -> None:
    await server.rpc("ping", token=server.mint(kid="rsa-canary"))
    assert (await scrape(server)).by(KEYS, "outcome") == {"miss": 1}


@pytest.mark.requirement("RS8")
async def test_denials_are_counted_when_they_are_read_and_when_they_refuse(
    start: Starter, store: Redis
) -> None:
    for entry in ({"gid": "grant-1"}, {"gid": "grant-2"}, {"jti": "token-3"}, {"canary": "x"}):
        await store.xadd(STREAM, {**entry, "not_after": str(NOW + 390)})
    server = await start()
    await server.rpc("ping", token=server.mint(gid="grant-1"))
    await server.rpc("ping", token=server.mint(gid="grant-4", jti="token-4"))
    scraped = await scrape(server)
    assert scraped.by(LOADED, "kind") == {"grant": 2, "token": 1}
    assert scraped.sum(DENIED) == 1


@pytest.mark.requirement("RS8")
async def test_a_remembered_token_that_is_denied_is_counted(
    server: ResourceServer, store: Redis
) -> None:
    token = server.mint()
    await server.rpc("ping", token=token)
    await store.xadd(STREAM, {"gid": "grant-1", "not_after": str(NOW + 390)})

    async def refused() -> bool:
        return (await server.rpc("ping", token=token)).status == 401

    await server.until(refused)
    assert (await scrape(server)).sum(DENIED) == 1


async def test_an_issuer_that_is_away_is_counted(start: Starter, issuer: TokenIssuer) -> None:
    issuer.status = 500
    server = await start(ready=False)

    async def counted() -> bool:
        return (await scrape(server)).sum(ERRORS, operation="signing_keys", kind="unavailable") > 0

    await server.until(counted)


@pytest.mark.requirement("OP1")
async def test_no_label_is_a_token_a_person_or_anything_else_that_was_sent(
    server: ResourceServer,
) -> None:
    token = server.mint(sub="canary-user", gid="canary-grant", client_id="canary-client")
    await server.rpc("tools/call", {"name": "canary-tool"}, token=token)
    await server.call("GET", "/v1/contexts/canary-context?access_token=canary", token=token)
    await server.call("GET", "/v1/canary", token=token, headers={"X-Canary": "canary"})
    await server.call("PROPFIND", "/mcp/canary", token="canary")
    text = (await server.call("GET", "/metrics")).body.decode()
    assert "canary" not in text
    assert token not in text
    for value in Scraped.of(text).label_values():
        assert re.fullmatch(r"[a-z0-9_/{}.-]+|[A-Z]+", value), value
