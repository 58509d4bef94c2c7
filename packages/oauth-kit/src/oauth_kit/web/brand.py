"""How an operator makes the pages his own: name, logo and colour, checked before anybody sees them.

A logo is served from our own origin, and a colour through a stylesheet: the content security policy
of the pages stays as it is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web
from pydantic import Field, field_validator

from oauth_kit.variables import Variables
from oauth_kit.web.contrast import TEXT_CONTRAST, Color, least_contrast, lightened
from oauth_kit.web.pages import ServedFile

MAX_LOGO_BYTES: Final = 32 * 1024
# What static/pages.css calls --card and --ground: text in the operator's colour stands on both.
LIGHT_GROUNDS: Final = (Color.parse("#ffffff"), Color.parse("#f4f5f7"))
DARK_GROUNDS: Final = (Color.parse("#171c23"), Color.parse("#0f1318"))

_PNG: Final = b"\x89PNG\r\n\x1a\n"
# Nothing before the root element but a declaration and comments: no document type, no entities.
_SVG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<svg[\s>]", re.DOTALL
)
# A browser that opens the drawing by itself runs nothing in it and loads nothing for it.
_DRAWING_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

_COLORS: Final = """\
:root {{ --accent: {light}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; }} }}
"""


@dataclass(frozen=True, slots=True)
class Brand:
    """has_logo: whether there is anything at LOGO_PATH"""

    product_name: str
    light: Color
    dark: Color
    logo: ServedFile | None = None

    @property
    def has_logo(self) -> bool:
        return self.logo is not None

    def stylesheet(self) -> str:
        return _COLORS.format(light=self.light, dark=self.dark)


class BrandSettings(Variables):
    """The variables of whoever shows pages to the operator's users."""

    product_name: str = Field(default="mcp-authstack", min_length=1, max_length=60)
    product_logo_file: Path | None = None
    brand_color: str = "#0b5cad"
    brand_color_dark: str = Field(
        default="", description="where the browser prefers dark; empty: BRAND_COLOR, lightened"
    )

    @field_validator("product_logo_file")
    @classmethod
    def _check_logo(cls, value: Path | None) -> Path | None:
        read_logo(value)
        return value

    @field_validator("brand_color")
    @classmethod
    def _check_brand_color(cls, value: str) -> str:
        check_readable(Color.parse(value), LIGHT_GROUNDS)
        return value

    @field_validator("brand_color_dark")
    @classmethod
    def _check_brand_color_dark(cls, value: str) -> str:
        if value:
            check_readable(Color.parse(value), DARK_GROUNDS)
        return value

    def brand(self) -> Brand:
        light = Color.parse(self.brand_color)
        return Brand(
            product_name=self.product_name,
            light=light,
            dark=(
                Color.parse(self.brand_color_dark)
                if self.brand_color_dark
                else lightened(light, DARK_GROUNDS)
            ),
            logo=read_logo(self.product_logo_file),
        )


def check_readable(color: Color, grounds: tuple[Color, ...]) -> None:
    """Raises ValueError with the figure when text in this colour would be hard to read."""
    found = least_contrast(color, grounds)
    if found < TEXT_CONTRAST:
        shown = " and ".join(map(str, grounds))
        raise ValueError(
            f"{color} has a contrast of {found:.2f} with the pages' {shown}; "
            f"text needs {TEXT_CONTRAST} (WCAG 2.2, 1.4.3)"
        )


def read_logo(path: Path | None) -> ServedFile | None:
    """An SVG or PNG file, known by its content. Raises ValueError."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            body = file.read(MAX_LOGO_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if len(body) > MAX_LOGO_BYTES:
        raise ValueError(f"is larger than {MAX_LOGO_BYTES // 1024} KiB")
    if body.startswith(_PNG):
        return ServedFile.of(body, "image/png")
    if _SVG.match(body) is None:
        raise ValueError("is neither a PNG nor a plain SVG file (no document type)")
    return ServedFile.of(body, "image/svg+xml", {"Content-Security-Policy": _DRAWING_POLICY})


class BrandFiles:
    """GET /brand/colors.css, and GET /brand/logo where there is one."""

    def __init__(self, brand: Brand) -> None:
        self._files = {"colors.css": ServedFile.of(brand.stylesheet().encode(), "text/css")}
        if brand.logo is not None:
            self._files["logo"] = brand.logo

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/brand/{name}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return found.answer(request)
