"""People without a browser window: they follow links and fill in forms over HTTP."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from authstack.smoke.browser import Arrival, Browser, Page, open_browser_session
from authstack.smoke.login import APPROVE, ScriptedPerson

ANSWER_SECONDS = 30


def untimed(name: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Person:
    """Somebody at a browser of their own, who approves and logs in."""

    browser: aiohttp.ClientSession
    username: str
    password: str

    async def answer(self, url: str, redirect_uri: str) -> str:
        """Open an authorization URL; the address that the client is sent to."""
        person = ScriptedPerson(self.browser, self.username, self.password)
        return await person.log_in(url, redirect_uri, untimed)


@asynccontextmanager
async def somebody(username: str, password: str) -> AsyncIterator[Person]:
    """A person whom nobody knows yet."""
    async with open_browser_session(None, ANSWER_SECONDS) as browser:
        yield Person(browser, username, password)


async def press(
    browser: Browser, page: Page | Arrival, action: str, typed: dict[str, str] | None = None
) -> Page | Arrival:
    """Send the page's form for that path; on a consent page, approve."""
    assert isinstance(page, Page)
    form = next(form for form in page.forms() if urlsplit(form.action).path == action)
    button = APPROVE if form.has_button(*APPROVE) else None
    return await browser.submit(page, form, form.filled(typed or {}, button))
