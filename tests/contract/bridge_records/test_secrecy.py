"""What an intruder reads in Redis, what a turned key ring still opens, and where keys live."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from redis.crc import key_slot

from cimd_bridge.records import store as store_module
from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.outcomes import Grace, Redeemed, Reused, Rotated, Unknown
from cimd_bridge.records.store import RecordStore
from cimd_bridge.records.transactions import AlreadyCompleted, Taken
from cimd_bridge.signing_keys import SigningKeys
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace

NOW = 1_800_000_000
CLIENT_ID = "dcr-4f1d"
LOCATION = "https://idp.example/authorize?canary=location"


async def approve(bridge, transaction, form_id, secret):
    return await bridge.transactions.decide(
        form_id,
        browser_id="browser-canary",
        decision="approve",
        location=LOCATION,
        transaction=transaction,
        state_secret=secret,
    )


@pytest.mark.requirement("TK26", "OP7", "CB10")
async def test_a_dump_shows_no_secret_and_no_person(bridge, transaction, read_everything):
    state_secret, form_id = new_secret(), new_id()
    await approve(bridge, transaction, form_id, state_secret)
    login, waiting = await bridge.login(), await bridge.login()
    redeemed = await bridge.codes.redeem(login.code, **login.request())
    second = await bridge.rotated(redeemed.refresh_token)
    revoked, dead_token = await bridge.session()
    await bridge.grants.revoke(revoked.gid, now=NOW)
    await SigningKeys(bridge.store, algorithm="ES256").current(NOW)

    shown = json.dumps(await read_everything())
    assert "by-subject" in shown
    assert login.grant.gid in shown
    for handle in (login.code, waiting.code, redeemed.refresh_token, second, dead_token):
        assert handle.partition(".")[2] not in shown
    for secret in (
        state_secret,
        login.verifier,
        transaction.code_challenge,
        "browser-canary",
        "canary=location",
        "client-state-canary",
        "nonce-canary",
        "upstream-verifier-canary",
        "upstream-refresh-canary",
        "upstream-access-canary",
        "sub-canary-7",
        "session-canary",
        "Canary Client",
        CLIENT_ID,
        "127.0.0.1",
        "PRIVATE",
    ):
        assert secret not in shown, secret


async def test_equal_values_of_two_records_do_not_look_equal(bridge):
    first, second = (await bridge.login()).grant, (await bridge.login()).grant
    keys = [bridge.store.key("grant", grant.gid) for grant in (first, second)]
    digests = [await bridge.store.redis.hget(key, "client") for key in keys]
    assert digests[0] != digests[1]


@pytest.mark.requirement("OP7")
@pytest.mark.parametrize("field", ["record", "upstream"])
async def test_a_sealed_value_opens_only_where_it_was_written(bridge, field):
    mine, theirs = await bridge.login(), await bridge.login()
    mine_key, their_key = (bridge.store.key("grant", one.grant.gid) for one in (mine, theirs))
    other_field = "upstream" if field == "record" else "record"
    for key, name in ((their_key, field), (mine_key, other_field)):
        sealed = await bridge.store.redis.hget(key, name)
        await bridge.store.redis.hset(mine_key, field, sealed)
        if field == "record":
            assert await bridge.grants.get(mine.grant.gid, now=NOW) is None
        else:
            assert await bridge.grants.upstream_tokens(mine.grant.gid) is None


@pytest.mark.requirement("OP8")
async def test_a_turned_key_ring_reads_and_matches_what_the_old_one_wrote(
    bridge, ring, transaction, connect
):
    taken_form, taken_secret = new_id(), new_secret()
    open_form, open_secret = new_id(), new_secret()
    await approve(bridge, transaction, taken_form, taken_secret)
    await bridge.transactions.take(f"{taken_form}.{taken_secret}", "browser-canary")
    await approve(bridge, transaction, open_form, open_secret)
    login = await bridge.login()
    grant, first = await bridge.session()
    second = await bridge.rotated(first)
    old_kid = (await SigningKeys(bridge.store, algorithm="ES256").current(NOW)).kid

    turned_ring = KeyRing((KeyRing.parse(KeyRing.generate("k2")).newest, *ring.keys))
    turned = type(bridge)(RecordStore.under(turned_ring, connect(), Keyspace("test")))
    grants, client = turned.grants, {"client_id": CLIENT_ID, "new_secret": new_secret()}
    again = await turned.transactions.take(f"{taken_form}.{taken_secret}", "browser-canary")
    assert again == AlreadyCompleted("under_way")
    repeated = await approve(turned, transaction, open_form, new_secret())
    assert (repeated.kind, repeated.location) == ("repeated", LOCATION)
    taken = await turned.transactions.take(f"{open_form}.{open_secret}", "browser-canary")
    assert isinstance(taken, Taken)
    assert isinstance(await turned.codes.redeem(login.code, **login.request()), Redeemed)
    assert await grants.rotate(first, **client, now=NOW + 1) == Grace(grant, second)
    third = await grants.rotate(second, **client, now=NOW + 1)
    assert isinstance(third, Rotated)
    assert await grants.rotate(second, **client, now=NOW + 2) == Grace(grant, third.refresh_token)
    assert await grants.upstream_tokens(grant.gid) is not None
    assert grant in await grants.of_subject(grant.subject, now=NOW)
    assert (await SigningKeys(turned.store, algorithm="ES256").current(NOW)).kid == old_kid
    await grants.revoke(grant.gid, now=NOW)
    for index in await turned.store.redis.keys("mcp:test:by-*"):
        assert await turned.store.redis.zscore(index, grant.gid) is None
    assert await grants.rotate(first, **client, now=NOW + 2) == Reused(grant)


async def test_without_the_old_key_everything_is_unknown_and_nothing_breaks(
    bridge, transaction, connect
):
    form_id, secret = new_id(), new_secret()
    await approve(bridge, transaction, form_id, secret)
    login = await bridge.login()
    grant, token = await bridge.session()
    other_ring = KeyRing.parse(KeyRing.generate("k9"))
    other = type(bridge)(RecordStore.under(other_ring, connect(), Keyspace("test")))
    assert await other.transactions.take(f"{form_id}.{secret}", "browser-canary") == Unknown()
    assert await other.codes.redeem(login.code, **login.request()) == Unknown()
    found = await other.grants.inspect_refresh(token, CLIENT_ID, now=NOW)
    assert found == Unknown()
    assert await other.grants.get(grant.gid, now=NOW) is None
    await bridge.rotated(token)


async def test_the_documentation_names_every_key(bridge, transaction, read_everything):
    await approve(bridge, transaction, new_id(), new_secret())
    grant, _ = await bridge.session()
    await bridge.grants.revoke(grant.gid, now=NOW)
    await bridge.session()
    await bridge.denials.deny(jti="jti-1", not_after=NOW)
    await SigningKeys(bridge.store, algorithm="ES256").current(NOW)
    documented = (Path(__file__).parents[3] / "docs" / "storage.md").read_text()
    nouns = {key.removeprefix("mcp:test:").split(":")[0] for key in await read_everything()}
    assert len(nouns) == 10
    for noun in nouns:
        assert f"`{noun}`" in documented or f"`{noun}:" in documented, noun
    for script in Path(store_module.__file__).parent.glob("*.lua"):
        assert script.name == "prelude.lua" or f"`{script.name}`" in documented, script.name


class WatchesKeys:
    """Notes the keys of each script that runs."""

    def __init__(self, client):
        self._client = client
        self.steps = []

    def __getattr__(self, name):
        return getattr(self._client, name)

    def register_script(self, source):
        script = self._client.register_script(source)

        async def run(keys, args):
            self.steps.append(keys)
            return await script(keys=keys, args=args)

        return run


async def test_all_keys_of_a_script_share_a_cluster_slot(bridge, transaction):
    watched = WatchesKeys(bridge.store.redis)
    cluster = type(bridge)(replace(bridge.store, redis=watched))
    form_id, secret = new_id(), new_secret()
    await approve(cluster, transaction, form_id, secret)
    await cluster.transactions.take(f"{form_id}.{secret}", "browser-canary")
    await cluster.transactions.finish(form_id, "completed")
    grant, token = await cluster.session()
    await cluster.rotated(token)
    await cluster.grants.record_upstream_check(grant.gid, None, now=NOW)
    await cluster.grants.revoke(grant.gid, now=NOW)
    await SigningKeys(cluster.store, algorithm="ES256").current(NOW)
    assert len(watched.steps) == 9
    for keys in watched.steps:
        assert len({key_slot(key.encode()) for key in keys}) == 1, keys
    noun_and_tag = [key.removeprefix("mcp:test:").split(":")[0] for key in watched.steps[0]]
    assert noun_and_tag == ["form", "txn"]
    lock_and_grant = (cluster.store.key(noun, grant.gid) for noun in ("lock", "grant"))
    assert len({key_slot(key.encode()) for key in lock_and_grant}) == 1
