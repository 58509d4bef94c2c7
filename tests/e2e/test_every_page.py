"""Every page in every look: WCAG 2.2 AA by axe-core, no wider than its window, light, and kept as a
picture to look at."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from e2e.conftest import ARTEFACTS
from e2e.gallery import Gallery, Visitor, Way, visiting
from e2e.page_table import PAGES
from e2e.witness import Witness, leaks_of, secrets_on_disk
from playwright.sync_api import Browser, Page

SCREENSHOTS = ARTEFACTS / "screenshots"
WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")
MAX_PAGE_BYTES = 100_000
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE_OPTIONS = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
# What the browser has decoded for this page beside the document: stylesheets and pictures.
FILES = """
    performance.getEntriesByType("resource").reduce((sum, entry) => sum + entry.decodedBodySize, 0)
"""
OPEN_ALL = "for (const details of document.querySelectorAll('details')) details.open = true"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def visitor(gallery: Gallery, chromium: Browser) -> Iterator[Visitor]:
    with visiting(gallery, chromium) as visitor:
        yield visitor


def looks(page: Page) -> Iterator[str]:
    """Each width and colour scheme in turn, by name."""
    for width in WIDTHS:
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            yield f"{width}-{scheme}"


def witness_of(visitor: Visitor) -> Witness:
    gallery = visitor.gallery
    return Witness(visitor.context, gallery.emulator, secrets_on_disk(gallery.layout))


def what_axe_finds(page: Page) -> list[str]:
    """Rule and element of each violation; the page must hold axe-core."""
    found = page.evaluate("options => axe.run(document, options)", AXE_OPTIONS)["violations"]
    return [
        f"{violation['id']} at {node['target']}: {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_it_can_be_read_and_used_by_everybody(visitor: Visitor, name: str) -> None:
    way: Way = PAGES[name]
    page, faults, complaints = visitor.page, dict[str, object](), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    witness = witness_of(visitor)
    way(visitor)
    assert (witness.leaks_in(page), witness.leaks_in_addresses()) == ([], [])
    assert [text for text in complaints if "Content Security Policy" in text] == []
    assert len(page.content().encode()) + page.evaluate(FILES) < MAX_PAGE_BYTES
    scripts = [script.get_attribute("src") for script in page.locator("script").all()]
    assert scripts == (["/static/timeline.js"] if name.startswith("timeline") else [])
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for look in looks(page):
        page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True)
    page.evaluate(AXE_SCRIPT)
    page.evaluate(OPEN_ALL)
    for look in looks(page):
        if violations := what_axe_finds(page):
            faults[look] = violations
        if overflow := page.evaluate(OVERFLOW):
            faults[f"{look} is too wide"] = overflow
    assert faults == {}


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:3000/?code=x",
        "http://localhost:3000/callback?code=x&state=y&access_token=z",
        "http://localhost:3000/callback#id_token=z",
        f"http://localhost:3004/{'g' * 22}.{'t' * 43}",
        "http://localhost:3004/token?assertion=eyJhbGciOiJub25l.e30.",
    ],
)
def test_a_secret_in_an_address_would_be_found(address: str) -> None:
    assert leaks_of(address) != []
    assert leaks_of(f"http://localhost:3000/callback?code={'g' * 22}.{'t' * 43}&state=y") == []


def test_a_secret_in_a_page_or_a_store_would_be_found(visitor: Visitor) -> None:
    witness = witness_of(visitor)
    visitor.ask()
    assert witness.leaks_in(visitor.page) == []
    visitor.page.evaluate("id => { document.body.dataset.id = id }", visitor.browser_id())
    assert witness.leaks_in(visitor.page) == [visitor.browser_id()]
    visitor.ask()
    for planted in ("Bearer 0123456789abcdef", "v" * 86, min(witness.known)):
        visitor.page.evaluate("text => { localStorage.planted = text }", planted)
        assert witness.leaks_in(visitor.page) == [planted]


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("document.querySelector('h1').style.color = '#f0f0f0'", "color-contrast"),
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
        ("document.title = ''", "document-title"),
        ("document.querySelector('[name=decision]').textContent = ''", "button-name"),
    ],
)
def test_a_fault_would_be_found(visitor: Visitor, fault: str, rule: str) -> None:
    visitor.ask()
    visitor.page.evaluate(AXE_SCRIPT)
    assert what_axe_finds(visitor.page) == []
    visitor.page.evaluate(fault)
    assert {found.partition(" ")[0] for found in what_axe_finds(visitor.page)} == {rule}


def test_what_is_too_wide_would_be_found(visitor: Visitor) -> None:
    visitor.ask()
    visitor.page.evaluate("document.querySelector('main').style.width = '200vw'")
    assert visitor.page.evaluate(OVERFLOW) > 0
