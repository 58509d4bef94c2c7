"""/logout: end the browser's session at the identity provider (OIDC RP-Initiated Logout 1.0)."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import structlog
from aiohttp import web

from cimd_bridge.consent import BrowserCookie, check_same_origin, new_browser_id
from cimd_bridge.front_channel import FrontChannel
from cimd_bridge.upstream import Upstream
from oauth_kit.web.answering import html_page, redirect
from oauth_kit.web.reading import query_parameters

log = structlog.get_logger()

LOGOUT_PATH = "/logout"

Step = Literal["ask", "done", "impossible"]


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """GET asks and POST leads to the provider, whose return is a GET again.

    Nothing is stored: a short-lived cookie tells the return from somebody who just comes by. It
    holds our `state` as well, where the provider sends that back: whoever turns round on the
    provider's page is not told to be logged out.
    """

    upstream: Upstream
    front_channel: FrontChannel
    cookie: BrowserCookie
    issuer: str

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get(LOGOUT_PATH, self.show, allow_head=False),
            web.post(LOGOUT_PATH, self.start),
        ]

    async def show(self, request: web.Request) -> web.Response:
        if not self._is_return(request):
            return self._page("ask")
        log.info("logout_completed")
        response = self._page("done")
        self.cookie.take_back(response)
        return response

    async def start(self, request: web.Request) -> web.Response:
        check_same_origin(request, self.issuer)
        state = new_browser_id()
        location = await self.upstream.logout_url(return_to=self.issuer + LOGOUT_PATH, state=state)
        if location is None:
            return self._page("impossible", status=501)
        log.info("logout_started")
        response = redirect(location)
        self.cookie.give(response, state)
        return response

    def _is_return(self, request: web.Request) -> bool:
        started = self.cookie.read(request)
        if started is None:
            return False
        if not self.upstream.logout_dialect.returns_state:
            return True
        returned = [value for name, value in query_parameters(request) if name == "state"]
        return len(returned) == 1 and hmac.compare_digest(returned[0].encode(), started.encode())

    def _page(self, step: Step, *, status: int = 200) -> web.Response:
        page = self.front_channel.pages.render(
            "logout.html",
            step=step,
            ends_grants=self.upstream.logout_dialect.ends_grants,
        )
        return html_page(page, status=status, has_form=step == "ask")
