"""Timeline, console and attacks of the demo clients, in containers: the same tests as on the
embedded stack, with script only where those go both ways."""

import pytest
from e2e.test_attacks import *  # noqa: F403 -- tests and fixtures, with this folder's `stack`
from e2e.test_console import *  # noqa: F403
from e2e.test_timeline import *  # noqa: F403
from playwright.sync_api import BrowserContext, Page


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:  # type: ignore[no-redef]
    """Kept as a picture, like every page that the journeys end at."""
    return browser_context.new_page()
