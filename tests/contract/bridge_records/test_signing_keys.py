"""Signing keys: one set for all replicas, and no signature that nobody can verify."""

import asyncio
import json
from dataclasses import replace

import fakeredis
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cimd_bridge.records.store import RecordStore, lua
from cimd_bridge.signing_keys import JWKS_MAX_AGE_SECONDS, Rotation, SigningKeys
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.errors import OAuthError

NOW = 1_800_000_000
TOKEN_AND_LEEWAY_SECONDS = 300 + 60
ROTATION = Rotation(rotation_seconds=3600, publish_ahead_seconds=400)


def keys_of(bridge, **settings):
    return SigningKeys(bridge.store, **({"algorithm": "ES256", "rotation": ROTATION} | settings))


async def published(keys, now):
    return [jwk["kid"] for jwk in (await keys.public_jwks(now))["keys"]]


@pytest.mark.requirement("ASM11")
@pytest.mark.parametrize(
    ("algorithm", "members"),
    [
        ("RS256", {"kty", "n", "e", "kid", "use", "alg"}),
        ("ES256", {"kty", "crv", "x", "y", "kid", "use", "alg"}),
    ],
)
async def test_the_jwks_shows_public_members_only(bridge, algorithm, members):
    (jwk,) = (await keys_of(bridge, algorithm=algorithm).public_jwks(NOW))["keys"]
    assert set(jwk) == members
    assert (jwk["use"], jwk["alg"]) == ("sig", algorithm)


@pytest.mark.requirement("OP1", "OP7")
async def test_private_keys_are_neither_stored_in_clear_nor_shown(bridge, read_everything):
    with structlog.testing.capture_logs() as logs:
        key = await keys_of(bridge, algorithm="RS256").current(NOW)
    number = key.private_key.private_numbers().d
    shown = json.dumps(await read_everything()) + repr(key) + repr(logs)
    assert str(number) not in shown
    assert "private" not in shown
    assert [log["event"] for log in logs] == ["signing_key_published"]


async def test_four_replicas_that_start_together_agree_on_one_key(replicas):
    found = await asyncio.gather(
        *(keys_of(one, algorithm="RS256").current(NOW) for one in replicas * 3)
    )
    assert len({key.kid for key in found}) == 1


async def test_many_first_requests_of_one_process_make_one_key(bridge):
    keys = keys_of(bridge)
    found = await asyncio.gather(*(keys.current(NOW) for _ in range(20)))
    assert len({key.kid for key in found}) == 1


@pytest.mark.requirement("OP8", "ASM11")
async def test_a_key_is_next_then_current_then_retired_then_gone(bridge):
    keys = keys_of(bridge)
    first = (await keys.current(NOW)).kid
    assert await keys.states(NOW + 3199) == {first: "current"}
    states = await keys.states(NOW + 3600 - 400 + 30)
    assert list(states.values()) == ["current", "next"]
    second = list(states)[1]
    activates = NOW + 3600 + 30
    assert await keys.states(activates - 1) == {first: "current", second: "next"}
    assert await keys.states(activates) == {first: "retired", second: "current"}
    assert (await keys.current(activates)).kid == second
    assert await published(keys, activates + 689) == [first, second]
    assert await published(keys, activates + 690) == [second]


async def test_forgotten_keys_leave_the_store_with_the_next_rotation(bridge):
    keys = keys_of(bridge)
    first = (await keys.current(NOW)).kid
    for second in range(0, 8000, 200):
        await keys.current(NOW + second)
    fresh = keys_of(bridge)
    assert first not in await fresh.states(NOW + 3700)


@pytest.mark.requirement("OP8")
async def test_no_replica_signs_with_a_key_that_a_copy_of_the_jwks_may_lack(replicas):
    """Replicas read at different times; every verifier holds a copy as old as copies get."""
    start = NOW
    everybody = [keys_of(one) for one in replicas]
    copies: list[tuple[int, frozenset[str]]] = []
    signed: list[tuple[int, str]] = []
    used = set()
    for now in range(start, start + 9000, 10):
        for number, keys in enumerate(everybody):
            if (now // 10) % (number + 1):
                continue
            copies.append((now, frozenset(await published(keys, now))))
            kid = (await keys.current(now)).kid
            used.add(kid)
            signed.append((now, kid))
    assert len(used) >= 3
    for now, kid in signed:
        recent = (kids for at, kids in copies if now - JWKS_MAX_AGE_SECONDS <= at <= now)
        assert all(kid in kids for kids in recent)
        later = (kids for at, kids in copies if now <= at <= now + TOKEN_AND_LEEWAY_SECONDS)
        assert all(kid in kids for kids in later)


@pytest.mark.requirement("OP8")
async def test_another_algorithm_comes_in_with_the_same_overlap(bridge):
    old = await keys_of(bridge, algorithm="RS256").current(NOW)
    keys = keys_of(bridge, algorithm="ES256")
    assert (await keys.current(NOW + 1)).kid == old.kid
    jwks = (await keys.public_jwks(NOW + 1))["keys"]
    assert [jwk["alg"] for jwk in jwks] == ["RS256", "ES256"]
    assert (await keys.current(NOW + 400)).alg == "RS256"
    new = await keys.current(NOW + 401)
    assert new.alg == "ES256"
    assert isinstance(new.private_key, ec.EllipticCurvePrivateKey)
    assert isinstance(old.private_key, rsa.RSAPrivateKey)
    assert old.private_key.key_size == 2048


async def test_a_forced_rotation_publishes_one_key_ahead(replicas):
    keys = keys_of(replicas[0])
    old = (await keys.current(NOW)).kid
    new = await keys.force_rotation(NOW + 60)
    assert await keys_of(replicas[1]).force_rotation(NOW + 61) == new
    assert await keys.states(NOW + 459) == {old: "current", new: "next"}
    assert (await keys.current(NOW + 460)).kid == new


async def test_rotation_waits_until_it_is_due(bridge):
    keys = keys_of(bridge)
    first = (await keys.current(NOW)).kid
    await keys.rotate_if_due(NOW + 3199)
    assert await published(keys, NOW + 3199) == [first]
    await keys.rotate_if_due(NOW + 3200)
    assert len(await published(keys, NOW + 3200)) == 2


async def test_a_clock_behind_the_first_keys_maker_uses_that_key(replicas):
    made = await keys_of(replicas[0]).current(NOW)
    assert (await keys_of(replicas[1]).current(NOW - 5)).kid == made.kid


async def test_a_holder_whose_lock_ran_out_replaces_nothing(bridge):
    keys = keys_of(bridge)
    kid = (await keys.current(NOW)).kid
    replace_keys = bridge.store.step(lua("signing_keys_replace"))
    for version in ("", "0123456789abcdef"):
        assert await replace_keys(["mcp:test:{signing-key}:keys"], version, "v", "x") == ["0"]
    assert await published(keys_of(bridge), NOW) == [kid]


async def test_keys_that_no_master_key_opens_are_not_replaced(bridge, connect):
    kid = (await keys_of(bridge).current(NOW)).kid
    other_ring = KeyRing.parse(KeyRing.generate("k9"))
    stranger = SigningKeys(RecordStore.under(other_ring, connect(), Keyspace("test")))
    for attempt in (stranger.current, stranger.rotate_if_due, stranger.force_rotation):
        with pytest.raises(OAuthError) as refusal:
            await attempt(NOW)
        assert refusal.value.code == "temporarily_unavailable"
    assert await published(keys_of(bridge), NOW) == [kid]


async def test_memory_serves_while_the_store_is_away_but_not_for_ever(ring):
    server = fakeredis.FakeServer()
    client = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)
    keys = SigningKeys(
        RecordStore.under(ring, client, Keyspace("test")), algorithm="ES256", rotation=ROTATION
    )
    kid = (await keys.current(NOW)).kid
    server.connected = False
    with structlog.testing.capture_logs() as logs:
        for now in (NOW + 29, NOW + 30, NOW + 30, NOW + 34, NOW + 35):
            assert (await keys.current(now)).kid == kid
    assert [log["event"] for log in logs] == ["signing_keys_not_refreshed"] * 2
    assert (await keys.current(NOW + 399)).kid == kid
    assert await published(keys, NOW + 399) == [kid]
    with pytest.raises(OAuthError, match="temporarily_unavailable"):
        await keys.current(NOW + 400)
    server.connected = True
    assert (await keys.current(NOW + 401)).kid == kid
    await client.aclose()


@pytest.mark.parametrize(
    "changes",
    [
        {"publish_ahead_seconds": 330},
        {"refresh_seconds": 100},
        {"rotation_seconds": 400 + 690},
        {"access_token_seconds": 3600},
    ],
    ids=str,
)
def test_an_overlap_too_short_for_copies_is_refused(changes):
    with pytest.raises(ValueError, match="key"):
        replace(ROTATION, **changes)
