"""The cache of verified tokens: bounded, and never longer than the token lives."""

import pytest
from fakes.resource_harness import NOW, SettableClock

from oauth_kit.rules.access_token import AccessTokenClaims
from resource_server.principal import Principal
from resource_server.token_cache import TokenCache, TokenKey


def principal(expires_at: int = NOW + 300) -> Principal:
    claims = AccessTokenClaims("i", "s", ("r",), "c", (), "g", "t", NOW, expires_at)
    return Principal(claims, frozenset(), "hash")


def key(name: str, resource: str = "r") -> TokenKey:
    return name.encode(), resource


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def cache(clock: SettableClock) -> TokenCache:
    return TokenCache(2, clock, leeway_seconds=60)


def test_a_token_is_remembered_for_its_resource_only(cache: TokenCache) -> None:
    kept = principal()
    cache.keep(key("a"), kept)
    assert cache.find(key("a")) is kept
    assert cache.find(key("a", "another")) is None


def test_the_least_recently_used_goes_first(cache: TokenCache) -> None:
    cache.keep(key("a"), principal())
    cache.keep(key("b"), principal())
    cache.find(key("a"))
    cache.keep(key("c"), principal())
    assert len(cache) == 2
    assert cache.find(key("b")) is None
    assert cache.find(key("a")) is not None


def test_an_entry_ends_with_its_token(cache: TokenCache, clock: SettableClock) -> None:
    cache.keep(key("a"), principal(NOW + 300))
    clock.now = NOW + 359
    assert cache.find(key("a")) is not None
    clock.now = NOW + 360
    assert cache.find(key("a")) is None
    assert len(cache) == 0


def test_entries_can_be_dropped_one_by_one_and_all_at_once(cache: TokenCache) -> None:
    cache.keep(key("a"), principal())
    cache.keep(key("b"), principal())
    cache.drop(key("a"))
    cache.drop(key("a"))
    assert (cache.find(key("a")), len(cache)) == (None, 1)
    cache.clear()
    assert len(cache) == 0
