"""Colours that can be read on one another (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from dataclasses import dataclass
from typing import Final

TEXT_CONTRAST: Final = 4.5
"""What text of any size needs."""
GOOD_CONTRAST: Final = 7.0
"""What is aimed at where the colour is ours to choose (WCAG 2.2, 1.4.6)."""

_HEX: Final = re.compile(r"#?([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})")
_STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class Color:
    """An opaque sRGB colour, each part 0 to 255."""

    red: int
    green: int
    blue: int

    @classmethod
    def parse(cls, text: str) -> "Color":
        """`#rrggbb`; the sign may be left out. Raises ValueError."""
        found = _HEX.fullmatch(text)
        if found is None:
            raise ValueError("a colour is written #rrggbb")
        return cls(*(int(part, 16) for part in found.groups()))

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    def mixed(self, other: "Color", share: float) -> "Color":
        """So much of the other colour in this one: 0 is this one, 1 the other."""
        pairs = ((self.red, other.red), (self.green, other.green), (self.blue, other.blue))
        return Color(*(round(mine + (its - mine) * share) for mine, its in pairs))

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 for black and 1 for white."""
        red, green, blue = (_linear(part / 255) for part in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue


WHITE: Final = Color(255, 255, 255)
BLACK: Final = Color(0, 0, 0)


def contrast(one: Color, other: Color) -> float:
    """From 1, the same luminance, to 21, black and white."""
    darker, lighter = sorted((one.luminance, other.luminance))
    return (lighter + 0.05) / (darker + 0.05)


def least_contrast(ink: Color, grounds: tuple[Color, ...]) -> float:
    """On the ground where it is hardest to read."""
    return min(contrast(ink, ground) for ground in grounds)


def lightened(ink: Color, grounds: tuple[Color, ...]) -> Color:
    """The colour itself, or with as much white as makes good text on these (dark) grounds."""
    steps = (ink.mixed(WHITE, step / _STEPS) for step in range(_STEPS + 1))
    return next(
        (color for color in steps if least_contrast(color, grounds) >= GOOD_CONTRAST), WHITE
    )


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
