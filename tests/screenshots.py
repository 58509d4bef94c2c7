"""Pictures for the documentation, taken from a stack of their own: `make screenshots`."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from e2e.conftest import CHROMIUM_OPTIONS, chromium_program, free_offset
from e2e.gallery import open_gallery, visiting
from e2e.page_table import PAGES
from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 200_000
SCALE = 1.25


@dataclass(frozen=True)
class Picture:
    """A page of the table, and the part of it to show; without one, what the window shows."""

    page: str
    width: int
    height: int = 800
    part: str | None = None

    def take(self, page: Page, file: Path) -> bytes:
        if self.part is None:
            page.evaluate("scrollTo(0, 0)")
            return page.screenshot(path=file)
        return page.locator(self.part).screenshot(path=file)


PICTURES = {
    "consent": Picture("consent-domain", 600, part=".card"),
    "timeline": Picture("timeline", 900, height=1250),
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
                "viewport": {"width": picture.width, "height": picture.height},
                "device_scale_factor": SCALE,
            }
            with visiting(gallery, chromium, **look) as visitor:
                PAGES[picture.page](visitor)
                taken = picture.take(visitor.page, IMAGES / f"{name}.png")
            print(f"docs/images/{name}.png: {len(taken) // 1000} kB")
            if len(taken) > MAX_BYTES:
                print(f"{name} is larger than {MAX_BYTES // 1000} kB", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
