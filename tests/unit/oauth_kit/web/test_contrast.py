"""Contrast as WCAG computes it; the figures are those that its checkers show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.web.contrast import (
    BLACK,
    GOOD_CONTRAST,
    WHITE,
    Color,
    contrast,
    least_contrast,
    lightened,
)

COLORS = st.builds(Color, *[st.integers(0, 255)] * 3)
DARK = (Color.parse("#171c23"), Color.parse("#0f1318"))


@pytest.mark.parametrize(
    "text", ["", "#fff", "red", "#12345", "#1234567", "#12345g", "rgb(0,0,0)", "#123456;", "##1234"]
)
def test_only_six_digits_are_a_colour(text: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        Color.parse(text)


@pytest.mark.parametrize("text", ["#0B5CAD", "0b5cad"])
def test_case_and_sign_do_not_matter(text: str) -> None:
    assert str(Color.parse(text)) == "#0b5cad"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.00),
        ("#00ff00", "#ffffff", 1.37),
        ("#0000ff", "#ffffff", 8.59),
        ("#0a0a0a", "#000000", 1.06),
    ],
)
def test_the_figures_are_those_of_wcag(one: str, other: str, expected: float) -> None:
    assert contrast(Color.parse(one), Color.parse(other)) == pytest.approx(expected, abs=0.006)


@given(COLORS, COLORS)
def test_contrast_has_no_direction_and_its_bounds(one: Color, other: Color) -> None:
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.01


def test_the_worst_ground_counts() -> None:
    ink = Color.parse("#767676")
    assert least_contrast(ink, (WHITE, BLACK)) == contrast(ink, WHITE)


@given(COLORS)
def test_a_lightened_colour_can_be_read_and_one_that_could_stays(ink: Color) -> None:
    found = lightened(ink, DARK)
    assert least_contrast(found, DARK) >= GOOD_CONTRAST
    assert (found == ink) == (least_contrast(ink, DARK) >= GOOD_CONTRAST)
