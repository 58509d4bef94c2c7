"""Refresh families: one successor, the same within the grace, and death by reuse."""

import asyncio

import pytest

from cimd_bridge.records.grant import Lifetimes
from cimd_bridge.records.handles import new_secret
from cimd_bridge.records.outcomes import (
    Current,
    Expired,
    Grace,
    Redeemed,
    Reused,
    Rotated,
    Unknown,
    WrongClient,
)
from cimd_bridge.records.refresh_tokens import open_successor, write_token

NOW = 1_800_000_000
CLIENT_ID = "dcr-4f1d"
DAY = 86_400


def flip_last(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


FORGERIES = {
    "empty": lambda token, other: "",
    "no handle": lambda token, other: "token",
    "line feed": lambda token, other: token + "\n",
    "tag altered": lambda token, other: flip_last(token),
    "no tag": lambda token, other: token.partition(".")[0] + "." + new_secret(),
    "zero tag": lambda token, other: token.partition(".")[0] + "." + new_secret() + "0" * 32,
    "secret of another": lambda token, other: (
        token.partition(".")[0] + "." + other.partition(".")[2]
    ),
    "id of another": lambda token, other: other.partition(".")[0] + "." + token.partition(".")[2],
    "unknown id": lambda token, other: "a" * 22 + "." + token.partition(".")[2],
    "lone surrogate": lambda token, other: "\ud800" + token,
}


async def rotate(bridge, token, *, client_id=CLIENT_ID, now=NOW):
    return await bridge.grants.rotate(token, client_id=client_id, new_secret=new_secret(), now=now)


async def inspect(bridge, token, *, client_id=CLIENT_ID, now=NOW):
    return await bridge.grants.inspect_refresh(token, client_id, now=now)


@pytest.mark.requirement("TK19")
async def test_an_older_token_kills_the_family(bridge):
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    third = await bridge.rotated(second)
    assert await rotate(bridge, first) == Reused(grant)
    assert not await bridge.grants.alive(grant.gid, now=NOW)
    assert not await bridge.store.redis.exists(bridge.store.key("family", grant.gid))
    for token in (third, second, first):
        assert await rotate(bridge, token) == Reused(grant)
        assert await inspect(bridge, token) == Reused(grant)


@pytest.mark.requirement("TK19", "TK20")
async def test_the_predecessor_after_the_grace_kills_the_family(bridge):
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    assert await rotate(bridge, first, now=NOW + 11) == Reused(grant)
    assert await rotate(bridge, second, now=NOW + 11) == Reused(grant)


@pytest.mark.requirement("TK19", "RV7")
async def test_revoking_after_reuse_denies_and_hands_out_upstream_tokens_once(bridge):
    grant, first = await bridge.session()
    await bridge.rotated(first)
    await rotate(bridge, first, now=NOW + 11)
    revoked = await bridge.grants.revoke(grant.gid, now=NOW + 11)
    assert revoked.upstream.refresh_token == "upstream-refresh-canary"
    again = await bridge.grants.revoke(grant.gid, now=NOW + 12)
    assert again.upstream is None
    assert await bridge.denied() == [
        {"gid": grant.gid, "not_after": str(NOW + 11 + 390)},
    ]


@pytest.mark.requirement("TK21")
@pytest.mark.parametrize("age", [0, 1, 2])
async def test_another_client_changes_nothing(bridge, age, read_everything):
    grant, token = await bridge.session()
    tokens = [token]
    for _ in range(2):
        tokens.append(await bridge.rotated(tokens[-1]))
    before = await read_everything()
    presented = tokens[-1 - age]
    assert await rotate(bridge, presented, client_id="dcr-other") == WrongClient(grant.gid)
    assert await inspect(bridge, presented, client_id="dcr-other") == WrongClient(grant.gid)
    assert await read_everything() == before
    await bridge.rotated(tokens[-1])


async def test_another_client_does_not_see_that_the_family_is_dead(bridge):
    grant, token = await bridge.session()
    await bridge.grants.revoke(grant.gid, now=NOW)
    assert await rotate(bridge, token, client_id="dcr-other") == WrongClient(grant.gid)


@pytest.mark.requirement("TK26")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_guess_made_of_a_known_gid_kills_nothing(bridge, forge):
    _, token = await bridge.session()
    _, other = await bridge.session()
    assert await rotate(bridge, forge(token, other)) == Unknown()
    await bridge.rotated(token)
    await bridge.rotated(other)


@pytest.mark.requirement("TK19")
async def test_a_token_of_ours_that_is_no_predecessor_has_no_grace(bridge):
    grant, _ = await bridge.session()
    stray = write_token(bridge.store, grant.gid, new_secret())
    assert await rotate(bridge, stray) == Reused(grant)


@pytest.mark.requirement("TK18", "TK20")
async def test_fifty_parallel_rotations_give_one_successor(replicas):
    _, token = await replicas[0].session()
    found = await asyncio.gather(*(rotate(replicas[i % 4], token) for i in range(50)))
    assert sum(isinstance(one, Rotated) for one in found) == 1
    assert sum(isinstance(one, Grace) for one in found) == 49
    assert len({one.refresh_token for one in found}) == 1
    await replicas[1].rotated(found[0].refresh_token)


@pytest.mark.requirement("TK20")
@pytest.mark.parametrize("seconds", [0, 1, 10])
async def test_within_the_grace_the_predecessor_gets_the_same_successor(bridge, seconds):
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    assert await inspect(bridge, first, now=NOW + seconds) == Grace(grant, second)
    assert await rotate(bridge, first, now=NOW + seconds) == Grace(grant, second)
    await bridge.rotated(second, now=NOW + seconds)


@pytest.mark.requirement("TK20")
async def test_the_grace_is_the_predecessors_alone(bridge):
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    await bridge.rotated(second)
    assert await rotate(bridge, first, now=NOW + 1) == Reused(grant)


@pytest.mark.requirement("TK20", "TK26")
async def test_a_successor_opens_for_its_predecessor_only(bridge):
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    key = bridge.store.key("family", grant.gid)
    sealed = await bridge.store.redis.hget(key, "successor")
    assert open_successor(sealed, predecessor=first, family_key=key) == second
    for predecessor, family_key in ((second, key), (first, bridge.store.key("family", "other"))):
        with pytest.raises(ValueError, match="open"):
            open_successor(sealed, predecessor=predecessor, family_key=family_key)


@pytest.mark.requirement("TK24")
async def test_inspecting_changes_nothing(bridge, read_everything):
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    third = await bridge.rotated(second)
    before = await read_everything()
    assert await inspect(bridge, third) == Current(grant)
    assert isinstance(await inspect(bridge, second), Grace)
    assert await inspect(bridge, first) == Reused(grant)
    assert await inspect(bridge, second, now=NOW + 11) == Reused(grant)
    assert await read_everything() == before


@pytest.mark.requirement("TK23")
@pytest.mark.parametrize(
    ("seconds", "kind"), [(30 * DAY - 1, Rotated), (30 * DAY, Expired), (30 * DAY + 1, Expired)]
)
async def test_an_idle_token_expires(bridge, seconds, kind):
    _, token = await bridge.session()
    assert isinstance(await rotate(bridge, token, now=NOW + seconds), kind)


@pytest.mark.requirement("TK23")
async def test_use_prolongs_a_grant_up_to_its_absolute_end(bridge):
    grant, token = await bridge.session()
    for days in (29, 58, 87):
        token = await bridge.rotated(token, now=NOW + days * DAY)
    for noun in ("grant", "family"):
        ttl = await bridge.store.redis.ttl(bridge.store.key(noun, grant.gid))
        assert 2 * DAY < ttl <= 3 * DAY
    token = await bridge.rotated(token, now=NOW + 90 * DAY - 1)
    assert await inspect(bridge, token, now=NOW + 90 * DAY) == Expired(grant.gid)


async def test_lifetimes_are_settings(store, bridge):
    short = type(bridge)(store, Lifetimes(idle_seconds=60, absolute_seconds=90, grace_seconds=2))
    grant, first = await short.session()
    second = await short.rotated(first, now=NOW + 59)
    assert isinstance(await rotate(short, first, now=NOW + 61), Grace)
    assert await inspect(short, second, now=NOW + 90) == Expired(grant.gid)


async def test_a_grant_without_refresh_has_no_family(bridge):
    login = await bridge.login()
    other = await bridge.login()
    await bridge.codes.redeem(login.code, **login.request(first_refresh_secret=None))
    redeemed = await bridge.codes.redeem(other.code, **other.request())
    assert isinstance(redeemed, Redeemed)
    forged = login.grant.gid + "." + redeemed.refresh_token.partition(".")[2]
    assert await rotate(bridge, forged) == Unknown()
    assert await bridge.grants.alive(login.grant.gid, now=NOW)


async def test_the_tombstone_of_a_dead_family_goes_after_a_day(bridge):
    grant, token = await bridge.session()
    key = bridge.store.key("grant", grant.gid)
    assert await bridge.store.redis.ttl(key) > 29 * DAY
    await bridge.grants.revoke(grant.gid, now=NOW)
    assert await bridge.store.redis.ttl(key) <= DAY
    assert await rotate(bridge, token) == Reused(grant)
    assert await rotate(bridge, token, now=NOW + 31 * DAY) == Reused(grant)
    await bridge.store.redis.delete(key)
    assert await rotate(bridge, token) == Unknown()
