"""The emulator's own pages, which stand for Cognito's, and how a visitor comes to see each."""

import secrets

from e2e.gallery import Visitor, Way
from e2e.pages import NewPasswordPage, SignInPage, SignUpPage


def log_in_form(visitor: Visitor) -> None:
    visitor.ask()
    visitor.answer("approve")
    visitor.page.locator("#username").wait_for()


def wrong_password(visitor: Visitor) -> None:
    log_in_form(visitor)
    SignInPage(visitor.page).sign_in("demo@example.com", "wrong")
    visitor.page.get_by_role("alert").wait_for()


def provider_refuses(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.emulator}/error?error=redirect_mismatch&client_id=abc")


def sign_up_form(visitor: Visitor) -> SignUpPage:
    log_in_form(visitor)
    return SignInPage(visitor.page).ask_for_sign_up()


def sign_up(visitor: Visitor) -> None:
    sign_up_form(visitor)


def sign_up_refused(visitor: Visitor) -> None:
    sign_up_form(visitor).fill_in(an_address(), "short")
    visitor.page.get_by_role("alert").wait_for()


def sign_up_code(visitor: Visitor) -> None:
    page = sign_up_form(visitor)
    page.fill_in(an_address(), "Own-Passw0rd-1!")
    page.confirm(page.wrong_code)
    visitor.page.get_by_role("alert").wait_for()


def an_address() -> str:
    return f"new-{secrets.token_hex(8)}@example.com"


def forgotten_password(visitor: Visitor) -> NewPasswordPage:
    log_in_form(visitor)
    return SignInPage(visitor.page).ask_for_new_password()


def password_forgotten(visitor: Visitor) -> None:
    forgotten_password(visitor)


def new_password(visitor: Visitor) -> NewPasswordPage:
    page = forgotten_password(visitor)
    page.ask_for_code(an_address())
    visitor.page.locator("#mailed-code").wait_for()
    return page


def mailed_code(visitor: Visitor) -> None:
    new_password(visitor)


def new_password_refused(visitor: Visitor) -> None:
    page = new_password(visitor)
    page.change(page.wrong_code, "Own-Passw0rd-1!")
    visitor.page.get_by_role("alert").wait_for()


PAGES: dict[str, Way] = {
    "emulator-log-in": log_in_form,
    "emulator-wrong-password": wrong_password,
    "emulator-error": provider_refuses,
    "emulator-sign-up": sign_up,
    "emulator-sign-up-refused": sign_up_refused,
    "emulator-sign-up-code": sign_up_code,
    "emulator-forgotten-password": password_forgotten,
    "emulator-new-password": mailed_code,
    "emulator-new-password-refused": new_password_refused,
}
