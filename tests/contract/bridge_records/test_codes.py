"""Authorization codes: one redemption, by the right request, and what a replay means."""

import asyncio

import pytest

from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.outcomes import (
    Expired,
    Mismatch,
    Redeemed,
    Replayed,
    Rotated,
    UnderWay,
    Unknown,
)

NOW = 1_800_000_000

WRONG = [
    ("client", {"client_id": "dcr-other"}),
    ("redirect", {"redirect_uri": "http://127.0.0.1:33418/other"}),
    ("redirect", {"redirect_uri": "http://127.0.0.1:33418/callback/"}),
    ("verifier", {"code_verifier": "w" * 43}),
    ("resource", {"resource": "http://localhost:3009/mcp"}),
]


FORGERIES = {
    "empty": lambda code: "",
    "no handle": lambda code: "code",
    "line feed": lambda code: code + "\n",
    "truncated": lambda code: code[:-1],
    "another id": lambda code: new_id() + "." + code.partition(".")[2],
    "another secret": lambda code: code.partition(".")[0] + "." + new_secret(),
    "no secret": lambda code: code.partition(".")[0] + ".",
    "hash tag inside": lambda code: "{" + code.partition(".")[0] + "}." + code.partition(".")[2],
    "lone surrogate": lambda code: "\ud800" + code,
}


@pytest.mark.requirement("TK8", "TK10", "TK11", "TK12")
@pytest.mark.parametrize(("which", "changes"), WRONG)
async def test_a_wrong_request_does_not_consume_the_code(bridge, which, changes):
    login = await bridge.login()
    found = await bridge.codes.redeem(login.code, **login.request(**changes))
    assert found == Mismatch(login.grant.gid, which)
    assert isinstance(await bridge.codes.redeem(login.code, **login.request()), Redeemed)


@pytest.mark.requirement("TK8")
@pytest.mark.parametrize(("which", "changes"), WRONG)
async def test_a_wrong_replay_is_no_replay(bridge, which, changes):
    login = await bridge.login()
    first = await bridge.codes.redeem(login.code, **login.request())
    found = await bridge.codes.redeem(login.code, **login.request(**changes))
    assert found == Mismatch(login.grant.gid, which)
    await bridge.rotated(first.refresh_token)


@pytest.mark.requirement("TK7")
async def test_a_valid_replay_is_recognised_and_ends_the_grant_once_revoked(bridge):
    login = await bridge.login()
    first = await bridge.codes.redeem(login.code, **login.request())
    assert await bridge.codes.settle(login.grant.gid, now=NOW)
    again = await bridge.codes.redeem(login.code, **login.request())
    assert again == Replayed(login.grant)
    await bridge.grants.revoke(again.grant.gid, now=NOW)
    found = await bridge.grants.rotate(
        first.refresh_token, client_id=login.grant.client_id, new_secret=new_secret(), now=NOW
    )
    assert not isinstance(found, Rotated)
    assert await bridge.codes.redeem(login.code, **login.request()) == Replayed(login.grant)


@pytest.mark.requirement("TK6")
async def test_of_fifty_parallel_redemptions_one_succeeds(replicas):
    login = await replicas[0].login()
    found = await asyncio.gather(
        *(replicas[i % 4].codes.redeem(login.code, **login.request()) for i in range(50))
    )
    assert sum(isinstance(one, Redeemed) for one in found) == 1
    assert found.count(UnderWay(login.grant.gid)) == 49


@pytest.mark.requirement("TK6")
async def test_a_request_sent_twice_at_once_is_no_replay_until_the_first_is_answered(bridge):
    login = await bridge.login()
    first = await bridge.codes.redeem(login.code, **login.request())
    twin = await bridge.codes.redeem(login.code, **login.request())
    assert twin == UnderWay(login.grant.gid)
    assert await bridge.codes.settle(login.grant.gid, now=NOW)
    await bridge.rotated(first.refresh_token)


async def test_settling_tells_when_the_grant_ended_meanwhile(bridge):
    login = await bridge.login()
    assert not await bridge.codes.settle(login.grant.gid, now=NOW)
    await bridge.codes.redeem(login.code, **login.request())
    await bridge.grants.revoke(login.grant.gid, now=NOW)
    assert not await bridge.codes.settle(login.grant.gid, now=NOW)
    assert not await bridge.codes.settle("a" * 22, now=NOW)
    assert await bridge.store.redis.exists(bridge.store.key("code", "a" * 22)) == 0


@pytest.mark.requirement("TK5")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_code_that_we_did_not_make_is_unknown(bridge, forge):
    login = await bridge.login()
    assert await bridge.codes.redeem(forge(login.code), **login.request()) == Unknown()
    assert isinstance(await bridge.codes.redeem(login.code, **login.request()), Redeemed)


@pytest.mark.requirement("TK5", "CB10")
@pytest.mark.parametrize(("seconds", "kind"), [(59, Redeemed), (60, Unknown), (61, Unknown)])
async def test_a_code_lives_for_a_minute(bridge, seconds, kind):
    login = await bridge.login()
    found = await bridge.codes.redeem(login.code, **login.request(now=NOW + seconds))
    assert isinstance(found, kind)


async def test_a_code_of_a_revoked_grant_is_unknown(bridge):
    login = await bridge.login()
    await bridge.grants.revoke(login.grant.gid, now=NOW)
    assert await bridge.codes.redeem(login.code, **login.request()) == Unknown()


@pytest.mark.parametrize("was_spent", [False, True])
async def test_a_code_whose_grant_redis_lost_brings_nothing_to_life(bridge, was_spent):
    login = await bridge.login()
    if was_spent:
        await bridge.codes.redeem(login.code, **login.request())
    key = bridge.store.key("grant", login.grant.gid)
    await bridge.store.redis.delete(key)
    assert await bridge.codes.redeem(login.code, **login.request()) == Unknown()
    assert not await bridge.store.redis.exists(key)


@pytest.mark.requirement("TK11", "TK12")
@pytest.mark.parametrize("absent", ["redirect_uri", "resource"])
async def test_what_the_request_does_not_name_is_not_compared(bridge, absent):
    login = await bridge.login()
    found = await bridge.codes.redeem(login.code, **login.request(**{absent: None}))
    assert isinstance(found, Redeemed)


async def test_a_redeemed_code_gives_the_grant_and_a_refresh_token_that_works(bridge):
    login = await bridge.login()
    found = await bridge.codes.redeem(login.code, **login.request())
    assert found.grant == login.grant
    assert await bridge.grants.alive(login.grant.gid, now=NOW)
    assert found.refresh_token.startswith(login.grant.gid + ".")
    for noun in ("grant", "family"):
        ttl = await bridge.store.redis.ttl(bridge.store.key(noun, login.grant.gid))
        assert 29 * 86_400 < ttl <= 30 * 86_400
    await bridge.rotated(found.refresh_token)


@pytest.mark.requirement("TK17")
async def test_without_a_refresh_secret_the_grant_ends_with_its_last_access_token(bridge):
    login = await bridge.login()
    found = await bridge.codes.redeem(login.code, **login.request(first_refresh_secret=None))
    assert found == Redeemed(login.grant, None)
    key = bridge.store.key("grant", login.grant.gid)
    assert 590 < await bridge.store.redis.ttl(key) <= 600
    assert await bridge.grants.alive(login.grant.gid, now=NOW + 599)
    assert not await bridge.grants.alive(login.grant.gid, now=NOW + 600)
    assert not await bridge.store.redis.exists(bridge.store.key("family", login.grant.gid))


async def test_a_grant_that_the_idp_cannot_confirm_again_ends_when_it_said(bridge):
    login = await bridge.login(unchecked_until=NOW + 100)
    found = await bridge.codes.redeem(login.code, **login.request())
    token = found.refresh_token
    client_id = login.grant.client_id
    late = await bridge.grants.inspect_refresh(token, client_id, now=NOW + 100)
    assert late == Expired(login.grant.gid)
    token = await bridge.rotated(token, now=NOW + 99)
    late = await bridge.grants.inspect_refresh(token, client_id, now=NOW + 100)
    assert late == Expired(login.grant.gid)


async def test_a_spent_code_is_remembered_for_ten_minutes(bridge):
    login = await bridge.login()
    key = bridge.store.key("code", login.grant.gid)
    assert 50 < await bridge.store.redis.ttl(key) <= 60
    await bridge.codes.redeem(login.code, **login.request())
    await bridge.codes.settle(login.grant.gid, now=NOW)
    assert 590 < await bridge.store.redis.ttl(key) <= 600
    late = await bridge.codes.redeem(login.code, **login.request(now=NOW + 599))
    assert late == Replayed(login.grant)


async def test_an_unredeemed_grant_does_not_stay(bridge):
    login = await bridge.login()
    key = bridge.store.key("grant", login.grant.gid)
    assert 590 < await bridge.store.redis.ttl(key) <= 600
    assert not await bridge.grants.alive(login.grant.gid, now=NOW)
    assert await bridge.grants.get(login.grant.gid, now=NOW + 599) == login.grant
    assert await bridge.grants.get(login.grant.gid, now=NOW + 600) is None
