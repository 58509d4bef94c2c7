"""Strangers' text, fit to be shown: nothing invisible, nothing that reorders, nothing endless."""

import unicodedata
from typing import Final

CUT: Final = " … (cut here)"

# Control, format (bidi, zero-width), surrogate, private use, unassigned; line separators
_UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, *, keep_lines: bool = False) -> str:
    """What cannot be seen is written as an escape, so that it can."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, keep_lines) for character in text)


def cut(text: str, max_characters: int) -> str:
    return text if len(text) <= max_characters else text[:max_characters] + CUT


def fit(text: str, max_characters: int, *, keep_lines: bool = False) -> str:
    """Cleaned and cut. Cut first: cleaning looks at every character."""
    return cut(clean(cut(text, max_characters), keep_lines=keep_lines), 2 * max_characters)


def _shown(character: str, keep_lines: bool) -> str:
    if keep_lines and character in "\n\t":
        return character
    if unicodedata.category(character) in _UNSHOWABLE:
        return character.encode("unicode_escape").decode()
    return character
