"""One page of a timeline: as many of the newest exchanges as a light page holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from demo_clients.timeline.diagram import Diagram, draw
from demo_clients.timeline.exchange import Entry
from demo_clients.timeline.presented import Presented, present_all
from oauth_kit.web.pages import Pages

MAX_PAGE_BYTES: Final = 70 * 1024
_DIAGRAM_BYTES: Final = 700
MAX_HOME_EXCHANGES: Final = 5


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """What `timeline.html` shows.

    fragments:    HTML of each exchange, as the live page is sent it too
    first_number: where the first of them stands among all that are kept
    older:        the entry before which there is more, "" when there is not
    last_id:      the entry after which the live page goes on
    """

    fragments: tuple[str, ...]
    diagram: Diagram
    first_number: int
    total: int
    older: str
    is_latest: bool
    last_id: str


def make_page(entries: Sequence[Entry], pages: Pages, *, before: str = "") -> TimelinePage:
    """The newest exchanges (before an entry), and at least one of them."""
    end = next((i for i, entry in enumerate(entries) if entry.id == before), len(entries))
    presented = present_all(entries[:end])
    fragments, size = list[str](), 0
    for one in reversed(presented):
        fragment = fragment_of(one, pages)
        size += len(fragment.encode()) + _DIAGRAM_BYTES
        if fragments and size > MAX_PAGE_BYTES:
            break
        fragments.insert(0, fragment)
    start = end - len(fragments)
    return TimelinePage(
        fragments=tuple(fragments),
        diagram=draw(presented[start:], first_number=start + 1),
        first_number=start + 1,
        total=len(entries),
        older=entries[start].id if start else "",
        is_latest=end == len(entries),
        last_id=entries[-1].id if entries else "",
    )


def fragment_of(one: Presented, pages: Pages) -> str:
    """An item of the list. Everything in it is escaped, whoever inserts it into a page."""
    return pages.render("timeline_item.html", entry=one)
