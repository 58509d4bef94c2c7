"""A diagram says the same as the list, and its lines stay in its frame."""

from typing import get_args

import pytest

from demo_clients.timeline.diagram import draw
from demo_clients.timeline.exchange import Check, Exchange, Step
from demo_clients.timeline.presented import present
from oauth_kit.web.pages import Pages


def exchange(step: Step, **changed: object) -> Exchange:
    return Exchange(step, "GET", "https://as.example/p?x=1", 0, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", get_args(Step))
@pytest.mark.parametrize("status", [None, 200, 401])
def test_every_step_can_be_drawn_within_the_frame(step: Step, status: int | None) -> None:
    diagram = draw([present(exchange(step, status=status, is_first=True, cause="log-in"))] * 3)
    assert len(diagram.bands) == 3
    numbers = [arrow.number for arrow in diagram.arrows if arrow.number]
    assert [*numbers, *(note.number for note in diagram.notes)] == [1, 2, 3]
    heights = [arrow.y for arrow in diagram.arrows]
    assert heights == sorted(set(heights))
    for arrow in diagram.arrows:
        assert 0 < min(arrow.x1, arrow.x2) < max(arrow.x1, arrow.x2) < diagram.width
        assert arrow.y <= diagram.height
        assert arrow.head.startswith(f"M{arrow.x2} {arrow.y}l{'-' if arrow.x1 < arrow.x2 else ''}8")


def test_a_request_goes_there_and_its_answer_comes_back() -> None:
    checks = (Check("a"), Check("b"))
    diagram = draw([present(exchange("token", status=200, checks=checks))], first_number=7)
    request, answer = diagram.arrows
    assert (request.number, request.label, request.is_answer) == (7, "GET /p", False)
    assert (answer.x1, answer.x2) == (request.x2, request.x1)
    assert (answer.label, answer.is_answer) == ("200 OK · 2 checks", True)


def test_a_document_that_somebody_else_asks_for_is_no_arrow() -> None:
    diagram = draw([present(Exchange("document", "", "https://c.example/c.json", 0))])
    (note,) = diagram.notes
    client, _, issuer = diagram.headers[1:]
    assert (note.x, note.x + note.width) == (client.x, issuer.x)
    assert (note.label, diagram.arrows) == ("Client ID metadata document", [])


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"status": 200}, "worked"),
        ({"status": 399}, "worked"),
        ({"status": 400}, "refused"),
        ({"status": 200, "checks": (Check("x", passed=False),)}, "refused"),
        ({"failure": "no route"}, "refused"),
        ({}, "silent"),
    ],
)
def test_the_last_arrow_says_how_it_went(changed: dict[str, object], verdict: str) -> None:
    assert draw([present(exchange("rest", **changed))]).arrows[-1].verdict == verdict


def test_the_one_before_the_person_comes_back_stays_as_it_was() -> None:
    refused = exchange("authorization_response", checks=(Check("x", passed=False),))
    back, callback = draw([present(refused)]).arrows
    assert (back.verdict, callback.verdict) == ("worked", "refused")


def test_a_label_has_the_room_that_its_arrow_has() -> None:
    long = exchange("mcp", detail="tools/call " + "x" * 200, status=200)
    request, answer = draw([present(long)]).arrows
    assert request.label.endswith("…")
    assert len(request.label) < 30
    assert answer.label == "200 OK"


@pytest.mark.parametrize(("length", "label"), [(26, "x" * 26), (27, "x" * 25 + "…")])
def test_a_label_that_just_fits_is_whole(length: int, label: str) -> None:
    (request,) = draw([present(exchange("mcp", detail="x" * length))]).arrows
    assert request.label == label


def test_markup_in_a_label_is_only_text() -> None:
    hostile = exchange("mcp", detail="</text><script>", cause="<b>", is_first=True)
    drawn = Pages("demo_clients").render("diagram.html", diagram=draw([present(hostile)]))
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "<title" in drawn
    assert "<desc" in drawn
    assert 'role="img"' in drawn
