"""Who we are to the identity provider, and what happens when it becomes another one."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fakes.bridge_harness import KEYSPACE, Bridge, Pkce
from fakes.fake_provider import FakeProvider

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.upstream_client import (
    UpstreamClient,
    UpstreamClientSealer,
    upstream_checked_key,
    upstream_key,
)

RING = KeyRing.generate("u1")


@pytest.fixture
async def world(make_bridge: Any, tmp_path: Path) -> tuple[Bridge, Path]:
    """A bridge whose provider stands in a file, as after seeding."""
    provider = FakeProvider(clients={"shared": "shared-secret", "own": "own-secret"})
    plain: Bridge = await make_bridge(provider=provider)
    settings = plain.settings
    path = tmp_path / "provider.json"
    path.write_text(
        json.dumps(
            {
                "generation": "pool-1",
                "provider": "cognito",
                "issuer": settings.provider_issuer,
                "client_id": "shared",
                "client_secret": "shared-secret",
                "authorize_url": settings.provider_authorize_url,
                "token_url": settings.provider_token_url,
                "jwks_url": settings.provider_jwks_url,
                "revoke_url": settings.provider_revoke_url,
            }
        )
    )
    bridge: Bridge = await make_bridge(
        provider=provider,
        provider_file=path,
        upstream_clients="per-client",
        upstream_keys=RING,
    )
    return bridge, path


async def give_own_client(bridge: Bridge, client_id: str, generation: str = "pool-1") -> None:
    key = upstream_key(KEYSPACE, client_id)
    upstream = UpstreamClient("own", "own-secret", generation, "f")
    await bridge.redis.set(key, UpstreamClientSealer(KeyRing.parse(RING)).seal(upstream, key))


def become(path: Path, generation: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"generation": generation}))


async def test_a_client_with_its_own_upstream_client_uses_it(world: tuple[Bridge, Path]) -> None:
    bridge, _ = world
    client, pkce = await bridge.register(), Pkce()
    await give_own_client(bridge, client.client_id)
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, pkce)))
    assert to_provider.query["client_id"] == "own"
    done = await bridge.come_back(to_provider)
    tokens = (await bridge.redeem(client, done.query["code"], pkce)).json()
    bridge.clock.advance(301)
    assert (await bridge.refresh(client, tokens["refresh_token"])).status == 200
    assert bridge.registrar.upstream_requests == []


@pytest.mark.requirement("AU14")
async def test_a_lost_upstream_client_is_not_logged_in_with(world: tuple[Bridge, Path]) -> None:
    bridge, _ = world
    client = await bridge.register()
    await give_own_client(bridge, client.client_id)
    bridge.registrar.gone.add(client.client_id)
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, Pkce())))
    assert to_provider.query["client_id"] == "shared"
    assert bridge.registrar.checked == [client.client_id]
    assert "code" in (await bridge.come_back(to_provider)).query


async def test_what_the_provider_had_lately_is_not_asked_about(world: tuple[Bridge, Path]) -> None:
    bridge, _ = world
    client, stranger = await bridge.register(), await bridge.register()
    await give_own_client(bridge, client.client_id)
    await bridge.redis.set(upstream_checked_key(KEYSPACE, "own"), "1")
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, Pkce())))
    assert to_provider.query["client_id"] == "own"
    await bridge.decide(await bridge.authorize(bridge.question(stranger, Pkce())))
    assert bridge.registrar.checked == []


async def test_without_an_answer_a_log_in_goes_on_with_what_is_kept(
    world: tuple[Bridge, Path],
) -> None:
    bridge, _ = world
    client = await bridge.register()
    await give_own_client(bridge, client.client_id)
    bridge.registrar.gone.add(client.client_id)
    bridge.registrar.down = True
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, Pkce())))
    assert to_provider.query["client_id"] == "own"


@pytest.mark.parametrize(
    ("lost", "error"), [(True, "temporarily_unavailable"), (False, "server_error")]
)
async def test_an_upstream_client_that_is_lost_during_a_log_in_is_noticed(
    world: tuple[Bridge, Path], lost: bool, error: str
) -> None:
    """The client may start again at once; a mere wrong secret would fail again."""
    bridge, _ = world
    client = await bridge.register()
    await give_own_client(bridge, client.client_id)
    await bridge.redis.set(upstream_checked_key(KEYSPACE, "own"), "1")
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, Pkce())))
    code = bridge.provider.log_in(to_provider.location)
    bridge.provider.clients["own"] = "another-secret"
    if lost:
        bridge.registrar.gone.add(client.client_id)
    query = urlencode({"code": code, "state": to_provider.query["state"]})
    assert (await bridge.get(f"/callback?{query}")).query["error"] == error
    assert bridge.registrar.checked == [client.client_id]


@pytest.mark.requirement("TK24")
async def test_a_grant_of_a_lost_upstream_client_ends_and_the_registrar_looks(
    world: tuple[Bridge, Path],
) -> None:
    bridge, _ = world
    client, pkce = await bridge.register(), Pkce()
    await give_own_client(bridge, client.client_id)
    await bridge.redis.set(upstream_checked_key(KEYSPACE, "own"), "1")
    token = (await bridge.redeem(client, await bridge.code_for(client, pkce), pkce)).json()
    bridge.clock.advance(301)
    del bridge.provider.clients["own"]
    answer = await bridge.refresh(client, token["refresh_token"])
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")
    assert bridge.registrar.checked == [client.client_id]


@pytest.mark.parametrize("own", [True, False])
async def test_a_user_who_is_refused_makes_nobody_look_for_a_client(
    world: tuple[Bridge, Path], own: bool
) -> None:
    bridge, _ = world
    client, pkce = await bridge.register(), Pkce()
    if own:
        await give_own_client(bridge, client.client_id)
        await bridge.redis.set(upstream_checked_key(KEYSPACE, "own"), "1")
    token = (await bridge.redeem(client, await bridge.code_for(client, pkce), pkce)).json()
    bridge.clock.advance(301)
    if own:
        bridge.provider.refuses_refresh = True
    else:
        bridge.provider.clients["shared"] = "another-secret"
    assert (await bridge.refresh(client, token["refresh_token"])).status == 400
    assert bridge.registrar.checked == []


@pytest.mark.parametrize("fault", ["another generation", "not readable"])
async def test_an_upstream_client_that_is_void_is_not_used(
    world: tuple[Bridge, Path], fault: str
) -> None:
    bridge, _ = world
    client = await bridge.register()
    await give_own_client(bridge, client.client_id, "pool-0")
    if fault == "not readable":
        await bridge.redis.set(upstream_key(KEYSPACE, client.client_id), "k9.AAAA")
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, Pkce())))
    assert to_provider.query["client_id"] == "shared"


@pytest.mark.requirement("TK24")
async def test_a_grant_of_another_generation_ends_at_its_next_check(
    world: tuple[Bridge, Path],
) -> None:
    bridge, path = world
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    become(path, "pool-2")
    token = (await bridge.refresh(client, token)).json()["refresh_token"]
    bridge.clock.advance(301)
    answer = await bridge.refresh(client, token)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")
    assert bridge.provider.calls.count("refresh_token") == 0
    assert "refresh_token" in await bridge.tokens_for(client)


@pytest.mark.requirement("TK24")
async def test_a_grant_that_cannot_be_checked_ends_with_its_generation(
    world: tuple[Bridge, Path],
) -> None:
    bridge, path = world
    bridge.provider.gives_refresh_token = False
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["refresh_token"]
    token = (await bridge.refresh(client, token)).json()["refresh_token"]
    become(path, "pool-2")
    answer = await bridge.refresh(client, token)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_log_in_that_was_under_way_in_another_generation_fails_cleanly(
    world: tuple[Bridge, Path],
) -> None:
    bridge, path = world
    client = await bridge.register()
    to_provider = await bridge.decide(await bridge.authorize(bridge.question(client, Pkce())))
    become(path, "pool-2")
    done = await bridge.come_back(to_provider)
    assert done.query["error"] == "server_error"


async def test_without_a_provider_the_user_is_asked_to_come_back(
    world: tuple[Bridge, Path],
) -> None:
    bridge, path = world
    client = await bridge.register()
    page = await bridge.authorize(bridge.question(client, Pkce()))
    path.unlink()
    answer = await bridge.decide(page)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert await bridge.log_ins() == []
