"""From page to page: which account a sign-up or a password reset is about.

The address holds a random value; it counts only in the browser that came so far, so that nobody
finishes what a stranger began, by a link that the stranger sent.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from cognito_emulator.hosted_ui.browser_cookie import BrowserCookie
from cognito_emulator.hosted_ui.page_requests import address, query_of
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.state import STEP_SECONDS, EmulatorState, Step, digest
from cognito_emulator.verification import Purpose

PATHS: Mapping[Purpose, str] = {"sign_up": "/confirm", "password": "/confirmForgotPassword"}


@dataclass(frozen=True, slots=True)
class Steps:
    """Begun by a form, found by the pages after it."""

    state: EmulatorState
    cookie: BrowserCookie

    def begin(
        self,
        request: web.Request,
        asked: AuthorizationRequest,
        purpose: Purpose,
        username: str,
        *,
        destination: str,
        sub: str | None = None,
    ) -> web.Response:
        """Go to the page that asks for the code."""
        browser = self.cookie.read(request) or secrets.token_urlsafe(32)
        step = Step(
            purpose=purpose,
            pool_id=asked.client.pool_id,
            username=username,
            sub=sub,
            destination=destination,
            browser=digest(browser),
            expires_at=self.state.clock() + STEP_SECONDS,
        )
        value = self.state.add_step(step)
        response = see(address(PATHS[purpose], asked, value))
        self.cookie.set(response, browser)
        return response

    def find(
        self, request: web.Request, asked: AuthorizationRequest, purpose: Purpose
    ) -> tuple[str, Step] | None:
        """The value and the step of this address, None when it is over or not this browser's."""
        value = query_of(request).only("step")
        if not value:
            return None
        step = self.state.find_step(value, self.cookie.read(request), asked.client.pool_id)
        return (value, step) if step is not None and step.purpose == purpose else None

    def resent(self, value: str, step: Step) -> None:
        """The page will say that there is a new code."""
        self.state.change_step(value, replace(step, is_resent=True))

    def done(self, value: str, step: Step) -> None:
        """What remains is to say so on the log-in page."""
        self.state.change_step(value, replace(step, is_done=True))

    def end(self, value: str) -> None:
        """The last page is behind us."""
        self.state.change_step(value, None)


def see(location: str) -> web.Response:
    """Go to another page of ours, so that reloading it sends no form again."""
    headers = {"Location": location, "Cache-Control": "no-store"}
    return web.Response(status=303, headers=headers)
