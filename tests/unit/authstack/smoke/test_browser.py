"""The scripted browser, against a server that looks at what browsers send."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from authstack.smoke.browser import Arrival, Browser, Page, open_browser_session
from authstack.smoke.problems import SmokeFailure

REDIRECT_URI = "http://127.0.0.1:52100/callback"
FORM = '<form method="{}" action="{}"><input name="n" value="v"></form>'


class Site:
    """Remembers the headers of every request."""

    def __init__(self) -> None:
        self.seen: list[web.BaseRequest] = []
        self.bodies: list[str] = []
        self.application = web.Application(middlewares=[self._remember])
        routes = self.application.router
        routes.add_get("/form", self._form)
        routes.add_post("/submit", self._submit)
        routes.add_get("/loop", self._loop)
        routes.add_get("/elsewhere", self._elsewhere)

    @web.middleware
    async def _remember(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.text())
        return await handler(request)

    async def _form(self, request: web.Request) -> web.Response:
        page = web.Response(
            text=FORM.format(request.query.get("method", "post"), "/submit"),
            content_type="text/html",
            headers={"Referrer-Policy": request.query.get("policy", "same-origin")},
        )
        page.set_cookie("browser", "1", secure=True, httponly=True, samesite="Lax")
        return page

    async def _submit(self, request: web.Request) -> web.Response:
        return _redirect(f"{REDIRECT_URI}?code=c%2Fd&state=%7E")

    async def _loop(self, request: web.Request) -> web.Response:
        return _redirect("/loop")

    async def _elsewhere(self, request: web.Request) -> web.Response:
        return _redirect(f"http://127.0.0.1:{request.url.port}/form")


def _redirect(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def base(site: Site) -> AsyncIterator[str]:
    async with TestServer(site.application) as server:
        yield f"http://localhost:{server.port}"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser_session(None, 10) as session:
        yield Browser(session, REDIRECT_URI)


async def page(browser: Browser, url: str) -> Page:
    shown = await browser.open(url)
    assert isinstance(shown, Page)
    return shown


async def test_secure_cookies_are_sent_to_localhost_over_http(
    site: Site, base: str, browser: Browser
) -> None:
    await page(browser, f"{base}/form")
    await page(browser, f"{base}/form")
    assert [request.cookies.get("browser") for request in site.seen] == [None, "1"]


async def test_a_name_is_found_where_the_host_map_says(site: Site, base: str) -> None:
    port = base.rpartition(":")[2]
    host_map = f"auth.authstack.test:80=127.0.0.1:{port}"
    async with open_browser_session(None, 10, host_map) as session:
        await page(Browser(session, REDIRECT_URI), "http://auth.authstack.test/form")
    assert site.seen[-1].headers["Host"] == "auth.authstack.test"


async def test_the_redirect_to_the_client_is_read_byte_for_byte_and_not_followed(
    site: Site, base: str, browser: Browser
) -> None:
    shown = await page(browser, f"{base}/form")
    (form,) = shown.forms()
    arrived = await browser.submit(shown, form, form.filled({"n": "typed & sent"}))
    assert arrived == Arrival(f"{REDIRECT_URI}?code=c%2Fd&state=%7E")
    assert site.bodies[-1] == "n=typed+%26+sent"


@pytest.mark.parametrize(
    ("policy", "origin"), [("same-origin", "{base}"), ("no-referrer", "null"), ("", "{base}")]
)
async def test_a_form_says_where_it_comes_from(
    site: Site, base: str, browser: Browser, policy: str, origin: str
) -> None:
    shown = await page(browser, f"{base}/form?policy={policy}")
    (form,) = shown.forms()
    await browser.submit(shown, form, form.filled({}))
    sent = site.seen[-1].headers
    assert sent["Origin"] == origin.format(base=base)
    assert sent["Sec-Fetch-Site"] == "same-origin"
    assert site.seen[0].headers["Sec-Fetch-Site"] == "none"
    assert "Origin" not in site.seen[0].headers


async def test_a_redirect_from_another_host_is_cross_site(
    site: Site, base: str, browser: Browser
) -> None:
    await page(browser, f"{base}/elsewhere")
    assert [request.headers["Sec-Fetch-Site"] for request in site.seen] == ["none", "cross-site"]


async def test_a_redirect_loop_ends(base: str, browser: Browser) -> None:
    with pytest.raises(SmokeFailure, match="more than 10 redirects"):
        await browser.open(f"{base}/loop")


async def test_a_form_that_puts_its_fields_into_the_address_is_refused(
    base: str, browser: Browser
) -> None:
    shown = await page(browser, f"{base}/form?method=get")
    (form,) = shown.forms()
    with pytest.raises(SmokeFailure, match="not a POST form"):
        await browser.submit(shown, form, [])
