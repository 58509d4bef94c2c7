"""A sequence diagram as coordinates: lanes, arrows, notes. `diagram.html` writes the SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from demo_clients.timeline.explanations import LANES, STEPS, Lane
from demo_clients.timeline.presented import Presented, Verdict

_LANE_WIDTH: Final = 210
_TOP: Final = 52
_ARROW_HEIGHT: Final = 32
_GAP: Final = 12
_CHARACTER_WIDTH: Final = 6.7
_PADDING: Final = 34

_X: Final[dict[Lane, int]] = {
    lane: _LANE_WIDTH // 2 + _LANE_WIDTH * position for position, lane in enumerate(LANES)
}


@dataclass(frozen=True, slots=True)
class Header:
    x: int
    label: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """number: of the exchange, 0 for its answer; tip: where the head is, pointing away from x1"""

    x1: int
    x2: int
    y: int
    label: str
    number: int = 0
    is_answer: bool = False
    verdict: Verdict = "worked"

    @property
    def middle(self) -> int:
        return (self.x1 + self.x2) // 2

    @property
    def head(self) -> str:
        back = -8 if self.x2 > self.x1 else 8
        return f"M{self.x2} {self.y}l{back} -4v8z"


@dataclass(frozen=True, slots=True)
class Note:
    """A box from one lane to another."""

    x: int
    y: int
    width: int
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Band:
    """What the visitor did, across all lanes."""

    y: int
    label: str


@dataclass(slots=True)
class Diagram:
    width: int = _LANE_WIDTH * len(LANES)
    height: int = _TOP
    headers: list[Header] = field(
        default_factory=lambda: [Header(_X[lane], label) for lane, label in LANES.items()]
    )
    arrows: list[Arrow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)


def draw(entries: Sequence[Presented], *, first_number: int = 1) -> Diagram:
    """The exchanges of a page, top to bottom, numbered as the page numbers them."""
    diagram = Diagram()
    for number, entry in enumerate(entries, start=first_number):
        if entry.exchange.is_first:
            _add_band(diagram, entry)
        match entry.exchange.step:
            case "consent":
                _add_note(diagram, entry, number, "browser")
            case "document" | "registration_kept":
                _add_note(diagram, entry, number, "client")
            case "authorization_request":
                _add(diagram, "client", "browser", "303, go and ask", is_answer=True)
                _add(diagram, "browser", "issuer", _request(entry), number=number)
            case "authorization_response":
                _add(diagram, "issuer", "browser", "redirect back", is_answer=True)
                _add(diagram, "browser", "client", _request(entry), number=number)
                _mark(diagram, entry)
            case step:
                _add_exchange(diagram, STEPS[step].sender, STEPS[step].receiver, entry, number)
        diagram.height += _GAP
    return diagram


def _add_exchange(
    diagram: Diagram, sender: Lane, receiver: Lane, entry: Presented, number: int
) -> None:
    _add(diagram, sender, receiver, _request(entry), number=number)
    if entry.status:
        checks = len(entry.exchange.checks)
        counted = f" · {checks} {'check' if checks == 1 else 'checks'}" if checks else ""
        _add(diagram, receiver, sender, entry.status + counted, is_answer=True)
    _mark(diagram, entry)


def _mark(diagram: Diagram, entry: Presented) -> None:
    """The last arrow tells how the exchange went."""
    last = diagram.arrows[-1]
    diagram.arrows[-1] = Arrow(
        last.x1, last.x2, last.y, last.label, last.number, last.is_answer, entry.verdict
    )


def _add(
    diagram: Diagram,
    sender: Lane,
    receiver: Lane,
    label: str,
    *,
    number: int = 0,
    is_answer: bool = False,
) -> None:
    diagram.height += _ARROW_HEIGHT
    x1, x2 = _X[sender], _X[receiver]
    room = int((abs(x2 - x1) - _PADDING) / _CHARACTER_WIDTH)
    diagram.arrows.append(Arrow(x1, x2, diagram.height, _short(label, room), number, is_answer))


def _add_note(diagram: Diagram, entry: Presented, number: int, first: Lane) -> None:
    """Between the authorization server and whoever it concerns: what we cannot see of it."""
    label = entry.explanation.title + (f" · {entry.taken}" if entry.taken else "")
    x, width = _X[first], _X["issuer"] - _X[first]
    diagram.notes.append(Note(x, diagram.height + _GAP, width, label, number))
    diagram.height += _ARROW_HEIGHT


def _add_band(diagram: Diagram, entry: Presented) -> None:
    diagram.height += _ARROW_HEIGHT
    diagram.bands.append(Band(diagram.height, _short(entry.cause, 80)))


def _request(entry: Presented) -> str:
    one = entry.exchange
    return one.detail or f"{one.method} {urlsplit(one.url).path or '/'}"


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(1, room - 1)] + "…"
