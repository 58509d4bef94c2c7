"""Every page that a person can meet, and how to get there. A new page is one line."""

import secrets
from collections.abc import Callable
from urllib.parse import urljoin

from e2e.gallery import APP, MUTE, NAMELESS, NOBODY, READ, WRITE, Visitor
from e2e.pages import ConsentPage, NewPasswordPage, SignInPage, SignUpPage, TimelinePage
from fakes.document_host import REDIRECT_URI

Way = Callable[[Visitor], None]
LOOPBACK = "http://localhost:9/callback"


def consent_at(kind: str) -> Way:
    def way(visitor: Visitor) -> None:
        visitor.start_at(kind)

    return way


def consent_of_a_domain(visitor: Visitor) -> None:
    visitor.ask(scope=f"{READ} {WRITE}")
    visitor.shows("requester", "notes.example")


def form_expired(visitor: Visitor) -> None:
    visitor.ask()
    visitor.alter_form(visitor.gallery.ten_minutes_ago(visitor.sealed_form(), visitor.browser_id()))
    visitor.answer("approve")
    visitor.shows("error", "This question has expired")


def form_used(visitor: Visitor) -> None:
    visitor.ask(APP, REDIRECT_URI)
    spent = visitor.sealed_form()
    visitor.answer("approve")
    visitor.page.locator("#username").wait_for()
    visitor.ask()
    visitor.alter_form(spent)
    visitor.answer("deny")
    visitor.shows("error", "This question was already answered")


def form_altered(visitor: Visitor) -> None:
    visitor.ask()
    visitor.alter_form("m1.nonsense")
    visitor.answer("approve")
    visitor.shows("error", "This answer cannot be accepted")


def cookie_missing(visitor: Visitor) -> None:
    visitor.ask()
    visitor.context.clear_cookies()
    visitor.answer("approve")
    visitor.shows("error", "Your browser did not send our cookie")


def another_browser(visitor: Visitor) -> None:
    """The provider sends the wrong browser back: the cookie is gone on the way."""
    visitor.ask()
    visitor.answer("approve")
    visitor.page.locator("#username").wait_for()
    visitor.context.clear_cookies()
    SignInPage(visitor.page).sign_in(*visitor.gallery.demo_user)
    visitor.shows("error", "This log-in was started in another browser")


def log_in_too_late(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.issuer}/callback?code=x&state=gone.forever")
    visitor.shows("error", "This log-in took too long")


def app_unknown(visitor: Visitor) -> None:
    visitor.ask("mcp-nobody")
    visitor.shows("error", "This app is not known here")


def redirect_not_registered(visitor: Visitor) -> None:
    visitor.ask(redirect_uri="https://elsewhere.example/callback")
    visitor.shows("error", "The app wants its answer at a wrong address")


def bad_link(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.issuer}/authorize")
    visitor.shows("error", "The app’s request is not valid")


def document_host_mute(visitor: Visitor) -> None:
    visitor.ask(MUTE)
    visitor.shows("error", "The app’s description could not be read")


def document_invalid(visitor: Visitor) -> None:
    visitor.ask(NAMELESS)
    visitor.shows("error", "The app’s description is not valid")
    visitor.shows("description")


def interstitial(visitor: Visitor) -> None:
    visitor.ask(visitor.register(NOBODY), NOBODY, scope="nonsense")
    visitor.shows("target", "https://nobody.example")


def already_completed(visitor: Visitor) -> None:
    callbacks: list[str] = []
    start = f"{visitor.gallery.issuer}/callback?"
    visitor.page.on(
        "request", lambda sent: callbacks.append(sent.url) if sent.url.startswith(start) else None
    )
    visitor.log_in_at("dynamic")
    visitor.go(callbacks[0])
    visitor.shows("already", "This log-in is already completed")


def store_away(visitor: Visitor) -> None:
    visitor.afterwards.enter_context(visitor.gallery.without("valkey"))
    visitor.ask("mcp-somebody")
    visitor.shows("error", "This service is interrupted")


def provider_away(visitor: Visitor) -> None:
    client_id = visitor.register(LOOPBACK)  # the emulator keeps registrations as well
    visitor.afterwards.enter_context(visitor.gallery.without("emulator"))
    visitor.afterwards.enter_context(visitor.gallery.provider_to_discover())
    visitor.ask(client_id, LOOPBACK)
    visitor.answer("approve")
    visitor.shows("error", "The log-in page cannot be reached")


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


def new_password(visitor: Visitor) -> None:
    forgotten_password(visitor).ask_for_code(an_address())
    visitor.page.locator("#mailed-code").wait_for()


def log_out(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.issuer}/logout")
    visitor.shows("logout", "Log out of your account?")


def logged_out(visitor: Visitor) -> None:
    log_out(visitor)
    visitor.page.get_by_test_id("log-out").click()
    visitor.shows("logout", "You are logged out")


def client_home(kind: str) -> Way:
    def way(visitor: Visitor) -> None:
        visitor.go(visitor.gallery.client(kind))

    return way


def client_logged_in(kind: str) -> Way:
    def way(visitor: Visitor) -> None:
        client = visitor.log_in_at(kind)
        client.press("fetch")
        client.expect_status("The resource server sent its data.")

    return way


def client_denied(visitor: Visitor) -> None:
    visitor.start_at("dynamic")
    ConsentPage(visitor.page).deny()
    visitor.shows("status", "You denied access.")


def client_problem(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.client('dynamic')}/callback?state=nonsense")
    visitor.shows("status")


def timeline(visitor: Visitor) -> None:
    """Of somebody who logged in and fetched data; the answer to the code is open."""
    client = visitor.log_in_at("dynamic")
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    TimelinePage(visitor.page, client.url).open().open_exchange("token")


def timeline_empty(visitor: Visitor) -> None:
    TimelinePage(visitor.page, visitor.gallery.client("dynamic")).open()
    visitor.shows("empty")


def console(visitor: Visitor) -> None:
    """A tool's form with a mistake, then its answer with the exchange beside it."""
    client = visitor.log_in_at("metadata_document")
    for step in ("console-link", "list-tools"):
        client.press(step)
    visitor.page.get_by_test_id("tools").get_by_role("link", name="list_contexts").click()
    client.press("call-tool")
    client.expect_status("The tool answered (MCP 2026-07-28).")


def console_problem(visitor: Visitor) -> None:
    console(visitor)
    visitor.page.get_by_test_id("argument.limit").fill("many")
    visitor.page.get_by_test_id("call-tool").click()
    visitor.shows("problem", "This must be a whole number.")


def attacks_of_a_stranger(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.client('preregistered')}/attacks")
    visitor.shows("missing-pkce")


def attacks(visitor: Visitor) -> None:
    visitor.log_in_at("preregistered").press("attacks-link")
    for name in ("missing-pkce", "altered-token", "missing-scope"):
        visitor.page.get_by_test_id(f"try-{name}").click()
        visitor.page.locator(f"#{name}[data-result=refused]").wait_for()


def start_page(visitor: Visitor) -> None:
    visitor.go(urljoin(str(visitor.gallery.status["resource"]), "/"))
    _, *closed = visitor.page.locator("summary").all()
    for summary in closed:
        summary.click()


PAGES: dict[str, Way] = {
    "consent-domain": consent_of_a_domain,
    "consent-preregistered": consent_at("preregistered"),
    "consent-dynamic": consent_at("dynamic"),
    "consent-this-computer": consent_at("metadata_document"),
    "interstitial": interstitial,
    "already-completed": already_completed,
    "error-form-expired": form_expired,
    "error-form-used": form_used,
    "error-form-altered": form_altered,
    "error-cookie-missing": cookie_missing,
    "error-another-browser": another_browser,
    "error-log-in-too-late": log_in_too_late,
    "error-app-unknown": app_unknown,
    "error-redirect-not-registered": redirect_not_registered,
    "error-bad-link": bad_link,
    "error-document-host-mute": document_host_mute,
    "error-document-invalid": document_invalid,
    "error-store-away": store_away,
    "error-provider-away": provider_away,
    "emulator-log-in": log_in_form,
    "emulator-wrong-password": wrong_password,
    "emulator-error": provider_refuses,
    "emulator-sign-up": sign_up,
    "emulator-sign-up-refused": sign_up_refused,
    "emulator-sign-up-code": sign_up_code,
    "emulator-forgotten-password": password_forgotten,
    "emulator-new-password": new_password,
    "log-out": log_out,
    "logged-out": logged_out,
    "client-preregistered": client_home("preregistered"),
    "client-dynamic": client_home("dynamic"),
    "client-metadata-document": client_home("metadata_document"),
    "client-logged-in": client_logged_in("metadata_document"),
    "client-denied": client_denied,
    "client-problem": client_problem,
    "timeline": timeline,
    "timeline-empty": timeline_empty,
    "console": console,
    "console-problem": console_problem,
    "attacks-stranger": attacks_of_a_stranger,
    "attacks": attacks,
    "start": start_page,
}
