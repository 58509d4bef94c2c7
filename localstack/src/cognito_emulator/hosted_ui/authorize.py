"""GET /oauth2/authorize, GET and POST /login.

Developer guide, "The redirect and authorization endpoint" and "The managed sign-in endpoint". The
log-in page carries the request in its own address; nothing of it is trusted when the form comes
back, all of it is judged anew.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.hosted_ui.pages import login_page
from cognito_emulator.hosted_ui.redirects import redirect
from cognito_emulator.hosted_ui.same_origin import is_same_origin
from cognito_emulator.hosted_ui.session_cookie import SessionCookie
from cognito_emulator.ministack_client import MiniStackClient
from cognito_emulator.oauth.reading import read_form
from cognito_emulator.rules import authorization_request as rules
from cognito_emulator.rules.app_client import User
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.claims import Authentication
from cognito_emulator.rules.errors import AuthorizationError, ErrorPage
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.state import (
    CODE_SECONDS,
    SESSION_SECONDS,
    AuthorizationCode,
    EmulatorState,
    Session,
)
from cognito_emulator.user_pools import UserPools

WRONG_PASSWORD = "Incorrect username or password."
MAX_USERNAME_CHARS = 128
MAX_PASSWORD_CHARS = 256

Decide = Callable[[web.Request, AuthorizationRequest], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoints:
    """Signs users in and sends them back with a code."""

    state: EmulatorState
    pools: UserPools
    ministack: MiniStackClient
    cookie: SessionCookie
    public_url: str

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/oauth2/authorize", self.authorize, allow_head=False),
            web.get("/login", self.show_login, allow_head=False),
            web.post("/login", self.log_in),
        ]

    async def authorize(self, request: web.Request) -> web.Response:
        """A code at once for a browser that is signed in, otherwise the log-in page."""
        return await self._answer(request, self._authorize)

    async def show_login(self, request: web.Request) -> web.Response:
        """The log-in page; apps may also send browsers here directly."""
        return await self._answer(request, self._show_login)

    async def log_in(self, request: web.Request) -> web.Response:
        """The form comes back."""
        if not is_same_origin(request, self.public_url):
            raise web.HTTPForbidden(text="The form must come from this page.")
        return await self._answer(request, self._log_in)

    async def _answer(self, request: web.Request, decide: Decide) -> web.Response:
        """Read and judge the request, then decide; refusals go where they belong."""
        parameters = query_of(request)
        client_id = rules.client_id_of(parameters)
        client = await self.pools.find_client(client_id)
        if client is None:
            raise ErrorPage("invalid_client", client_id)
        request["event"] = {"client_id": client.client_id}
        redirect_uri = rules.proven_redirect_uri(parameters, client)
        try:
            return await decide(request, rules.parse(parameters, client, redirect_uri))
        except AuthorizationError as error:
            request["event"]["error"] = error.code
            refusal = {"error": error.code, "error_description": error.description}
            return redirect(redirect_uri, {**refusal, "state": parameters.only("state")})

    async def _authorize(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        signed_in = await self._signed_in(request, asked)
        if signed_in is not None:
            session, user = signed_in
            return self._send_back(asked, user, session.auth_time)
        if "none" in asked.prompts:
            raise AuthorizationError("login_required", "the user is not signed in")
        return redirect("/login", asked.parameters)

    async def _show_login(self, _request: web.Request, asked: AuthorizationRequest) -> web.Response:
        return login_page(asked.client.name, _action(asked), username=asked.login_hint)

    async def _log_in(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        form = await read_form(request)
        username = form.only("username") if form else None
        password = form.only("password") if form else None
        user = await self._verified_user(asked, username or "", password or "")
        if user is None:
            request["event"]["error"] = "wrong_password"
            return login_page(
                asked.client.name, _action(asked), username=username or "", problem=WRONG_PASSWORD
            )
        now = self.state.clock()
        session = Session(user.pool_id, user.username, user.sub, now, now + SESSION_SECONDS)
        response = self._send_back(asked, user, now)
        self.state.end_session(self.cookie.read(request))
        self.cookie.set(response, self.state.add_session(session))
        return response

    async def _signed_in(
        self, request: web.Request, asked: AuthorizationRequest
    ) -> tuple[Session, User] | None:
        if asked.prompts & {"login", "select_account"}:
            return None
        session = self.state.find_session(self.cookie.read(request), asked.client.pool_id)
        if session is None:
            return None
        user = await self.pools.active_user(session.pool_id, session.username, session.sub)
        return None if user is None else (session, user)

    async def _verified_user(
        self, asked: AuthorizationRequest, username: str, password: str
    ) -> User | None:
        if not 1 <= len(username) <= MAX_USERNAME_CHARS or "COGNITO" not in (
            asked.client.identity_providers
        ):
            return None
        if not 1 <= len(password) <= MAX_PASSWORD_CHARS:
            return None
        if not await self.ministack.password_is_right(
            asked.client, asked.redirect_uri, username, password
        ):
            return None
        user = await self.pools.find_user(asked.client.pool_id, username)
        return user if user is not None and user.enabled else None

    def _send_back(self, asked: AuthorizationRequest, user: User, auth_time: int) -> web.Response:
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


def query_of(request: web.Request) -> Parameters:
    """The query as it was sent; one that cannot be read is Cognito's error page."""
    try:
        return Parameters.parse(request.raw_path.partition("?")[2])
    except ValueError as error:
        raise ErrorPage("invalid_request") from error


def _action(asked: AuthorizationRequest) -> str:
    return redirect("/login", asked.parameters).headers["Location"]
