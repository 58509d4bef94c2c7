"""Grants: what revocation ends, what it leaves, and the lock around questions to the IdP."""

import asyncio
from dataclasses import replace

import fakeredis
import pytest
import redis.asyncio

from cimd_bridge.records.grant import UpstreamTokens
from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.locks import held_lock
from cimd_bridge.records.outcomes import Grace, Redeemed, Reused, Revoked, Rotated
from cimd_bridge.records.store import RecordStore
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.errors import OAuthError

NOW = 1_800_000_000
CLIENT_ID = "dcr-4f1d"
SUBJECT = "sub-canary-7"


@pytest.mark.requirement("RV1", "RV7")
async def test_revoking_ends_the_refresh_token_and_denies_access_tokens(bridge):
    grant, token = await bridge.session()
    revoked = await bridge.grants.revoke(grant.gid, now=NOW)
    expected = UpstreamTokens("upstream-refresh-canary", "upstream-access-canary", None)
    assert revoked == Revoked(grant, expected)
    assert not await bridge.grants.alive(grant.gid, now=NOW)
    assert await bridge.grants.get(grant.gid, now=NOW) is None
    assert await bridge.grants.upstream_tokens(grant.gid) is None
    assert not await bridge.store.redis.exists(bridge.store.key("family", grant.gid))
    found = await bridge.grants.inspect_refresh(token, CLIENT_ID, now=NOW)
    assert found == Reused(grant)
    assert await bridge.denied() == [{"gid": grant.gid, "not_after": str(NOW + 390)}]


async def test_revoking_takes_the_grant_out_of_its_indexes(bridge):
    grant, _ = await bridge.session()
    assert len(await bridge.store.redis.keys("mcp:test:by-*")) == 2
    await bridge.grants.revoke(grant.gid, now=NOW)
    assert await bridge.store.redis.keys("mcp:test:by-*") == []


async def test_revoking_leaves_other_grants_alone(bridge):
    grant, _ = await bridge.session()
    other, token = await bridge.session()
    await bridge.grants.revoke(grant.gid, now=NOW)
    assert await bridge.grants.alive(other.gid, now=NOW)
    assert await bridge.grants.of_subject(SUBJECT, now=NOW) == (other,)
    await bridge.rotated(token)


async def test_of_many_revocations_one_gets_the_upstream_tokens(replicas):
    grant, _ = await replicas[0].session()
    found = await asyncio.gather(
        *(replicas[i % 4].grants.revoke(grant.gid, now=NOW) for i in range(12))
    )
    assert sum(one.upstream is not None for one in found) == 1


async def test_a_grant_that_redis_lost_is_denied_all_the_same(bridge):
    gid = new_id()
    assert await bridge.grants.revoke(gid, now=NOW) is None
    assert await bridge.denied() == [{"gid": gid, "not_after": str(NOW + 390)}]
    assert not await bridge.store.redis.exists(bridge.store.key("grant", gid))


async def test_a_check_with_the_idp_is_remembered_with_its_tokens(bridge):
    grant, _ = await bridge.session()
    fresh = UpstreamTokens("upstream-refresh-2", None, "id-token")
    assert await bridge.grants.record_upstream_check(grant.gid, fresh, now=NOW + 301)
    assert await bridge.grants.upstream_tokens(grant.gid) == fresh
    found = await bridge.grants.get(grant.gid, now=NOW + 301)
    assert found == replace(grant, upstream_checked_at=NOW + 301)
    assert await bridge.grants.record_upstream_check(grant.gid, None, now=NOW + 602)
    assert await bridge.grants.upstream_tokens(grant.gid) == fresh


async def test_a_late_answer_of_the_idp_revives_nothing(bridge):
    grant, _ = await bridge.session()
    await bridge.grants.revoke(grant.gid, now=NOW)
    for gid in (grant.gid, new_id()):
        assert not await bridge.grants.record_upstream_check(gid, UpstreamTokens("x"), now=NOW)
        assert await bridge.grants.upstream_tokens(gid) is None
        assert not await bridge.grants.alive(gid, now=NOW)


@pytest.mark.parametrize(
    ("changes", "shares"),
    [
        ({}, True),
        ({"upstream_session": None}, True),
        ({"upstream_session": "another-session"}, False),
        ({"upstream_client_id": "upstream-2"}, False),
        ({"subject": "sub-other"}, False),
    ],
)
async def test_grants_of_one_upstream_session_are_found(bridge, changes, shares):
    grant, _ = await bridge.session()
    other, _ = await bridge.session(**changes)
    found = await bridge.grants.live_with_same_upstream_session(grant, now=NOW)
    assert found == ((other,) if shares else ())
    await bridge.grants.revoke(other.gid, now=NOW)
    assert await bridge.grants.live_with_same_upstream_session(grant, now=NOW) == ()


async def test_a_session_without_a_name_may_be_any(bridge):
    grant, _ = await bridge.session(upstream_session=None)
    other, _ = await bridge.session()
    assert await bridge.grants.live_with_same_upstream_session(grant, now=NOW) == (other,)


async def test_a_pending_grant_counts_as_live_upstream(bridge):
    grant, _ = await bridge.session()
    pending = await bridge.login()
    found = await bridge.grants.live_with_same_upstream_session(grant, now=NOW)
    assert found == (pending.grant,)


async def test_indexes_list_a_users_and_a_clients_grants(bridge):
    mine, _ = await bridge.session()
    foreign, _ = await bridge.session(client_id="dcr-other")
    stranger, _ = await bridge.session(subject="sub-other")
    assert set(await bridge.grants.of_subject(SUBJECT, now=NOW)) == {mine, foreign}
    assert set(await bridge.grants.of_client(CLIENT_ID, now=NOW)) == {mine, stranger}
    assert await bridge.grants.of_subject("sub-nobody", now=NOW) == ()


async def test_an_index_is_repaired_when_it_is_read(bridge):
    grant, _ = await bridge.session()
    gone, _ = await bridge.session()
    await bridge.store.redis.delete(bridge.store.key("grant", gone.gid))
    (index,) = await bridge.store.redis.keys("mcp:test:by-subject:*")
    assert await bridge.store.redis.zcard(index) == 2
    assert await bridge.grants.of_subject(SUBJECT, now=NOW) == (grant,)
    assert await bridge.store.redis.zcard(index) == 1


async def test_an_index_drops_grants_whose_end_has_passed(bridge):
    await bridge.session(unchecked_until=NOW + 60)
    later = await bridge.login(created_at=NOW + 60)
    (index,) = await bridge.store.redis.keys("mcp:test:by-client:*")
    assert await bridge.store.redis.zrange(index, 0, -1) == [later.grant.gid]
    assert await bridge.store.redis.ttl(index) > 89 * 86_400


async def test_the_lock_is_held_by_one_at_a_time(replicas):
    inside = 0
    most = 0

    async def ask(bridge):
        nonlocal inside, most
        async with bridge.grants.lock("gid-1"):
            inside += 1
            most = max(most, inside)
            await bridge.store.redis.ping()
            inside -= 1

    await asyncio.gather(*(ask(replicas[i % 4]) for i in range(8)))
    assert most == 1
    assert not await replicas[0].store.redis.exists(replicas[0].store.key("lock", "gid-1"))


async def test_the_lock_of_a_dead_holder_ends(bridge):
    async with bridge.grants.lock("gid-1"):
        ttl = await bridge.store.redis.pttl(bridge.store.key("lock", "gid-1"))
        assert 14_000 < ttl <= 15_000


async def test_a_lock_that_ran_out_does_not_release_the_next_holders(bridge):
    key = bridge.store.key("lock", "gid-1")
    async with bridge.grants.lock("gid-1"):
        await bridge.store.redis.set(key, "the next holder")
    assert await bridge.store.redis.get(key) == "the next holder"


async def test_a_lock_that_stays_taken_is_temporarily_unavailable(bridge):
    await bridge.store.redis.set("a-lock", "somebody")
    with pytest.raises(OAuthError) as refusal:
        async with held_lock(bridge.store.redis, "a-lock", lives_seconds=15, waits_seconds=0.03):
            pytest.fail("the lock was taken twice")
    assert refusal.value.code == "temporarily_unavailable"


@pytest.mark.requirement("TK29")
async def test_without_redis_every_step_is_temporarily_unavailable(bridge, ring, transaction):
    server = fakeredis.FakeServer()
    server.connected = False
    client = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)
    away = type(bridge)(RecordStore.under(ring, client, Keyspace("test")))
    login = await bridge.login()
    redeemed = await bridge.codes.redeem(login.code, **login.request())
    token, gid = redeemed.refresh_token, login.grant.gid
    decide = {
        "browser_id": "b",
        "decision": "approve",
        "location": "https://idp.example",
        "transaction": transaction,
        "state_secret": new_secret(),
    }
    for attempt in (
        lambda: away.login(),
        lambda: away.codes.redeem(login.code, **login.request()),
        lambda: away.grants.get(gid, now=NOW),
        lambda: away.grants.alive(gid, now=NOW),
        lambda: away.grants.upstream_tokens(gid),
        lambda: away.grants.inspect_refresh(token, CLIENT_ID, now=NOW),
        lambda: away.rotated(token),
        lambda: away.grants.record_upstream_check(gid, None, now=NOW),
        lambda: away.grants.revoke(gid, now=NOW),
        lambda: away.grants.of_subject(SUBJECT, now=NOW),
        lambda: away.grants.lock(gid).__aenter__(),
        lambda: away.denials.deny(gid=gid, not_after=NOW),
        lambda: away.transactions.decide(new_id(), **decide),
        lambda: away.transactions.take(f"{new_id()}.{new_secret()}", "b"),
        lambda: away.transactions.finish(new_id(), "completed"),
    ):
        with pytest.raises(OAuthError) as refusal:
            await attempt()
        assert (refusal.value.code, refusal.value.status) == ("temporarily_unavailable", 503)
    await bridge.rotated(token)


class LosesAnswers:
    """A connection that breaks after each script ran, so that the library sends it again."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def register_script(self, source):
        script = self._client.register_script(source)

        async def run(keys, args):
            await script(keys=keys, args=args)
            return await script(keys=keys, args=args)

        return run


@pytest.mark.requirement("OP9")
async def test_a_step_whose_answer_was_lost_may_be_sent_again(bridge, transaction):
    lossy = type(bridge)(replace(bridge.store, redis=LosesAnswers(bridge.store.redis)))
    login = await lossy.login()
    redeemed = await lossy.codes.redeem(login.code, **login.request())
    assert isinstance(redeemed, Redeemed)
    rotated = await lossy.grants.rotate(
        redeemed.refresh_token, client_id=CLIENT_ID, new_secret=new_secret(), now=NOW
    )
    assert isinstance(rotated, Grace)
    again = await bridge.grants.rotate(
        rotated.refresh_token, client_id=CLIENT_ID, new_secret=new_secret(), now=NOW
    )
    assert isinstance(again, Rotated)
    decision = await lossy.transactions.decide(
        new_id(),
        browser_id="browser-a",
        decision="approve",
        location="https://idp.example/authorize",
        transaction=transaction,
        state_secret=new_secret(),
    )
    assert decision.location == "https://idp.example/authorize"
