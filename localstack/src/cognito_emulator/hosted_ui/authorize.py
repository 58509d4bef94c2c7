"""GET /oauth2/authorize, GET and POST /login.

Developer guide, "The redirect and authorization endpoint" and "The managed sign-in endpoint".
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.hosted_ui.login_page import LoginPage
from cognito_emulator.hosted_ui.page_requests import PageRequests
from cognito_emulator.hosted_ui.redirects import redirect
from cognito_emulator.hosted_ui.sign_in import SignIn
from cognito_emulator.hosted_ui.steps import Steps
from cognito_emulator.ministack_client import MiniStackClient
from cognito_emulator.oauth.reading import read_form
from cognito_emulator.password_hash import password_matches
from cognito_emulator.rules.app_client import User
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.errors import AuthorizationError
from cognito_emulator.rules.sign_up import masked
from cognito_emulator.rules.user_pool import MAX_PASSWORD_CHARS
from cognito_emulator.state import EmulatorState
from cognito_emulator.user_pools import UserPools

WRONG_PASSWORD = "Incorrect username or password."
PASSWORD_CHANGED = "Your password has been changed. Sign in with the new one."
MAX_USERNAME_CHARS = 128


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoints:
    """Signs users in and sends them back with a code."""

    state: EmulatorState
    requests: PageRequests
    pools: UserPools
    ministack: MiniStackClient
    sign_in: SignIn
    steps: Steps

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/oauth2/authorize", self.authorize, allow_head=False),
            web.get("/login", self.show_login, allow_head=False),
            web.post("/login", self.log_in),
        ]

    async def authorize(self, request: web.Request) -> web.Response:
        """A code at once for a browser that is signed in, otherwise the log-in page."""
        return await self.requests.page(request, self._authorize)

    async def show_login(self, request: web.Request) -> web.Response:
        """The log-in page; apps may also send browsers here directly."""
        return await self.requests.page(request, self._show_login)

    async def log_in(self, request: web.Request) -> web.Response:
        """The form comes back."""
        return await self.requests.form(request, self._log_in)

    async def _authorize(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        signed_in = await self.sign_in.signed_in(request, asked)
        if signed_in is not None:
            session, user = signed_in
            return self.sign_in.send_back(asked, user, session.auth_time)
        if "none" in asked.prompts:
            raise AuthorizationError("login_required", "the user is not signed in")
        return redirect("/login", asked.parameters)

    async def _show_login(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        page = LoginPage(asked, await self.pools.describe_pool(asked.client.pool_id))
        found = self.steps.find(request, asked, "password")
        if found is None or not found[1].is_done:
            return page.response(username=asked.login_hint)
        return page.response(username=found[1].username, notice=PASSWORD_CHANGED)

    async def _log_in(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        form = await read_form(request)
        typed = (form.only("username") if form else None) or ""
        password = (form.only("password") if form else None) or ""
        pool = await self.pools.describe_pool(asked.client.pool_id)
        user = await self._verified_user(asked, pool.canonical(typed), password)
        if user is None:
            request["event"]["error"] = "wrong_password"
            return LoginPage(asked, pool).response(username=typed, problem=WRONG_PASSWORD)
        if user.status == "UNCONFIRMED":
            email = user.attributes.get("email")
            return self.steps.begin(
                request, asked, "sign_up", pool.canonical(typed),
                destination=masked(email) if pool.verifies_email and email else "", sub=user.sub,
            )  # fmt: skip
        return self.sign_in.complete(request, asked, user)

    async def _verified_user(
        self, asked: AuthorizationRequest, username: str, password: str
    ) -> User | None:
        """The user who has this password, confirmed or not."""
        if not 1 <= len(username) <= MAX_USERNAME_CHARS or not asked.client.has_local_users:
            return None
        if not 1 <= len(password) <= MAX_PASSWORD_CHARS:
            return None
        is_right = await self.ministack.password_is_right(
            asked.client, asked.redirect_uri, username, password
        )
        user = await self.pools.find_user(asked.client.pool_id, username)
        if user is None or not user.enabled:
            return None
        return user if is_right or await self._is_of_unconfirmed(user, password) else None

    async def _is_of_unconfirmed(self, user: User, password: str) -> bool:
        hashed = self.state.unconfirmed_passwords.get(user.sub)
        if user.status != "UNCONFIRMED" or hashed is None:
            return False
        return await asyncio.to_thread(password_matches, password, hashed)
