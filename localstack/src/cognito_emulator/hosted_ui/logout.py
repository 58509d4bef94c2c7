"""GET /logout (developer guide, "The managed sign-out endpoint")."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.hosted_ui.browser_cookie import BrowserCookie
from cognito_emulator.hosted_ui.page_requests import query_of
from cognito_emulator.hosted_ui.redirects import redirect
from cognito_emulator.rules.authorization_request import KNOWN_PARAMETERS, client_id_of
from cognito_emulator.rules.errors import ErrorPage
from cognito_emulator.state import EmulatorState
from cognito_emulator.user_pools import UserPools


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """Ends the session, then goes to `logout_uri`, or to the log-in page for `redirect_uri`."""

    state: EmulatorState
    pools: UserPools
    cookie: BrowserCookie

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get("/logout", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        parameters = query_of(request)
        client_id = client_id_of(parameters)
        client = await self.pools.find_client(client_id)
        if client is None:
            raise ErrorPage("invalid_client", client_id)
        request["event"] = {"client_id": client.client_id}
        logout_uri, redirect_uri = parameters.only("logout_uri"), parameters.only("redirect_uri")
        if logout_uri is not None and logout_uri in client.logout_urls:
            # the guide says that `state` comes back; users of the real service report that it
            # does not, and nobody should come to rely on it here
            response = redirect(logout_uri, {})
        elif logout_uri is None and redirect_uri in client.callback_urls:
            # Sign in as another user: the log-in page judges the parameters itself.
            passed = {name: parameters.only(name) for name in KNOWN_PARAMETERS}
            response = redirect("/login", passed)
        else:
            raise ErrorPage("redirect_mismatch", client_id)
        self.state.end_session(self.cookie.read(request))
        self.cookie.clear(response)
        return response
