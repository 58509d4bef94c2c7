"""A page is light, whatever a timeline holds, and the rest of it is a link away."""

import pytest

from demo_clients.timeline.exchange import Entry, Exchange, Message
from demo_clients.timeline.page import MAX_PAGE_BYTES, fragment_of, make_page
from demo_clients.timeline.presented import present, present_all
from oauth_kit.web.pages import Pages

PAGES = Pages("demo_clients")


def entries(number: int, size: int) -> list[Entry]:
    answer = Message(body="<" * size)
    return [
        Entry(f"{n}-0", Exchange("rest", "GET", f"https://r.example/{n}", 0, response=answer))
        for n in range(1, number + 1)
    ]


@pytest.mark.parametrize(("number", "size"), [(100, 3000), (100, 100), (3, 10)])
def test_all_pages_together_show_everything_once_and_none_is_heavy(number: int, size: int) -> None:
    kept = entries(number, size)
    before, shown, pages = "", list[str](), 0
    while pages == 0 or before:
        page = make_page(kept, PAGES, before=before)
        assert sum(len(one.encode()) for one in page.fragments) <= MAX_PAGE_BYTES
        assert page.first_number == number - len(shown) - len(page.fragments) + 1
        assert page.is_latest is (pages == 0)
        shown = [*page.fragments, *shown]
        before, pages = page.older, pages + 1
    assert [f"https://r.example/{n}<" in one for n, one in enumerate(shown, 1)] == [True] * number
    assert pages == (1 if number == 3 else pages)


def test_one_exchange_is_shown_however_heavy_it_is() -> None:
    kept = [Entry("1-0", Exchange("rest", "GET", "u", 0, response=Message(body="<" * 30_000)))]
    page = make_page(kept * 2, PAGES)
    assert len(page.fragments) == 1
    assert page.older == "1-0"


@pytest.mark.parametrize(("missing", "number"), [(0, 2), (1, 1)])
def test_a_page_may_be_as_heavy_as_it_may_be(
    monkeypatch: pytest.MonkeyPatch, missing: int, number: int
) -> None:
    kept = entries(3, 10)
    weights = [len(fragment_of(one, PAGES).encode()) + 700 for one in present_all(kept)]
    monkeypatch.setattr("demo_clients.timeline.page.MAX_PAGE_BYTES", sum(weights[1:]) - missing)
    assert len(make_page(kept, PAGES).fragments) == number


def test_nothing_is_a_page_too() -> None:
    page = make_page([], PAGES)
    assert (page.fragments, page.total, page.older, page.last_id) == ((), 0, "", "")
    assert (page.first_number, page.is_latest) == (1, True)


@pytest.mark.parametrize("before", ["9-9", "<script>", "1"])
def test_an_entry_that_is_not_there_is_the_end(before: str) -> None:
    page = make_page(entries(3, 1), PAGES, before=before)
    assert page.is_latest
    assert page.last_id == "3-0"
    assert len(page.fragments) == 3


def test_before_the_first_there_is_nothing() -> None:
    page = make_page(entries(3, 1), PAGES, before="1-0")
    assert page.fragments == ()
    assert page.older == ""
    assert not page.is_latest


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(None, ""), (0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (61_500, "61.5 s")],
)
def test_a_duration_is_told_as_people_tell_it(milliseconds: int | None, told: str) -> None:
    assert present(Exchange("rest", "GET", "u", 0, taken_ms=milliseconds)).taken == told


def test_a_moment_is_told_to_the_millisecond() -> None:
    told = present(Exchange("rest", "GET", "u", 1_800_000_000_007))
    assert told.clock == "08:00:00.007 UTC"
    assert told.moment == "2027-01-15T08:00:00.007+00:00"


def test_what_a_browser_sends_is_no_command() -> None:
    assert present(Exchange("authorization_request", "GET", "u", 0)).curl == ""
    assert present(Exchange("document", "", "u", 0)).curl == ""
    assert present(Exchange("token", "POST", "u", 0)).curl
