"""GET and POST /signup and /confirm, POST /resendcode (developer guide, "User-interactive managed
login and classic hosted UI endpoints").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cognito_emulator.api.client_api import ClientApi
from cognito_emulator.hosted_ui.page_requests import PageRequests, address
from cognito_emulator.hosted_ui.sign_in import SignIn
from cognito_emulator.hosted_ui.sign_up_pages import ConfirmPage, SignUpPage
from cognito_emulator.hosted_ui.steps import Steps, see
from cognito_emulator.mailbox import Mailbox
from cognito_emulator.oauth.reading import code_of, read_form
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.errors import ApiError, ErrorPage
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.rules.user_pool import UserPool
from cognito_emulator.state import Step
from cognito_emulator.user_pools import UserPools
from cognito_emulator.verification import account_of

CODE_MISSING = "Verification code is required."
NOT_PERMITTED = "SignUp is not permitted for this user pool"


@dataclass(frozen=True, slots=True)
class SignUpEndpoints:
    """A new account in the middle of an authorization, which then goes on."""

    requests: PageRequests
    pools: UserPools
    api: ClientApi
    steps: Steps
    sign_in: SignIn
    mailbox: Mailbox

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.get("/signup", self.show, allow_head=False),
            web.post("/signup", self.sign_up),
            web.get("/confirm", self.show_confirm, allow_head=False),
            web.post("/confirm", self.confirm),
            web.post("/resendcode", self.resend),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The sign-up form; apps may also send browsers here directly."""
        return await self.requests.page(request, self._show)

    async def sign_up(self, request: web.Request) -> web.Response:
        """The form comes back: a new account, not confirmed yet."""
        return await self.requests.form(request, self._sign_up)

    async def show_confirm(self, request: web.Request) -> web.Response:
        """The page that asks for the code."""
        return await self.requests.page(request, self._show_confirm)

    async def confirm(self, request: web.Request) -> web.Response:
        """The code comes back; when it is right the browser is signed in."""
        return await self.requests.form(request, self._confirm)

    async def resend(self, request: web.Request) -> web.Response:
        """Another code, please."""
        return await self.requests.form(request, self._resend)

    async def _show(self, _request: web.Request, asked: AuthorizationRequest) -> web.Response:
        return SignUpPage(asked, await self._open_pool(asked)).response({})

    async def _sign_up(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        pool = await self._open_pool(asked)
        page = SignUpPage(asked, pool)
        form = await read_form(request) or Parameters(())
        typed = {field.name: form.only(field.name) or "" for field in page.fields({})}
        problem = page.problem(typed)
        if problem is not None:
            return page.response(typed, problem)
        username, password = typed.pop("username"), typed.pop("password")
        attributes = [{"Name": name, "Value": value} for name, value in typed.items()]
        try:
            made = await self.api.call(
                "SignUp", asked.client, username, Password=password, UserAttributes=attributes
            )
        except ApiError as error:
            request["event"]["error"] = error.error_type
            return page.response({**typed, "username": username}, page.refusal(error))
        delivery = made.get("CodeDeliveryDetails") or {}
        return self.steps.begin(
            request, asked, "sign_up", pool.canonical(username),
            destination=delivery.get("Destination", ""), sub=made["UserSub"],
        )  # fmt: skip

    async def _open_pool(self, asked: AuthorizationRequest) -> UserPool:
        pool = await self.pools.describe_pool(asked.client.pool_id)
        if not (pool.allows_sign_up and asked.client.has_local_users):
            raise ErrorPage(NOT_PERMITTED, asked.client.client_id)
        return pool

    async def _show_confirm(
        self, request: web.Request, asked: AuthorizationRequest
    ) -> web.Response:
        found = self.steps.find(request, asked, "sign_up")
        if found is None:
            return see(address("/login", asked))
        return self._confirm_page(asked, *found).response()

    async def _confirm(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        found = self.steps.find(request, asked, "sign_up")
        if found is None:
            return see(address("/login", asked))
        value, step = found
        code = code_of(await read_form(request))
        if not code:
            return self._confirm_page(asked, value, step).response(CODE_MISSING)
        try:
            await self.api.call("ConfirmSignUp", asked.client, step.username, ConfirmationCode=code)
        except ApiError as error:
            request["event"]["error"] = error.error_type
            return self._confirm_page(asked, value, step).response(error.message)
        self.steps.end(value)
        user = await self.pools.active_user(step.pool_id, step.username, step.sub or "")
        if user is None:
            return see(address("/login", asked))
        return self.sign_in.complete(request, asked, user)

    async def _resend(self, request: web.Request, asked: AuthorizationRequest) -> web.Response:
        found = self.steps.find(request, asked, "sign_up")
        if found is None:
            return see(address("/login", asked))
        value, step = found
        try:
            await self.api.call("ResendConfirmationCode", asked.client, step.username)
        except ApiError as error:
            request["event"]["error"] = error.error_type
            return self._confirm_page(asked, value, step).response(error.message)
        self.steps.resent(value, step)
        return see(address("/confirm", asked, value))

    def _confirm_page(self, asked: AuthorizationRequest, value: str, step: Step) -> ConfirmPage:
        account = account_of("sign_up", step.pool_id, step.sub or "")
        return ConfirmPage(asked, value, step, self.mailbox.latest(account))
