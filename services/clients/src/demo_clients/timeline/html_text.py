"""What a page says to whoever reads it: no markup, no hidden fields, no scripts.

One pass, whatever the page: the parser of the standard library takes seconds for broken markup.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

_MAX_CHARACTERS: Final = 16 * 1024
_UNSEEN: Final = frozenset({"script", "style", "template", "svg"})
_INLINE: Final = frozenset({"a", "b", "i", "em", "strong", "code", "span", "small"})
# what begins like a tag; an attribute may hold what ends one
_TAG: Final = re.compile(r"""</?([a-zA-Z][a-zA-Z0-9-]{0,30}+)(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_OPENS: Final = re.compile(r"<(?=[a-zA-Z/!?])")


def visible_text(body: bytes) -> str:
    """The text of an HTML page, a line for each block. It ends where the markup is broken."""
    text = "".join(_pieces(body.decode("utf-8", "replace")[:_MAX_CHARACTERS]))
    lines = (" ".join(html.unescape(line).split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _pieces(page: str) -> Iterator[str]:
    at = 0
    while (opened := _OPENS.search(page, at)) is not None:
        yield page[at : opened.start()].replace("\n", " ")
        element = _TAG.match(page, opened.start())
        if element is None:
            ending = "-->" if page.startswith("<!--", opened.start()) else ">"
            end = page.find(ending, opened.start())
            is_tag = page[opened.end()].isalpha()
            if is_tag or end < 0:
                return
            at = end + len(ending)
            continue
        at, name = element.end(), element[1].lower()
        yield "" if name in _INLINE else "\n"
        if name in _UNSEEN and not element[0].startswith("</"):
            close = re.compile(rf"</{name}\b", re.IGNORECASE).search(page, at)
            if close is None:
                return
            at = close.start()
    yield page[at:].replace("\n", " ")
