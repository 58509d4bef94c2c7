"""The stream of denials: what it says, and how long."""

import pytest

NOW = 1_800_000_000


@pytest.mark.requirement("RV7")
async def test_a_grant_or_a_single_token_is_denied(bridge):
    await bridge.denials.deny(gid="gid-1", not_after=NOW + 390)
    await bridge.denials.deny(jti="jti-1", not_after=NOW + 300)
    assert await bridge.denied() == [
        {"gid": "gid-1", "not_after": str(NOW + 390)},
        {"jti": "jti-1", "not_after": str(NOW + 300)},
    ]


async def test_entries_that_deny_nothing_any_more_are_trimmed(bridge):
    client = bridge.store.redis
    seconds, _ = await client.time()
    for age in (600, 391, 389, 10):
        await client.xadd(
            "mcp:test:denied", {"gid": f"age-{age}"}, id=f"{(seconds - age) * 1000}-0"
        )
    await bridge.denials.deny(gid="now", not_after=seconds + 390)
    assert [entry["gid"] for entry in await bridge.denied()][-3:] == ["age-389", "age-10", "now"]
    assert {"gid": "age-391"} not in await bridge.denied()


@pytest.mark.requirement("RV1")
async def test_replicas_know_a_single_denied_token(replicas):
    await replicas[0].denials.deny(jti="jti-1", not_after=NOW + 300)
    await replicas[0].denials.deny(gid="gid-1", not_after=NOW + 300)
    assert await replicas[1].denials.is_denied("jti-1")
    assert not await replicas[1].denials.is_denied("jti-2")
    assert not await replicas[1].denials.is_denied("gid-1")
    assert 380 < await replicas[0].store.redis.ttl("mcp:test:denied-mark:jti:jti-1") <= 390


@pytest.mark.parametrize("named", [{}, {"gid": "gid-1", "jti": "jti-1"}], ids=str)
async def test_a_denial_names_a_grant_or_a_token(bridge, named):
    with pytest.raises(ValueError, match="names"):
        await bridge.denials.deny(**named, not_after=NOW)


async def test_the_window_covers_a_tokens_life_and_leeway(bridge):
    assert bridge.denials.window_seconds == 300 + 60 + 30


@pytest.mark.requirement("RV7")
@pytest.mark.parametrize("named", [{"gid": "g-1"}, {"jti": "j-1"}])
async def test_a_denial_is_said_once_however_often_it_is_repeated(bridge, named):
    for _ in range(50):
        await bridge.denials.deny(**named, not_after=NOW + 390)
    assert await bridge.store.redis.xlen("mcp:test:denied") == 1
