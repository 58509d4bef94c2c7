"""The pages of the authorization server, and how a visitor comes to see each."""

from e2e.gallery import APP, MUTE, NAMELESS, NOBODY, READ, WRITE, Visitor, Way
from e2e.pages import SignInPage
from fakes.document_host import REDIRECT_URI

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
    visitor.go(f"{visitor.gallery.issuer}/callback?code=of-yesterday&state=gone.forever")
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


def log_out(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.issuer}/logout")
    visitor.shows("logout", "Log out of your account?")


def logged_out(visitor: Visitor) -> None:
    log_out(visitor)
    visitor.page.get_by_test_id("log-out").click()
    visitor.shows("logout", "You are logged out")


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
    "log-out": log_out,
    "logged-out": logged_out,
}
