"""The sign-up form, and the page that asks for the code."""

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

# Standard attributes: label, autocomplete (HTML, "Autofill detail tokens"), type.
ATTRIBUTES: Mapping[str, tuple[str, str, str]] = {
    "email": ("Email", "email", "email"),
    "name": ("Name", "name", "text"),
    "given_name": ("Given name", "given-name", "text"),
    "family_name": ("Family name", "family-name", "text"),
    "middle_name": ("Middle name", "additional-name", "text"),
    "nickname": ("Nickname", "nickname", "text"),
    "phone_number": ("Phone number, with + and country code", "tel", "tel"),
    "birthdate": ("Date of birth", "bday", "date"),
    "address": ("Address", "street-address", "text"),
    "website": ("Website", "url", "url"),
}
MAX_ATTRIBUTE_CHARS = 2048

BY_ADMINISTRATOR = "<p>An administrator must confirm your account before you can sign in.</p>\n"


@dataclass(frozen=True, slots=True)
class SignUpPage:
    """For one authorization and its pool."""

    asked: AuthorizationRequest
    pool: UserPool

    def fields(self, typed: Mapping[str, str]) -> Sequence[Field]:
        """User name, what the pool requires or verifies, password."""
        policy = self.pool.password_policy.sentence()
        password = Field("password", "Password", "new-password", "password", hint=policy,
                         max_length=MAX_PASSWORD_CHARS)  # fmt: skip
        return (
            self._username(typed.get("username", "")),
            *(self._attribute(name, typed.get(name, "")) for name in self._asked_attributes()),
            password,
        )

    def problem(self, typed: Mapping[str, str]) -> Problem | None:
        """What the API would say less kindly."""
        problem = first_problem(self.fields({}), typed)
        return problem or password_problem(self.pool, typed["password"])

    def refusal(self, error: ApiError) -> Problem:
        """The API's refusal, beside the field that it is about."""
        about = {"UsernameExistsException": "username", "InvalidPasswordException": "password"}
        names = [field.name for field in self.fields({})]
        named = (name for name in names if name in error.message.lower())
        field = about.get(error.error_type) or next(named, None)
        return Problem(error.message, (field,) if field else ())

    def response(self, typed: Mapping[str, str], problem: Problem | None = None) -> web.Response:
        """With a problem it is 400 and says what is wrong."""
        form = Form(address("/signup", self.asked), self.fields(typed), "Sign up", problem)
        back = link(address("/login", self.asked), "Sign in")
        content = (
            heading("Sign up", self.asked.client.name)
            + form.html()
            + f'<p class="links">Already have an account? {back}</p>\n'
        )
        return page("Sign up", content, status=400 if problem else 200)

    def _username(self, typed: str) -> Field:
        if self.pool.username_attributes == {"email"}:
            return Field("username", "Email", "email", "email", value=typed)
        return Field("username", username_label(self.pool), "username", value=typed)

    def _asked_attributes(self) -> Sequence[str]:
        named = self.pool.username_attributes
        asked = [name for name in self.pool.required_attributes if name not in named]
        if self.pool.verifies_email and not named and "email" not in asked:
            asked.insert(0, "email")
        return asked

    def _attribute(self, name: str, typed: str) -> Field:
        label, autocomplete, kind = ATTRIBUTES.get(
            name, (name.replace("_", " ").capitalize(), "off", "text")
        )
        return Field(name, label, autocomplete, kind, typed, max_length=MAX_ATTRIBUTE_CHARS)


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """For one sign-up in one browser."""

    asked: AuthorizationRequest
    value: str
    step: Step
    mail: IssuedCode | None

    def response(self, problem: str = "") -> web.Response:
        """With a problem it is 400 and says what is wrong."""
        title = heading("Confirm your account", self.asked.client.name)
        if not self.step.destination:  # the pool verifies no address
            return page("Confirm your account", title + BY_ADMINISTRATOR)
        code = Field("confirmation_code", "Verification code", "one-time-code", is_numeric=True)
        form = Form(
            address("/confirm", self.asked, self.value), (code,), "Confirm account",
            Problem(problem, (code.name,)) if problem else None,
        )  # fmt: skip
        content = title + self._sent() + form.html() + self._resend()
        panel = mailbox_panel("Your verification code is", self.step.username, self.mail)
        return page("Confirm your account", content, 400 if problem else 200, panel)

    def _sent(self) -> str:
        sent = "We have sent a new code" if self.step.is_resent else "We have sent a code"
        return (
            f'<p role="status">{sent} by email to '
            f"<strong>{escape(self.step.destination)}</strong>. Enter it below to confirm your "
            "account.</p>\n"
        )

    def _resend(self) -> str:
        action = escape(address("/resendcode", self.asked, self.value))
        return (
            f'<form method="post" action="{action}">\n'
            '<p class="links">Didn&rsquo;t receive a code?</p>\n'
            '<button type="submit" class="second">Send a new code</button>\n</form>\n'
            f'<p class="links">{link(address("/login", self.asked), "Back to sign in")}</p>\n'
        )
