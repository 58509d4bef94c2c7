"""The end of every way through the pages: this browser is signed in, the app gets its code."""

import uuid
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.hosted_ui.browser_cookie import BrowserCookie
from cognito_emulator.hosted_ui.redirects import redirect
from cognito_emulator.rules.app_client import User
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.claims import Authentication
from cognito_emulator.state import (
    CODE_SECONDS,
    SESSION_SECONDS,
    AuthorizationCode,
    EmulatorState,
    Session,
)
from cognito_emulator.user_pools import UserPools


@dataclass(frozen=True, slots=True)
class SignIn:
    """Sessions and codes."""

    state: EmulatorState
    pools: UserPools
    cookie: BrowserCookie

    async def signed_in(
        self, request: web.Request, asked: AuthorizationRequest
    ) -> tuple[Session, User] | None:
        """Who is signed in already, unless the app asks for a fresh sign-in."""
        if asked.prompts & {"login", "select_account"}:
            return None
        session = self.state.find_session(self.cookie.read(request), asked.client.pool_id)
        if session is None:
            return None
        user = await self.pools.active_user(session.pool_id, session.username, session.sub)
        return None if user is None else (session, user)

    def complete(
        self, request: web.Request, asked: AuthorizationRequest, user: User
    ) -> web.Response:
        """Sign in under a new cookie, whatever the browser brought, and go back to the app."""
        now = self.state.clock()
        session = Session(user.pool_id, user.username, user.sub, now, now + SESSION_SECONDS)
        response = self.send_back(asked, user, now)
        self.state.end_session(self.cookie.read(request))
        self.cookie.set(response, self.state.add_session(session))
        return response

    def send_back(self, asked: AuthorizationRequest, user: User, auth_time: int) -> web.Response:
        """The redirect with a code."""
        sign_in = Authentication(
            pool_id=user.pool_id,
            client_id=asked.client.client_id,
            username=user.username,
            sub=user.sub,
            scopes=asked.scopes,
            resource=asked.resource,
            auth_time=auth_time,
            origin_jti=str(uuid.uuid4()),
            event_id=str(uuid.uuid4()),
        )
        code = AuthorizationCode(
            sign_in=sign_in,
            redirect_uri=asked.redirect_uri,
            nonce=asked.nonce,
            code_challenge=asked.code_challenge,
            expires_at=self.state.clock() + CODE_SECONDS,
        )
        value = self.state.add_code(code)
        return redirect(asked.redirect_uri, {"code": value, "state": asked.state})
