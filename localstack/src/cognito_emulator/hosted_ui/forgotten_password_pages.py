"""The page that asks who forgot a password, and the one that asks for code and new password."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from aiohttp import web

from cognito_emulator.hosted_ui.forms import (
    Field,
    Form,
    Problem,
    first_problem,
    link,
    password_problem,
    username_label,
)
from cognito_emulator.hosted_ui.mailbox_panel import mailbox_panel
from cognito_emulator.hosted_ui.page_requests import address
from cognito_emulator.hosted_ui.pages import heading, page
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.user_pool import MAX_PASSWORD_CHARS, UserPool
from cognito_emulator.state import Step
from cognito_emulator.verification import IssuedCode

# True of every code, so that the page does not tell which.
MAILED_TO_ACCOUNTS_ONLY = (
    "As Cognito does, the page does not say whether there is such an account. "
    "Without one, this code opens nothing."
)


@dataclass(frozen=True, slots=True)
class ForgottenPage:
    """For one authorization and its pool."""

    asked: AuthorizationRequest
    pool: UserPool

    def problem(self, typed: str) -> Problem | None:
        """What the API would say less kindly."""
        return first_problem(self._fields(""), {"username": typed})

    def response(self, typed: str = "", problem: Problem | None = None) -> web.Response:
        """With a problem it is 400 and says what is wrong."""
        label = username_label(self.pool)
        action = address("/forgotPassword", self.asked)
        form = Form(action, self._fields(typed), "Reset my password", problem)
        content = (
            heading("Forgot your password?", self.asked.client.name)
            + f"<p>Enter your {label[:1].lower()}{label[1:]} below and we will send a message to "
            + f"reset your password.</p>\n{form.html()}"
            + f'<p class="links">{link(address("/login", self.asked), "Back to sign in")}</p>\n'
        )
        return page("Forgot your password?", content, status=400 if problem else 200)

    def _fields(self, typed: str) -> Sequence[Field]:
        return (Field("username", username_label(self.pool), "username", value=typed),)


@dataclass(frozen=True, slots=True)
class NewPasswordPage:
    """For one reset in one browser."""

    asked: AuthorizationRequest
    pool: UserPool
    value: str
    step: Step
    mail: IssuedCode | None

    def fields(self, typed: Mapping[str, str]) -> Sequence[Field]:
        """Code, new password, the same again."""
        policy = self.pool.password_policy.sentence()
        code = typed.get("confirmation_code", "")
        return (
            Field("confirmation_code", "Code", "one-time-code", value=code, is_numeric=True),
            Field("password", "New password", "new-password", "password", hint=policy,
                  max_length=MAX_PASSWORD_CHARS),
            Field("password_again", "Enter new password again", "new-password", "password",
                  max_length=MAX_PASSWORD_CHARS),
        )  # fmt: skip

    def problem(self, typed: Mapping[str, str]) -> Problem | None:
        """What the API would say less kindly, or cannot say."""
        problem = first_problem(self.fields({}), typed)
        if problem is not None:
            return problem
        if typed["password"] != typed["password_again"]:
            return Problem("The passwords do not match.", ("password_again",))
        return password_problem(self.pool, typed["password"])

    def refusal(self, error: ApiError) -> Problem:
        """The API's refusal, beside the field that it is about."""
        is_password = error.error_type == "InvalidPasswordException"
        return Problem(error.message, ("password" if is_password else "confirmation_code",))

    def response(self, typed: Mapping[str, str], problem: Problem | None = None) -> web.Response:
        """With a problem it is 400 and says what is wrong."""
        action = address("/confirmForgotPassword", self.asked, self.value)
        form = Form(action, self.fields(typed), "Change password", problem)
        again = link(address("/forgotPassword", self.asked), "Ask for a new code")
        content = (
            heading("Change your password", self.asked.client.name)
            + '<p role="status">We have sent a password reset code by email to '
            + f"<strong>{escape(self.step.destination)}</strong>. Enter it below to reset your "
            + f'password.</p>\n{form.html()}<p class="links">{again}</p>\n'
        )
        panel = mailbox_panel(
            "Your password reset code is", self.step.username, self.mail, MAILED_TO_ACCOUNTS_ONLY
        )
        return page("Change your password", content, 400 if problem else 200, panel)
