"""Records of upstream clients, the same in memory and in a real store."""

import asyncio

import pytest

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import (
    UpstreamClient,
    UpstreamClientSealer,
    upstream_checked_key,
    upstream_key,
)
from oauth_kit.redis import Redis
from registrar.upstream_clients import PROPOSAL_SECONDS, UpstreamClients

KEYSPACE = Keyspace("test")
RING = KeyRing.parse(KeyRing.generate("k1"))
LIVES = 90 * 86_400
MADE = UpstreamClient("made", "the-upstream-secret", "generation-1", "f" * 32)
CLIENT_ID = "https://client.example/oauth/client.json"


class SteppingClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def upstreams(store: Redis, clock: SteppingClock) -> UpstreamClients:
    return UpstreamClients(store, KEYSPACE, UpstreamClientSealer(RING), clock, LIVES)


async def test_a_record_of_another_generation_is_no_record(upstreams: UpstreamClients) -> None:
    await upstreams.propose(CLIENT_ID, MADE)
    assert await upstreams.find(CLIENT_ID, "generation-2") is None
    assert await upstreams.find_shared(MADE.fingerprint, "generation-2") is None
    assert await upstreams.find(CLIENT_ID, "generation-1") == MADE


async def test_a_record_copied_to_another_client_does_not_open(
    upstreams: UpstreamClients, store: Redis
) -> None:
    await upstreams.propose(CLIENT_ID, MADE)
    sealed = await store.get(upstream_key(KEYSPACE, CLIENT_ID))
    assert isinstance(sealed, str)
    await store.set(upstream_key(KEYSPACE, "mcp-other"), sealed)
    assert await upstreams.find("mcp-other", "generation-1") is None


@pytest.mark.requirement("REG23")
async def test_the_secret_is_sealed_wherever_it_is_kept(
    upstreams: UpstreamClients, store: Redis
) -> None:
    await upstreams.propose(CLIENT_ID, MADE)
    await upstreams.confirm(CLIENT_ID, MADE)
    for key in await store.keys():
        assert MADE.client_secret not in str(await store.get(key))
        assert CLIENT_ID not in key


@pytest.mark.requirement("REG20")
async def test_a_proposal_vanishes_unless_it_is_confirmed(
    upstreams: UpstreamClients, store: Redis
) -> None:
    await upstreams.propose(CLIENT_ID, MADE)
    keys = await store.keys()
    assert len(keys) == 2
    for key in keys:
        assert 0 < await store.ttl(key) <= PROPOSAL_SECONDS
    assert await upstreams.count("generation-1") is None
    await upstreams.confirm(CLIENT_ID, MADE)
    for key in keys:
        assert LIVES - 5 <= await store.ttl(key) <= LIVES


async def test_what_is_confirmed_is_counted_on(upstreams: UpstreamClients) -> None:
    await upstreams.set_count("generation-1", 41)
    await upstreams.propose(CLIENT_ID, MADE)
    await upstreams.confirm(CLIENT_ID, MADE)
    assert await upstreams.count("generation-1") == 42
    assert await upstreams.count("generation-2") is None


async def test_a_count_is_forgotten_within_a_day(upstreams: UpstreamClients, store: Redis) -> None:
    await upstreams.confirm(CLIENT_ID, MADE)
    await upstreams.set_count("generation-2", 1)
    for generation in ("generation-1", "generation-2"):
        key = KEYSPACE.key("upstream", "count", generation)
        assert 0 < await store.ttl(key) <= 86_400


async def test_a_shared_record_lives_as_long_as_its_last_client(
    upstreams: UpstreamClients, store: Redis
) -> None:
    await upstreams.propose(CLIENT_ID, MADE)
    shared_key = KEYSPACE.key("upstream", "shared", MADE.fingerprint)
    await upstreams.assign("mcp-2", MADE)
    assert await upstreams.find("mcp-2", "generation-1") == MADE
    assert await store.ttl(shared_key) > PROPOSAL_SECONDS
    await store.expire(shared_key, 100)
    await upstreams.touch("mcp-2")
    assert LIVES - 5 <= await store.ttl(shared_key) <= LIVES
    assert LIVES - 5 <= await store.ttl(upstream_key(KEYSPACE, "mcp-2")) <= LIVES


async def test_touching_nothing_makes_nothing(upstreams: UpstreamClients, store: Redis) -> None:
    await upstreams.touch("mcp-unknown")
    assert await store.keys() == []


@pytest.mark.requirement("REG18")
async def test_a_subject_may_reserve_so_many_and_again_when_they_expire(
    upstreams: UpstreamClients, clock: SteppingClock
) -> None:
    assert await upstreams.reserve("alice", "f1", 2)
    assert await upstreams.reserve("alice", "f2", 2)
    assert not await upstreams.reserve("alice", "f3", 2)
    assert await upstreams.reserve("alice", "f1", 2)
    assert await upstreams.reserve("bob", "f3", 2)
    await upstreams.release("alice", "f2")
    assert await upstreams.reserve("alice", "f3", 2)
    clock.now += LIVES
    assert await upstreams.reserve("alice", "f4", 1)


@pytest.mark.requirement("REG18")
async def test_reservations_at_once_never_pass_the_limit(upstreams: UpstreamClients) -> None:
    answers = await asyncio.gather(*(upstreams.reserve("alice", f"f{n}", 5) for n in range(30)))
    assert sum(answers) <= 5


OTHER = UpstreamClient("other", "its-secret", "generation-1", MADE.fingerprint)


async def test_voiding_forgets_one_app_client_and_nothing_that_names_another(
    upstreams: UpstreamClients, store: Redis
) -> None:
    await upstreams.assign(CLIENT_ID, MADE)
    await upstreams.propose("mcp-2", OTHER)
    await upstreams.note_checked(MADE, 60)
    await upstreams.note_checked(OTHER, 60)
    await upstreams.set_count("generation-1", 7)
    await upstreams.void("mcp-2", MADE)
    assert await upstreams.find("mcp-2", "generation-1") == OTHER
    await upstreams.void(CLIENT_ID, MADE)
    assert await upstreams.find(CLIENT_ID, "generation-1") is None
    assert await upstreams.find_shared(MADE.fingerprint, "generation-1") == OTHER
    assert await upstreams.count("generation-1") is None
    assert await store.exists(upstream_checked_key(KEYSPACE, "made")) == 0
    assert await store.exists(upstream_checked_key(KEYSPACE, "other")) == 1


async def test_all_records_of_a_generation_are_looked_at_and_nothing_else(
    upstreams: UpstreamClients, store: Redis
) -> None:
    earlier = UpstreamClient("earlier", "s", "generation-0", "e" * 32)
    await upstreams.assign("mcp-0", earlier)
    for name in (CLIENT_ID, "mcp-2"):
        await upstreams.propose(name, MADE)
    await upstreams.note_checked(MADE, 60)
    await upstreams.set_count("generation-1", 7)
    await upstreams.reserve("alice", "f1", 2)
    await store.set(upstream_key(KEYSPACE, "mcp-foreign"), "k9.AAAA")
    asked: list[str] = []

    async def is_lost(client_id: str) -> bool:
        asked.append(client_id)
        return client_id == "made"

    assert await upstreams.void_lost("generation-1", is_lost) == 1
    assert set(asked) == {"made"}
    assert await upstreams.find("mcp-2", "generation-1") is None
    assert await upstreams.find("mcp-0", "generation-0") == earlier
    assert await store.exists(upstream_key(KEYSPACE, "mcp-foreign")) == 1
    assert await upstreams.void_lost("generation-1", is_lost) == 0


async def test_the_lock_of_a_fingerprint_admits_one_at_a_time(upstreams: UpstreamClients) -> None:
    inside = 0

    async def enter() -> int:
        nonlocal inside
        async with upstreams.locked("f" * 32):
            inside += 1
            seen = inside
            await asyncio.sleep(0)
            inside -= 1
        return seen

    assert await asyncio.gather(*(enter() for _ in range(5))) == [1] * 5


async def test_a_fingerprints_lock_holds_up_nobody_else(upstreams: UpstreamClients) -> None:
    held = []
    async with upstreams.locked("f" * 32):
        held.append("f")
        async with upstreams.locked("e" * 32):
            held.append("e")
    assert held == ["f", "e"]


async def test_one_reconciles_at_a_time(upstreams: UpstreamClients) -> None:
    async with upstreams.reconciling(60) as first:
        assert first
        async with upstreams.reconciling(60) as second:
            assert not second
        async with upstreams.reconciling(60) as third:
            assert not third
    async with upstreams.reconciling(60) as fourth:
        assert fourth
