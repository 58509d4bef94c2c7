"""GET /: a page for people. Programs find nothing here, as before (RFC 9110 §12.5.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from oauth_kit.web.answering import html_page

_HTML = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class StartEndpoint:
    """The page comes from configuration alone, so it is made once."""

    page: str

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        """Only for those who name HTML: a client that takes anything is no browser.

        An MCP client that was given the wrong address gets the 404 that sends it elsewhere.
        """
        if not _names_html(request):
            raise web.HTTPNotFound
        return html_page(self.page, headers={"Vary": "Accept"})


def _names_html(request: web.Request) -> bool:
    accepted = ",".join(request.headers.getall("Accept", []))
    return any(part.partition(";")[0].strip().lower() in _HTML for part in accepted.split(","))
