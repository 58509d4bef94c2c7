"""Denials: what was revoked is refused at once, and Redis is never in the way."""

import asyncio
from typing import Any

import fakeredis
import pytest
from fakes.resource_harness import NOW, ResourceServer, SettableClock, Starter
from structlog.testing import capture_logs

from oauth_kit.redis import Redis
from oauth_kit.rules.access_token import AccessTokenClaims
from resource_server.background import end
from resource_server.denials import DenialFollower, Denials

STREAM = "mcp:development:denied"


def claims(grant_id: str) -> AccessTokenClaims:
    return AccessTokenClaims(
        issuer="https://issuer.example",
        subject="user-1",
        audience=("https://mcp.example",),
        client_id="client-1",
        scopes=(),
        grant_id=grant_id,
        token_id="token-1",
        issued_at=NOW,
        expires_at=NOW + 300,
    )


async def write(store: Redis, entry: dict[Any, Any]) -> None:
    await store.xadd(STREAM, entry)


async def is_refused(server: ResourceServer, token: str) -> bool:
    answer = await server.rpc("ping", token=token)
    assert answer.status in (200, 401)
    if answer.status == 401:
        assert answer.document["error"] == "invalid_token"
    return answer.status == 401


@pytest.mark.requirement("RS8")
@pytest.mark.parametrize("entry", [{"gid": "grant-1"}, {"jti": "token-1"}])
async def test_a_denial_ends_a_token_that_was_remembered(
    server: ResourceServer, entry: dict[str, str]
) -> None:
    token = server.mint()
    assert not await is_refused(server, token)
    await write(server.redis, {**entry, "not_after": str(NOW + 390)})
    await server.until(lambda: is_refused(server, token))
    assert not await is_refused(server, server.mint(gid="grant-2", jti="token-2"))


@pytest.mark.requirement("RS8")
async def test_denials_of_before_the_start_are_known_when_ready(
    start: Starter, store: Redis
) -> None:
    for number in range(1200):
        await write(store, {"gid": f"grant-{number}", "not_after": str(NOW + 390)})
    server = await start()
    assert await is_refused(server, server.mint(gid="grant-0"))
    assert await is_refused(server, server.mint(gid="grant-1199"))
    assert not await is_refused(server, server.mint(gid="grant-1200"))


async def test_one_tokens_denial_leaves_its_grant_alone(start: Starter, store: Redis) -> None:
    await store.xadd(STREAM, {"jti": "grant-1", "not_after": str(NOW + 390)})
    await store.xadd(STREAM, {"gid": "token-1", "not_after": str(NOW + 390)})
    server = await start()
    assert not await is_refused(server, server.mint())


@pytest.mark.parametrize(
    "entry",
    [
        {"gid": "", "not_after": str(NOW + 390)},
        {"not_after": str(NOW + 390)},
        {"gid": "grant-1"},
        {"gid": "grant-1", "not_after": "soon"},
        {"gid": "grant-1", "not_after": "-1"},
        {"gid": "grant-1", "not_after": "٣"},
        {"gid": "grant-1", "not_after": "9" * 13},
        {"gid": "grant-1", "not_after": "9" * 5000},
        {"gid": "grant-1", "not_after": str(NOW - 1)},
    ],
)
async def test_an_entry_without_meaning_is_passed_over(
    start: Starter, store: Redis, entry: dict[str, str]
) -> None:
    await write(store, entry)
    await write(store, {"gid": "grant-9", "not_after": "9" * 12})
    server = await start()
    assert not await is_refused(server, server.mint())
    assert await is_refused(server, server.mint(gid="grant-9"))


@pytest.mark.requirement("RS8", "OP5")
async def test_without_redis_tokens_are_verified_and_readiness_says_so(
    start: Starter, store_server: fakeredis.FakeServer
) -> None:
    store_server.connected = False
    server = await start(ready=False)
    token = server.mint()
    assert not await is_refused(server, token)
    who = await server.rpc("tools/call", {"name": "whoami"}, token=token)
    assert (who.status, who.document["result"]["isError"]) == (200, False)
    ready = await server.call("GET", "/readyz")
    assert (ready.status, ready.document["reasons"]) == (503, ["denials are not followed"])


async def test_a_denial_written_during_a_break_arrives_after_it(
    server: ResourceServer, store_server: fakeredis.FakeServer
) -> None:
    token = server.mint()
    assert not await is_refused(server, token)
    store_server.connected = False

    async def noticed() -> bool:
        return (await server.call("GET", "/readyz")).status == 503

    with capture_logs() as events:
        await server.until(noticed)
    assert "denials_not_followed" in {event["event"] for event in events}
    assert not await is_refused(server, token)
    store_server.connected = True
    await server.redis.xadd(STREAM, {"gid": "grant-1", "not_after": str(NOW + 390)})
    await server.until(lambda: is_refused(server, token))
    await server.until_ready()


class TestFollower:
    """The follower alone, for what cannot be seen from outside."""

    @pytest.fixture
    def denials(self) -> Denials:
        return Denials(SettableClock())

    async def test_it_goes_on_after_the_last_entry(self, store: Redis) -> None:
        read: list[str] = []

        class Recorded(Denials):
            def deny(self, kind: str, value: str, not_after: int) -> None:
                read.append(value)

        await store.xadd(STREAM, {"gid": "a", "not_after": str(NOW)}, id="5-1")
        follower = DenialFollower(store, STREAM, Recorded(SettableClock()))
        await follow_until_ready(follower)
        await store.xadd(STREAM, {"gid": "b", "not_after": str(NOW)}, id="5-2")
        await follow_until_ready(follower)
        assert read == ["a", "b"]

    async def test_it_starts_over_when_its_place_is_gone(
        self, store: Redis, denials: Denials
    ) -> None:
        await store.xadd(STREAM, {"gid": "a", "not_after": str(NOW)}, id="9-1")
        follower = DenialFollower(store, STREAM, denials)
        await follow_until_ready(follower)
        await store.delete(STREAM)
        # a store that lost its data may count from the beginning
        await store.xadd(STREAM, {"gid": "b", "not_after": str(NOW)}, id="3-1")
        await follow_until_ready(follower)
        assert denials.denies(claims("b"))

    async def test_a_place_that_was_trimmed_loses_nothing(
        self, store: Redis, denials: Denials
    ) -> None:
        await store.xadd(STREAM, {"gid": "a", "not_after": str(NOW)}, id="5-1")
        follower = DenialFollower(store, STREAM, denials)
        await follow_until_ready(follower)
        await store.xadd(STREAM, {"gid": "b", "not_after": str(NOW)}, id="6-1")
        await store.xtrim(STREAM, minid="6-0", approximate=False)
        await follow_until_ready(follower)
        assert denials.denies(claims("a"))
        assert denials.denies(claims("b"))


async def follow_until_ready(follower: DenialFollower) -> None:
    """Run the follower until it waits for news, then stop it."""
    task = asyncio.create_task(follower.run())
    async with asyncio.timeout(10):
        while await follower.not_ready() is not None:
            await asyncio.wait([task], timeout=0.01)
    await end([task])


class TestMemory:
    def test_what_has_no_effect_any_more_is_forgotten(self) -> None:
        clock = SettableClock()
        denials = Denials(clock)
        denials.deny("gid", "a", NOW + 10)
        denials.deny("gid", "b", NOW + 100)
        denials.deny("gid", "past", NOW - 1)
        assert len(denials) == 2
        clock.now = NOW + 10
        denials.prune()
        assert denials.denies(claims("a"))
        clock.now = NOW + 40
        denials.prune()
        assert not denials.denies(claims("a"))
        assert denials.denies(claims("b"))

    def test_a_later_end_is_kept(self) -> None:
        clock = SettableClock()
        denials = Denials(clock)
        denials.deny("gid", "a", NOW + 100)
        denials.deny("gid", "a", NOW + 10)
        clock.now = NOW + 60
        denials.prune()
        assert denials.denies(claims("a"))

    def test_it_is_bounded_and_the_first_to_end_goes_first(self) -> None:
        denials = Denials(SettableClock(), capacity=2)
        denials.deny("gid", "a", NOW + 10)
        denials.deny("gid", "b", NOW + 5)
        denials.deny("gid", "c", NOW + 20)
        assert len(denials) == 2
        assert not denials.denies(claims("b"))
        assert denials.denies(claims("a"))
        assert denials.denies(claims("c"))

    def test_what_is_over_makes_room_first(self) -> None:
        clock = SettableClock()
        denials = Denials(clock, capacity=2)
        denials.deny("gid", "a", NOW + 10)
        denials.deny("gid", "b", NOW + 500)
        clock.now = NOW + 11
        denials.deny("gid", "c", NOW + 20)
        assert denials.denies(claims("b"))
        assert denials.denies(claims("c"))
        assert len(denials) == 2
