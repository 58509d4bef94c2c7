"""Cache-Control of strangers, within our bounds (RFC 9111 §5.2.2, decision 22)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.cache_lifetime import CacheLifetime, cache_lifetime

NOT_KEPT = CacheLifetime(store=False, fresh_seconds=0, revalidate=False, serve_stale=False)


@pytest.mark.requirement("CI12")
@pytest.mark.parametrize(
    "cache_control",
    [
        ["no-store"],
        ["No-Store"],
        ["NO-STORE"],
        ["no-store=1"],
        ['no-store="x"'],
        ["max-age=600, no-store"],
        ["max-age=600", "no-store"],
        ["no-cache, no-store, must-revalidate"],
        ["private"],
        ['private="set-cookie"'],
        ["max-age=600; no-store"],
        ['max-age="600'],
        ["max age=600"],
        ["max-age =600"],
        ["=1"],
        ["max-age=600 no-store"],
        ["\N{LATIN SMALL LETTER LONG S}-maxage=1"],
    ],
)
def test_what_must_not_or_cannot_be_understood_is_not_kept(cache_control: list[str]) -> None:
    assert cache_lifetime(cache_control) == NOT_KEPT


@pytest.mark.requirement("CI12")
@pytest.mark.parametrize(
    ("cache_control", "fresh_seconds"),
    [
        (["max-age=600"], 600),
        (["MAX-AGE=600"], 600),
        (['max-age="600"'], 600),
        (["public,max-age=600 ,\timmutable"], 600),
        ([", ,max-age=600,"], 600),
        (["max-age=10"], 60),
        (["max-age=60"], 60),
        (["max-age=61"], 61),
        (["max-age=0"], 60),
        (["max-age=86399"], 86_399),
        (["max-age=86400"], 86_400),
        (["max-age=86401"], 86_400),
        (["max-age=315360000"], 86_400),
        (["max-age=" + "9" * 5000], 86_400),
        (["max-age=" + "0" * 5000 + "600"], 600),
        (["max-age=9999999999"], 86_400),
        (["max-age=600, max-age=300"], 300),
        (["max-age=300", "max-age=600"], 300),
        (["max-age"], 60),
        (['max-age=""'], 60),
        (["max-age=3_600"], 60),
        (["max-age=-600"], 60),
        (["max-age=6e2"], 60),
        (['max-age="\N{ARABIC-INDIC DIGIT SIX}00"'], 60),
        (["s-maxage=600, max-age=3000"], 600),
        (['ext="no-store, max-age=1", max-age=600'], 600),
        (['ext="a\\"no-store", max-age=600'], 600),
        (["x-max-age=1"], 300),
        (["public"], 300),
        ([""], 300),
        ([], 300),
    ],
)
def test_a_lifetime_is_floored_and_capped(cache_control: list[str], fresh_seconds: int) -> None:
    lifetime = cache_lifetime(cache_control)
    assert (lifetime.store, lifetime.fresh_seconds) == (True, fresh_seconds)


@pytest.mark.requirement("CI12")
@pytest.mark.parametrize("value", ["no-cache", "No-Cache, max-age=600", 'no-cache="x", max-age=9'])
def test_no_cache_is_kept_only_to_be_asked_about(value: str) -> None:
    assert cache_lifetime([value]) == CacheLifetime(
        store=True, fresh_seconds=0, revalidate=True, serve_stale=False
    )


@pytest.mark.requirement("CI17")
@pytest.mark.parametrize(
    ("value", "serve_stale"),
    [
        ("max-age=600", True),
        ("", True),
        ("max-age=600, must-revalidate", False),
        ("max-age=600, proxy-revalidate", False),
        ("s-maxage=600", False),
    ],
)
def test_a_host_may_forbid_the_stale_document(value: str, serve_stale: bool) -> None:
    assert cache_lifetime([value]).serve_stale is serve_stale


def test_the_bounds_are_the_caller_s() -> None:
    def fresh(value: str) -> int:
        return cache_lifetime(
            [value], floor_seconds=5, cap_seconds=10, default_seconds=7
        ).fresh_seconds

    assert [fresh("max-age=1"), fresh("max-age=99"), fresh("")] == [5, 10, 7]


@given(st.lists(st.text() | st.text(alphabet='max-age=no-store,"\\ 0123456789')))
def test_an_arbitrary_header_gives_a_lifetime_within_the_bounds(cache_control: list[str]) -> None:
    lifetime = cache_lifetime(cache_control)
    if lifetime.store and not lifetime.revalidate:
        assert 60 <= lifetime.fresh_seconds <= 86_400
    else:
        assert lifetime.fresh_seconds == 0
        assert not lifetime.serve_stale


@given(st.lists(st.sampled_from(["max-age=600", "public", "immutable", 'ext="x,y"'])))
def test_no_store_is_found_at_any_place(others: list[str]) -> None:
    for place in range(len(others) + 1):
        assert not cache_lifetime([", ".join([*others[:place], "no-store", *others[place:]])]).store
