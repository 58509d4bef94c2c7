"""A page's text, and nothing that its reader would not see."""

import pytest

from demo_clients.timeline.html_text import visible_text
from demo_clients.timeline.masking import RawAnswer, RawRequest, mask
from demo_clients.timeline.secrets import Known


@pytest.mark.parametrize(
    "hidden",
    [
        '<input type="hidden" name="form" value="canary">',
        "<script>canary</script>",
        "<style>canary</style>",
        "<template><p>canary</p></template>",
        "<svg><title>canary</title></svg>",
        "<!-- canary -->",
        '<a href="/x?code=canary">',
        "<script><b>canary</b>",
        "<!canary>",
        "<?canary>",
    ],
)
def test_what_is_not_seen_is_not_told(hidden: str) -> None:
    assert "canary" not in visible_text(f"<p>before</p>{hidden}".encode())


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (b"<h1>One</h1><p>two <b>and</b>\n  three</p>", "One\ntwo and three"),
        (b"a &lt;b&gt; &amp; c", "a <b> & c"),
        (b"<script>x</script>after", "after"),
        (b"", ""),
        (b"1 < 2 <3", "1 < 2 <3"),
        (b"<p title='>'>x<br title=\">\">y", "x\ny"),
        (b"x<p title='never closed>canary", "x"),
        (b"x<!-- never closed", "x"),
        (b"\xff<p>x", "\ufffd\nx"),
    ],
)
def test_a_page_is_told_in_lines(page: bytes, text: str) -> None:
    assert visible_text(page) == text


def test_no_nesting_and_no_length_is_too_much() -> None:
    assert "end" not in visible_text(b"<div>" * 100_000 + b"end")
    assert visible_text(b"<b><i>" * 2_000 + b"end") == "end"


def test_an_exchange_tells_a_page_by_its_text() -> None:
    page = b'<form><input name="form" value="sealed-canary"><p>Allow access?</p></form>'
    answer = RawAnswer(200, [("Content-Type", "text/html; charset=utf-8")], page)
    request = RawRequest("GET", "https://as.example/authorize")
    exchange = mask("attack", request, answer, started_at_ms=0, known=Known())
    assert exchange.response.body == "Allow access?"
