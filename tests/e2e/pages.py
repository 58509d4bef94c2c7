"""The pages a person meets on the way, as a person sees them."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

GONE_MILLISECONDS = 5_000


@dataclass(frozen=True, slots=True)
class ClientPage:
    """The start page of a demo client."""

    page: Page
    url: str

    def open(self) -> "ClientPage":
        self.page.goto(self.url)
        return self

    def press(self, button: str) -> None:
        self.page.get_by_test_id(button).click()

    def expect_here(self) -> "ClientPage":
        expect(self.page).to_have_url(f"{self.url}/")
        return self

    def expect_logged_in(self, logged_in: bool = True) -> None:
        state = self.page.get_by_test_id("login-state")
        expect(state).to_have_attribute("data-logged-in", "true" if logged_in else "false")

    def expect_status(self, text: str, *, succeeded: bool = True) -> None:
        status = self.page.get_by_test_id("status")
        expect(status).to_have_text(text)
        expect(status).to_have_attribute("data-succeeded", "true" if succeeded else "false")

    def create(self, title: str, content: str) -> None:
        self.page.get_by_test_id("title").fill(title)
        self.page.get_by_test_id("content").fill(content)
        self.press("create")

    def call_tool(self, name: str, arguments: dict[str, object]) -> None:
        self.page.get_by_test_id("tool").select_option(name)
        self.page.get_by_test_id("arguments").fill(json.dumps(arguments))
        self.press("call-tool")

    def says(self, test_id: str) -> str:
        return self.page.get_by_test_id(test_id).inner_text().strip()

    def result(self) -> Any:
        return json.loads(self.says("result"))

    def claim(self, name: str) -> str:
        row = self.page.get_by_test_id("claims").locator(f'tr[data-claim="{name}"] [data-value]')
        return row.inner_text().strip()

    def scopes(self) -> list[str]:
        return self.says("scopes").split()


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Every exchange of a demo client's visitor."""

    page: Page
    url: str

    def open(self) -> "TimelinePage":
        self.page.goto(f"{self.url}/timeline")
        return self

    def expect_live(self) -> None:
        expect(self.page.get_by_test_id("live")).to_contain_text("Live.")

    def expect_last(self, step: str, *, status: str | None = None) -> None:
        last = self.page.get_by_test_id("exchange").last
        expect(last).to_have_attribute("data-step", step)
        if status is not None:
            expect(last).to_have_attribute("data-status", status)

    def open_exchange(self, step: str) -> Locator:
        exchange = self.page.locator(f'[data-step="{step}"]').last
        exchange.locator("> summary").click()
        return exchange

    def steps(self) -> list[str]:
        exchanges = self.page.get_by_test_id("exchange").all()
        return [exchange.get_attribute("data-step") or "" for exchange in exchanges]

    def all_steps(self) -> list[str]:
        """Those of older pages too; it leaves the oldest one open."""
        steps = self.steps()
        while self.page.get_by_test_id("older").count():
            self.page.get_by_test_id("older").click()
            steps = [*self.steps(), *steps]
        return steps

    def html(self) -> str:
        return self.page.content()


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """The bridge's question, before anybody logs in."""

    page: Page

    def expect_here(self, issuer: str) -> "ConsentPage":
        expect(self.page).to_have_title("Allow access? · mcp-authstack")
        assert self.page.url.startswith(f"{issuer}/authorize?")
        return self

    def approve(self) -> None:
        self.page.get_by_test_id("approve").click()

    def deny(self) -> None:
        self.page.get_by_test_id("deny").click()

    def scopes(self) -> str:
        return self.page.get_by_test_id("scopes").inner_text()

    def use_another_account(self) -> "LogoutPage":
        with self.page.context.expect_page() as opened:
            self.page.get_by_test_id("other-account").click()
        return LogoutPage(opened.value)


@dataclass(frozen=True, slots=True)
class LogoutPage:
    """The bridge's question whether to log out at the identity provider."""

    page: Page

    def log_out(self, issuer: str) -> None:
        self.page.get_by_test_id("log-out").click()
        if not self.page.url.startswith(issuer):
            # Keycloak asks for itself
            self.page.locator("#kc-logout").click()
        expect(self.page).to_have_title("Logged out · mcp-authstack")
        expect(self.page.get_by_test_id("logout")).to_have_text("You are logged out")


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The identity provider's form."""

    page: Page

    def sign_in(self, username: str, password: str, *, wait: bool = True) -> None:
        """wait: for the page that follows"""
        self.page.locator("#username").fill(username)
        self.page.locator("#password").fill(password)
        self.page.get_by_role("button", name="Sign in").click(no_wait_after=not wait)

    def sign_in_if_asked(self, username: str, password: str) -> None:
        """Keycloak's session ends with the last grant that came from it, Cognito's does not.

        And Keycloak's form goes on by itself, even half filled in, once another tab has logged in.
        """
        asked = self.page.locator("#username")
        asked.or_(self.page.get_by_test_id("login-state")).wait_for()
        if asked.is_visible():
            with suppress(TimeoutError):
                asked.fill(username, timeout=GONE_MILLISECONDS)
                self.page.locator("#password").fill(password, timeout=GONE_MILLISECONDS)
                button = self.page.get_by_role("button", name="Sign in")
                button.click(timeout=GONE_MILLISECONDS)

    def ask_for_sign_up(self) -> "SignUpPage":
        self.page.get_by_role("link", name="Sign up").click()
        return SignUpPage(self.page)

    def ask_for_new_password(self) -> "NewPasswordPage":
        self.page.get_by_role("link", name="Forgot your password?").click()
        return NewPasswordPage(self.page)

    def expect_notice(self, text: str) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(text)


@dataclass(frozen=True, slots=True)
class MailedPage:
    """A page of the Cognito emulator that waits for a code, with its mailbox beside it."""

    page: Page

    @property
    def mailed_code(self) -> str:
        return self.page.locator("#mailed-code").inner_text()

    @property
    def wrong_code(self) -> str:
        return f"{(int(self.mailed_code) + 1) % 1_000_000:06}"

    def expect_problem(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_have_text(text)


@dataclass(frozen=True, slots=True)
class SignUpPage(MailedPage):
    """The Cognito emulator's sign-up form, and the page after it that asks for the code."""

    def sign_up(self, email: str, password: str) -> None:
        """All of it, until the person is logged in."""
        self.fill_in(email, password)
        self.confirm(self.mailed_code)

    def fill_in(self, email: str, password: str) -> None:
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign up").click()

    def confirm(self, code: str) -> None:
        self.page.get_by_label("Verification code").fill(code)
        self.page.get_by_role("button", name="Confirm account").click()

    def ask_again(self) -> None:
        self.page.get_by_role("button", name="Send a new code").click()


@dataclass(frozen=True, slots=True)
class NewPasswordPage(MailedPage):
    """Where somebody ends who forgot a password."""

    def ask_for_code(self, email: str) -> None:
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_role("button", name="Reset my password").click()

    def change(self, code: str, password: str) -> None:
        self.page.get_by_label("Code").fill(code)
        self.page.get_by_label("New password", exact=True).fill(password)
        self.page.get_by_label("Enter new password again").fill(password)
        self.page.get_by_role("button", name="Change password").click()


@dataclass(frozen=True, slots=True)
class KeycloakSignUpPage:
    """Keycloak's own form; the realm verifies no address."""

    page: Page

    def sign_up(self, email: str, password: str) -> None:
        typed = {
            "email": email,
            "password": password,
            "password-confirm": password,
            "firstName": "Somebody",
            "lastName": "New",
        }
        for field, value in typed.items():
            self.page.locator(f"#{field}").fill(value)
        self.page.get_by_role("button", name="Register").click()
