"""What every page has in common: it carries the authorization request in its own address.

Nothing of it is trusted when a form comes back, all of it is judged anew (developer guide, "The
managed sign-in endpoint").
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.hosted_ui.pages import foreign_form_page
from cognito_emulator.hosted_ui.redirects import redirect
from cognito_emulator.hosted_ui.same_origin import is_same_origin
from cognito_emulator.rules import authorization_request as rules
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.errors import AuthorizationError, ErrorPage
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.user_pools import UserPools

Decide = Callable[[web.Request, AuthorizationRequest], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class PageRequests:
    """Reads and judges the request, then lets a page decide; refusals go where they belong."""

    pools: UserPools
    public_url: str

    async def page(self, request: web.Request, decide: Decide) -> web.Response:
        """A page that somebody opens."""
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

    async def form(self, request: web.Request, decide: Decide) -> web.Response:
        """A form of ours that comes back."""
        if not is_same_origin(request, self.public_url):
            return foreign_form_page()
        return await self.page(request, decide)


def query_of(request: web.Request) -> Parameters:
    """The query as it was sent; one that cannot be read is Cognito's error page."""
    try:
        return Parameters.parse(request.raw_path.partition("?")[2])
    except ValueError as error:
        raise ErrorPage("invalid_request") from error


def address(path: str, asked: AuthorizationRequest, step: str | None = None) -> str:
    """Another page of the same authorization."""
    return redirect(path, {**asked.parameters, "step": step}).headers["Location"]
