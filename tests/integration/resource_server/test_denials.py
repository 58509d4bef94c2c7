"""Denials on a real Valkey: how fast they arrive, and what a break does to them."""

import asyncio
from typing import Any

import pytest
from fakes.resource_harness import NOW, ResourceServer, Starter

from oauth_kit.redis import Redis

STREAM = "mcp:development:denied"


async def deny(store: Redis, **entry: Any) -> None:
    fields: dict[Any, Any] = {**entry, "not_after": str(NOW + 390)}
    await store.xadd(STREAM, fields)


async def is_refused(server: ResourceServer, token: str) -> bool:
    return (await server.rpc("ping", token=token)).status == 401


async def until_refused(server: ResourceServer, token: str) -> None:
    await server.until(lambda: is_refused(server, token))


async def is_unready(server: ResourceServer) -> bool:
    return (await server.call("GET", "/readyz")).status == 503


@pytest.mark.requirement("RS8", "RV1")
async def test_a_denial_reaches_every_server(start: Starter, store: Redis) -> None:
    servers = [await start() for _ in range(3)]
    for kind, claim in (("gid", "grant_of"), ("jti", "token_of")):
        for number in range(5):
            value = f"{claim}-{number}"
            tokens = [server.mint(**{kind: value}) for server in servers]
            assert not any([await is_refused(s, t) for s, t in zip(servers, tokens, strict=True)])
            await deny(store, **{kind: value})
            for server, token in zip(servers, tokens, strict=True):
                await until_refused(server, token)


@pytest.mark.requirement("RS8")
async def test_denials_that_were_trimmed_later_stay_denied(
    server: ResourceServer, store: Redis
) -> None:
    token = server.mint()
    await deny(store, gid="grant-1")
    await until_refused(server, token)
    await store.xtrim(STREAM, maxlen=0, approximate=False)
    await deny(store, gid="grant-2")
    await until_refused(server, server.mint(gid="grant-2"))
    assert await is_refused(server, token)


async def test_a_lost_connection_loses_nothing(server: ResourceServer, store: Redis) -> None:
    token = server.mint()
    for number in range(3):
        async with asyncio.timeout(5):
            await store.client_kill_filter(_type="normal", skipme=True)
        await deny(store, gid=f"grant-{number}")
        lost = server.mint(gid=f"grant-{number}")
        await until_refused(server, lost)
    assert await is_refused(server, token)


async def test_a_store_that_ends_stops_neither_old_nor_new_tokens(
    server: ResourceServer, own_valkey: Any, store: Redis
) -> None:
    denied, good = server.mint(), server.mint(gid="grant-good", jti="good")
    await deny(store, gid="grant-1")
    await until_refused(server, denied)
    own_valkey.stop()
    await server.until(lambda: is_unready(server))
    assert await is_refused(server, denied)
    assert not await is_refused(server, good)
    assert not await is_refused(server, server.mint(gid="grant-new", jti="new"))
    contexts = await server.call("GET", "/v1/contexts", token=good)
    assert (contexts.status, contexts.document["error"]) == (503, "temporarily_unavailable")
    assert "Retry-After" in contexts.headers
    who = await server.rpc("tools/call", {"name": "whoami"}, token=good)
    assert (who.status, who.document["result"]["isError"]) == (200, False)


async def test_after_a_restart_without_memory_it_starts_over(
    server: ResourceServer, own_valkey: Any, store: Redis
) -> None:
    await deny(store, gid="grant-1")
    denied = server.mint()
    await until_refused(server, denied)
    own_valkey.stop()
    await server.until(lambda: is_unready(server))
    own_valkey.start()
    await server.until_ready()
    # what was denied before the restart is still remembered, and news arrives again
    assert await is_refused(server, denied)
    fresh = server.mint(gid="grant-fresh")
    assert not await is_refused(server, fresh)
    await deny(store, gid="grant-fresh")
    await until_refused(server, fresh)


async def test_a_server_that_started_without_its_store_catches_up(
    start: Starter, own_valkey: Any, store: Redis
) -> None:
    await deny(store, gid="grant-other")
    own_valkey.stop()
    server = await start(ready=False)
    token = server.mint()
    await server.until(lambda: is_unready(server))
    assert not await is_refused(server, token)
    own_valkey.start()
    await deny(store, gid="grant-1")
    await until_refused(server, token)
    await server.until_ready()
