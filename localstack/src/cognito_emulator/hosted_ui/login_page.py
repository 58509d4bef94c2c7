"""The log-in page: it leads to sign-up and to a new password, as the pool allows."""

from dataclasses import dataclass
from html import escape

from aiohttp import web

from cognito_emulator.hosted_ui.forms import Field, Form, Problem, link, username_label
from cognito_emulator.hosted_ui.page_requests import address
from cognito_emulator.hosted_ui.pages import heading, page
from cognito_emulator.rules.authorization_request import AuthorizationRequest
from cognito_emulator.rules.user_pool import MAX_PASSWORD_CHARS, UserPool


@dataclass(frozen=True, slots=True)
class LoginPage:
    """For one authorization and its pool."""

    asked: AuthorizationRequest
    pool: UserPool

    def response(self, *, username: str = "", problem: str = "", notice: str = "") -> web.Response:
        """With a problem it is 400 and says what is wrong."""
        form = Form(
            action=address("/login", self.asked),
            fields=(
                Field("username", username_label(self.pool), "username", value=username),
                Field(
                    "password", "Password", "current-password", "password",
                    max_length=MAX_PASSWORD_CHARS,
                ),
            ),
            button="Sign in",
            problem=Problem(problem, ("username", "password")) if problem else None,
            after_fields=self._forgotten(),
        )  # fmt: skip
        said = f'<p class="notice" role="status">{escape(notice)}</p>\n' if notice else ""
        content = heading("Sign in", self.asked.client.name) + said + form.html() + self._sign_up()
        return page("Sign in", content, status=400 if problem else 200)

    def _forgotten(self) -> str:
        if not self.asked.client.has_local_users:
            return ""
        href = address("/forgotPassword", self.asked)
        return f'<p class="links">{link(href, "Forgot your password?")}</p>\n'

    def _sign_up(self) -> str:
        if not (self.pool.allows_sign_up and self.asked.client.has_local_users):
            return ""
        href = address("/signup", self.asked)
        return f'<p class="links">Need an account? {link(href, "Sign up")}</p>\n'
