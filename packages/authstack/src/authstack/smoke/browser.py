"""As much of a browser as a log-in needs: cookies, redirects, forms, where a request is from."""

from dataclasses import dataclass
from http.cookies import BaseCookie
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from authstack.smoke.forms import Form, read_forms
from authstack.smoke.problems import SmokeFailure
from oauth_kit.outbound.host_map import HostMap
from oauth_kit.outbound.http import MappedResolver, tls_context

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_REDIRECTS = frozenset({301, 302, 303})
_MAX_HOPS = 10
_MAX_PAGE_BYTES = 1024 * 1024
_SITES = ("none", "same-origin", "same-site", "cross-site")
"""Sec-Fetch-Site, the least trusted last: over redirects the worst one counts."""


class BrowserCookies(aiohttp.CookieJar):
    """Cookies as browsers keep them: plain http on loopback is secure enough for `Secure`."""

    def __init__(self) -> None:
        super().__init__(unsafe=True)

    def filter_cookies(self, request_url: URL = URL()) -> BaseCookie[str]:  # noqa: B008
        if request_url.host in _LOOPBACK and request_url.scheme == "http":
            request_url = request_url.with_scheme("https")
        return super().filter_cookies(request_url)


@dataclass(frozen=True, slots=True)
class Page:
    """What the address bar and the window show."""

    url: str
    status: int
    text: str
    referrer_policy: str

    def forms(self) -> list[Form]:
        return read_forms(self.text)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The redirect back to the client; nobody listens there, its address is all we want."""

    url: str


@dataclass(frozen=True, slots=True)
class Browser:
    """Follows links and submits forms until it is sent to the client's redirect URI."""

    session: aiohttp.ClientSession
    redirect_uri: str

    async def open(self, url: str) -> Page | Arrival:
        """Follow a link that another program gave us."""
        return await self._go("GET", url, None, {}, "none")

    async def submit(self, page: Page, form: Form, sent: list[tuple[str, str]]) -> Page | Arrival:
        """Press a button of the page. Raises SmokeFailure for a form that is not a POST."""
        if form.method != "post":
            raise SmokeFailure(f"the form of {_place(page.url)} is not a POST form")
        target = urljoin(page.url, form.action)
        headers = {"Origin": _origin_header(page, target)}
        return await self._go("POST", target, sent, headers, _site(page.url, target))

    async def _go(
        self,
        method: str,
        url: str,
        sent: list[tuple[str, str]] | None,
        headers: dict[str, str],
        site: str,
    ) -> Page | Arrival:
        for _ in range(_MAX_HOPS):
            async with self.session.request(
                method,
                URL(url, encoded=True),
                data=None if sent is None else aiohttp.FormData(sent),
                headers={**headers, **_navigation_headers(site)},
                allow_redirects=False,
            ) as answer:
                if answer.status not in _REDIRECTS:
                    return await _read_page(url, answer)
                location = urljoin(url, answer.headers.get("Location", ""))
            if location.partition("?")[0] == self.redirect_uri.partition("?")[0]:
                return Arrival(location)
            site = max(site, _site(url, location), key=_SITES.index)
            method, url, sent, headers = "GET", location, None, {}
        raise SmokeFailure(f"more than {_MAX_HOPS} redirects, the last one to {_place(url)}")


async def _read_page(url: str, answer: aiohttp.ClientResponse) -> Page:
    body = await answer.content.read(_MAX_PAGE_BYTES)
    while not answer.content.at_eof() and len(body) < _MAX_PAGE_BYTES:
        body += await answer.content.read(_MAX_PAGE_BYTES - len(body))
    policy = answer.headers.get("Referrer-Policy", "").rpartition(",")[2].strip().lower()
    return Page(url, answer.status, body.decode("utf-8", "replace"), policy)


def _navigation_headers(site: str) -> dict[str, str]:
    return {
        "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        "Sec-Fetch-Site": site,
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-User": "?1",
    }


def _origin_header(page: Page, target: str) -> str:
    """Fetch §3.2: a page that tells nobody where it is sends `null`."""
    crosses = origin_of(page.url) != origin_of(target)
    hidden = page.referrer_policy == "no-referrer" or (
        page.referrer_policy == "same-origin" and crosses
    )
    return "null" if hidden else origin_of(page.url)


def _site(initiator: str, target: str) -> str:
    """Ports do not matter to a site; we know no public suffixes, so a site is a host here."""
    if origin_of(initiator) == origin_of(target):
        return "same-origin"
    one, other = urlsplit(initiator), urlsplit(target)
    same = (one.scheme, one.hostname) == (other.scheme, other.hostname)
    return "same-site" if same else "cross-site"


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _place(url: str) -> str:
    """An address without its query, which may hold what nobody should read."""
    return url.partition("?")[0]


def open_browser_session(
    ca_file: str | None, timeout_seconds: float, host_map: str = ""
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls_context(ca_file), resolver=MappedResolver(HostMap.parse(host_map))
        ),
        cookie_jar=BrowserCookies(),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        trust_env=False,
    )
