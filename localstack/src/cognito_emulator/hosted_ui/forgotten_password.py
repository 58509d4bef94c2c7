"""GET and POST /forgotPassword and /confirmForgotPassword (developer guide, "User-interactive
managed login and classic hosted UI endpoints").

What is answered does not depend on whether there is such a user, where the app client hides it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.api.client_api import ClientApi
from cognito_emulator.hosted_ui.forgotten_password_pages import ForgottenPage, NewPasswordPage
from cognito_emulator.hosted_ui.forms import Problem
from cognito_emulator.hosted_ui.page_requests import PageRequests, address
from cognito_emulator.hosted_ui.steps import Steps, see
from cognito_emulator.mailbox import Mailbox
from cognito_emulator.oauth.reading import code_of, read_form
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.state import Step
from cognito_emulator.user_pools import UserPools
from cognito_emulator.verification import account_of


@dataclass(frozen=True, slots=True)
class ForgottenPasswordEndpoints:
    """A new password in the middle of an authorization; then one signs in with it."""

    requests: PageRequests
    pools: UserPools
    api: ClientApi
    steps: Steps
    mailbox: Mailbox

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/forgotPassword", self.show, allow_head=False),
            web.post("/forgotPassword", self.forgot),
            web.get("/confirmForgotPassword", self.show_new, allow_head=False),
            web.post("/confirmForgotPassword", self.change),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Who are you?"""
        return await self.requests.page(request, self._show)

    async def forgot(self, request: web.Request) -> web.Response:
        """The form comes back: a code is on its way, if there is somebody to get it."""
        return await self.requests.form(request, self._forgot)

    async def show_new(self, request: web.Request) -> web.Response:
        """The page that asks for code and new password."""
        return await self.requests.page(request, self._show_new)

    async def change(self, request: web.Request) -> web.Response:
        """Code and new password come back."""
        return await self.requests.form(request, self._change)

    async def _show(self, _request: web.Request, asked: AuthorizationRequest) -> web.Response:
        return ForgottenPage(asked, await self.pools.describe_pool(asked.client.pool_id)).response()

    async def _forgot(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        form = await read_form(request)
        typed = ((form.only("username") if form else None) or "").strip()
        page = ForgottenPage(asked, await self.pools.describe_pool(asked.client.pool_id))
        problem = page.problem(typed)
        if problem is not None:
            return page.response(typed, problem)
        try:
            said = await self.api.call("ForgotPassword", asked.client, typed)
        except ApiError as error:
            request["event"]["error"] = error.error_type
            return page.response(typed, Problem(error.message, ("username",)))
        return self.steps.begin(
            request, asked, "password", page.pool.canonical(typed),
            destination=said["CodeDeliveryDetails"]["Destination"],
        )  # fmt: skip

    async def _show_new(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        found = self.steps.find(request, asked, "password")
        if found is None:
            return see(address("/forgotPassword", asked))
        value, step = found
        if step.is_done:
            return see(address("/login", asked, value))
        return (await self._new_password_page(asked, value, step)).response({})

    async def _change(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        found = self.steps.find(request, asked, "password")
        if found is None:
            return see(address("/forgotPassword", asked))
        value, step = found
        page = await self._new_password_page(asked, value, step)
        form = await read_form(request) or Parameters(())
        typed = {field.name: form.only(field.name) or "" for field in page.fields({})}
        problem = page.problem(typed)
        if problem is not None:
            return page.response(typed, problem)
        try:
            await self.api.call(
                "ConfirmForgotPassword", asked.client, step.username,
                ConfirmationCode=code_of(form), Password=typed["password"],
            )  # fmt: skip
        except ApiError as error:
            request["event"]["error"] = error.error_type
            return page.response(typed, page.refusal(error))
        self.steps.done(value, step)
        return see(address("/login", asked, value))

    async def _new_password_page(
        self, asked: AuthorizationRequest, value: str, step: Step
    ) -> NewPasswordPage:
        pool = await self.pools.describe_pool(asked.client.pool_id)
        user = await self.pools.find_user(step.pool_id, step.username)
        account = account_of("password", step.pool_id, user.sub if user else step.username)
        return NewPasswordPage(asked, pool, value, step, self.mailbox.latest(account))
