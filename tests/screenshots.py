"""Pictures for the documentation, taken from a stack of their own: `make screenshots`."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from e2e.conftest import CHROMIUM_OPTIONS, chromium_program, free_offset
from e2e.gallery import open_gallery, visiting
from e2e.page_table import PAGES
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 150_000
SCALE = 1.25


@dataclass(frozen=True)
class Picture:
    """A page of the table, and the part of it to show."""

    page: str
    part: str
    width: int


PICTURES = {
    "consent": Picture("consent-domain", ".card", 600),
}


def main() -> int:
    program = chromium_program()
    if program is None:
        print("Chromium is not installed (CHROMIUM names another program)", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_gallery(free_offset(first=0), Path(folder)) as gallery,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS) as chromium,
    ):
        for name, picture in PICTURES.items():
            look = {
                "viewport": {"width": picture.width, "height": 800},
                "device_scale_factor": SCALE,
            }
            with visiting(gallery, chromium, **look) as visitor:
                PAGES[picture.page](visitor)
                taken = visitor.page.locator(picture.part).screenshot(path=IMAGES / f"{name}.png")
            print(f"docs/images/{name}.png: {len(taken) // 1000} kB")
            if len(taken) > MAX_BYTES:
                print(f"{name} is larger than {MAX_BYTES // 1000} kB", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
