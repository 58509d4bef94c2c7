"""POST /consent: the user's decision, taken once and from our own page only."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cimd_bridge.consent import BrowserCookie, ConsentForms, check_same_origin
from cimd_bridge.login_start import LoginStart
from oauth_kit.clock import Clock
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import redirect
from oauth_kit.web.reading import read_form

CONSENT_PATH = "/consent"


@dataclass(frozen=True, slots=True)
class ConsentEndpoint:
    forms: ConsentForms
    login: LoginStart
    cookie: BrowserCookie
    issuer: str
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(CONSENT_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        check_same_origin(request, self.issuer)
        posted = await read_form(request)
        browser_id = self.cookie.read(request)
        form = self.forms.open(posted.get("form"), browser_id, self.clock())
        assert browser_id is not None  # noqa: S101 - a form without it does not open
        match posted.get("decision"):
            case "approve":
                return redirect(await self.login.approve(form, browser_id))
            case "deny":
                return redirect(await self.login.deny(form, browser_id))
            case _:
                raise OAuthError("invalid_request", "The form has no decision")
