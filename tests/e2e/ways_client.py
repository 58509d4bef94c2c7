"""The pages of the demo clients and of the resource server, and how a visitor comes to see each."""

from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from e2e.gallery import Visitor, Way
from e2e.pages import ConsentPage, TimelinePage


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
    client = visitor.gallery.client("dynamic")
    visitor.go(client)
    visitor.go(f"{client}/callback?state=nonsense")
    visitor.shows("advice")


def client_without_cookie(visitor: Visitor) -> None:
    visitor.go(f"{visitor.gallery.client('dynamic')}/callback?state=nonsense")
    visitor.shows("advice")


def timeline_of_a_second_log_in(visitor: Visitor) -> None:
    """The note is open that a registration was used again."""
    client = visitor.log_in_at("dynamic")
    client.press("log-out")
    client.press("log-in")
    ConsentPage(visitor.page).expect_here(visitor.gallery.issuer).approve()
    client.expect_here().expect_logged_in()
    TimelinePage(visitor.page, client.url).open().open_exchange("registration_kept")


def client_answered_by_another_issuer(visitor: Visitor) -> None:
    """With the right state: what a mix-up attack looks like (RFC 9207)."""
    client = visitor.start_at("dynamic")
    (state,) = parse_qs(urlsplit(visitor.page.url).query)["state"]
    answer = {"code": "of-another-server", "state": state, "iss": "https://attacker.example"}
    visitor.go(f"{client.url}/callback?{urlencode(answer)}")
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
    "client-preregistered": client_home("preregistered"),
    "client-dynamic": client_home("dynamic"),
    "client-metadata-document": client_home("metadata_document"),
    "client-logged-in": client_logged_in("metadata_document"),
    "client-denied": client_denied,
    "client-problem": client_problem,
    "client-other-issuer": client_answered_by_another_issuer,
    "client-without-cookie": client_without_cookie,
    "timeline": timeline,
    "timeline-empty": timeline_empty,
    "timeline-second-log-in": timeline_of_a_second_log_in,
    "console": console,
    "console-problem": console_problem,
    "attacks-stranger": attacks_of_a_stranger,
    "attacks": attacks,
    "start": start_page,
}
