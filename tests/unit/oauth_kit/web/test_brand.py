"""The operator's name, logo and colours: a bad one stops the start, a good one is shown."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from fakes.kit_service import send, serving
from pydantic import ValidationError

from oauth_kit.web.brand import (
    DARK_GROUNDS,
    LIGHT_GROUNDS,
    MAX_LOGO_BYTES,
    BrandFiles,
    BrandSettings,
)
from oauth_kit.web.contrast import TEXT_CONTRAST, least_contrast
from oauth_kit.web.pages import SHARED, Pages

SVG = b'<?xml version="1.0"?>\n<!-- ours -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("brand_color", "blue", "a colour is written #rrggbb"),
        ("brand_color", "#0b5cad;} body{display:none", "a colour is written #rrggbb"),
        ("brand_color", "#ffee00", "#ffee00 has a contrast of 1.10 with the pages' #ffffff"),
        ("brand_color", "#767676", "has a contrast of 4.16"),
        ("brand_color_dark", "#0b5cad", "#0b5cad has a contrast of 2.57 with the pages' #171c23"),
        ("product_name", "x" * 61, "at most 60"),
        ("product_name", "", "at least 1"),
        ("product_logo_file", "/nonexistent/logo.svg", "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(setting: str, value: str, said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        BrandSettings(**{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a", "neither a PNG nor a plain SVG"),
        (b"<html><svg></svg></html>", "neither"),
        (b'<!DOCTYPE svg [<!ENTITY x "y">]><svg>&x;</svg>', "no document type"),
        (b"\x89PNG", "neither"),
        (b"", "neither"),
        (b"<svg>" + b" " * MAX_LOGO_BYTES, "larger than 32 KiB"),
    ],
)
def test_a_logo_is_known_by_its_content(tmp_path: Path, content: bytes, said: str) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_bytes(content)
    with pytest.raises(ValidationError, match=said):
        BrandSettings(product_logo_file=logo)


@pytest.mark.parametrize("size", [len(SVG), MAX_LOGO_BYTES])
def test_a_logo_may_be_as_large_as_is_said(tmp_path: Path, size: int) -> None:
    logo = tmp_path / "logo"
    logo.write_bytes(SVG.ljust(size))
    assert BrandSettings(product_logo_file=logo).brand().has_logo


async def test_a_drawing_is_served_so_that_it_can_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(SVG)
    brand = BrandSettings(product_logo_file=tmp_path / "logo").brand()
    async with serving(*BrandFiles(brand).routes()) as ports:
        answer = await send(ports.public, "/brand/logo")
        same = await send(
            ports.public, "/brand/logo", headers=[("If-None-Match", answer.headers["ETag"])]
        )
    assert (answer.status, answer.body) == (200, SVG)
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("; sandbox")
    assert same.status == 304


async def test_a_picture_has_its_own_type(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(PNG)
    brand = BrandSettings(product_logo_file=tmp_path / "logo.svg").brand()
    async with serving(*BrandFiles(brand).routes()) as ports:
        answer = await send(ports.public, "/brand/logo")
    assert answer.headers["Content-Type"] == "image/png"


async def test_without_a_logo_there_is_none_and_the_pages_show_ours() -> None:
    brand = BrandSettings().brand()
    async with serving(*BrandFiles(brand).routes()) as ports:
        assert (await send(ports.public, "/brand/logo")).status == 404
        assert (await send(ports.public, "/brand/colors.css")).status == 200
    assert "/static/icon.svg" in Pages(SHARED, brand=brand).render("base.html")


def test_the_name_and_the_logo_are_on_every_page(tmp_path: Path) -> None:
    (tmp_path / "logo").write_bytes(PNG)
    settings = BrandSettings(product_name="<Acme>", product_logo_file=tmp_path / "logo")
    text = Pages(SHARED, brand=settings.brand()).render("base.html")
    assert "&lt;Acme&gt;" in text
    assert '<img src="/brand/logo" alt=""' in text
    assert "/static/icon.svg" not in text


@pytest.mark.parametrize(
    ("dark", "expected"), [("", None), ("#ffb366", "#ffb366"), ("ffb366", "#ffb366")]
)
async def test_colours_reach_the_pages_by_a_stylesheet(dark: str, expected: str | None) -> None:
    brand = BrandSettings(brand_color="#9C4A00", brand_color_dark=dark).brand()
    async with serving(*BrandFiles(brand).routes()) as ports:
        answer = await send(ports.public, "/brand/colors.css")
    assert answer.headers["Content-Type"] == "text/css"
    light, night = answer.body.decode().split("@media (prefers-color-scheme: dark)")
    assert "--accent: #9c4a00;" in light
    assert f"--accent: {expected or brand.dark};" in night
    assert least_contrast(brand.dark, DARK_GROUNDS) >= TEXT_CONTRAST


def test_the_grounds_that_are_checked_are_those_of_the_stylesheet() -> None:
    style = files(SHARED).joinpath("static/pages.css").read_text()
    light, night = style.split("@media (prefers-color-scheme: dark)")
    for part, grounds in ((light, LIGHT_GROUNDS), (night, DARK_GROUNDS)):
        card, ground = (re.search(rf"--{name}: (#\w+);", part) for name in ("card", "ground"))
        assert card
        assert ground
        assert (card[1], ground[1]) == tuple(map(str, grounds))
