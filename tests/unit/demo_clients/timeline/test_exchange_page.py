"""One exchange as HTML: explained, and whatever a stranger sent is only text."""

import re

import pytest

from demo_clients.timeline.exchange import DecodedToken, Exchange
from demo_clients.timeline.masking import RawAnswer, RawRequest, mask, mask_note
from demo_clients.timeline.presented import Presented, present
from demo_clients.timeline.secrets import Known
from oauth_kit.web.pages import Pages

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def render(entry: Presented) -> str:
    return Pages("demo_clients").render("exchange.html", entry=entry)


def hostile_exchange() -> Presented:
    exchange = mask(
        "mcp",
        RawRequest("POST", f"https://r.example/{HOSTILE}?scope={HOSTILE}", {"Mcp-Name": HOSTILE}),
        RawAnswer(
            403,
            [("WWW-Authenticate", HOSTILE), ("Content-Type", "application/json")],
            b'{"%s": "%s"}' % (HOSTILE[:20].encode(), HOSTILE[:20].encode()),
        ),
        started_at_ms=0,
        known=Known(),
    )
    return present(exchange, "1-0")


@pytest.mark.parametrize("markup", ["<script", "<img", 'onerror=alert(1)>"'])
def test_markup_in_an_exchange_is_only_text(markup: str) -> None:
    assert markup not in render(hostile_exchange())


def test_nothing_in_it_needs_a_script_or_a_style() -> None:
    assert not re.search(r"<script|\sstyle=|\son[a-z]+=[\"']", render(hostile_exchange()))


def test_a_note_has_neither_an_answer_nor_a_time() -> None:
    note = mask_note(
        "document", "https://c.example/c.json", {"client_name": HOSTILE}, at_ms=0, known=Known()
    )
    page = render(present(note, "1-0"))
    assert "&#34;client_name&#34;: &#34;&lt;/pre&gt;" in page
    assert "https://c.example/c.json" in page
    for made_up in ("Request", "Response", "<time", "data-status", "GET", "curl", "<script"):
        assert made_up not in page


def test_nobody_takes_a_decoded_token_for_a_verified_one() -> None:
    tokens = (DecodedToken("access_token", (), ()), DecodedToken("id_token", (), ()))
    page = render(present(Exchange("token", "POST", "u", 0, tokens=tokens)))
    assert page.count("The signature is not verified here") == 2
    assert page.count("that is the resource server's job") == 1


def test_a_secret_is_told_from_the_text_around_it() -> None:
    request = RawRequest("GET", "https://r.example/", {"Authorization": "Bearer canary-canary"})
    exchange = mask("rest", request, RawAnswer(200), started_at_ms=0, known=Known())
    page = render(present(exchange))
    assert "canary" not in page
    assert 'Bearer <span class="masked">$ACCESS_TOKEN</span>' in page
