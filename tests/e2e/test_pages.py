"""What people do to pages: two tabs, the back button, a double click, no cookies."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from e2e.conftest import CHROMIUM_OPTIONS, chromium_program
from e2e.gallery import Gallery, Visitor, visiting
from e2e.pages import ClientPage, ConsentPage, SignInPage
from e2e.ways_bridge import (
    LOOPBACK,
    app_unknown,
    cookie_missing,
    document_invalid,
    interstitial,
    provider_away,
    store_away,
)
from playwright.sync_api import Browser, expect

NewVisitor = Callable[..., Visitor]
KINDS = ["preregistered", "dynamic", "metadata_document"]
BLOCK = 2  # of Chromium's content settings
# What a button looks like to somebody who chooses between two
LOOKS = """
    button => {
        const style = getComputedStyle(button), box = button.getBoundingClientRect();
        const named = ["color", "backgroundColor", "borderColor", "borderWidth", "fontSize",
                       "fontWeight", "opacity", "visibility"];
        return [...named.map(name => style[name]), Math.round(box.width), Math.round(box.height)];
    }
"""


@pytest.fixture
def new_visitor(gallery: Gallery, chromium: Browser) -> Iterator[NewVisitor]:
    """Somebody with a browser of his own; options are the browser context's."""
    with ExitStack() as visits:

        def come(**options: object) -> Visitor:
            return visits.enter_context(visiting(gallery, chromium, **options))

        yield come


@pytest.fixture
def cookieless(gallery: Gallery, chromium: Browser, tmp_path: Path) -> Iterator[Visitor]:
    """Somebody whose browser takes no cookies."""
    preferences = {"profile": {"default_content_setting_values": {"cookies": BLOCK}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(preferences))
    with chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=chromium_program(), args=CHROMIUM_OPTIONS
    ) as context:
        yield Visitor(gallery, context, context.new_page())
        assert context.cookies() == []


@pytest.mark.requirement("AU15")
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_denying_has_the_size_and_the_weight_of_approving(
    new_visitor: NewVisitor, width: int, scheme: str
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 900}, color_scheme=scheme)
    visitor.ask()
    deny, approve = (visitor.page.get_by_test_id(name) for name in ("deny", "approve"))
    visitor.page.mouse.move(0, 0)
    assert deny.evaluate(LOOKS) == approve.evaluate(LOOKS)


@pytest.mark.requirement("AU15")
def test_the_keyboard_reaches_denying_first(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    visitor.ask()
    page, reached = visitor.page, []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText"))
    assert reached == ["Terms of service", "Privacy policy", "Deny", "Approve and log in"]


@pytest.mark.requirement("AU17", "CB4")
def test_two_tabs_log_in_at_once(gallery: Gallery, new_visitor: NewVisitor) -> None:
    """All questions are open before any is answered, and all answers arrive."""
    visitor = new_visitor()
    tabs = {kind: ClientPage(visitor.context.new_page(), gallery.client(kind)) for kind in KINDS}
    for tab in tabs.values():
        tab.open().press("log-in")
        ConsentPage(tab.page).expect_here(gallery.issuer)
    for tab in tabs.values():
        ConsentPage(tab.page).approve()
        tab.page.locator("#username").wait_for()
    for tab in tabs.values():
        SignInPage(tab.page).sign_in_if_asked(*gallery.demo_user)
        tab.expect_here().expect_logged_in()
    assert len({tab.claim("gid") for tab in tabs.values()}) == len(KINDS)


@pytest.mark.requirement("AU17")
@pytest.mark.parametrize("kind", KINDS)
def test_two_tabs_of_one_app_ask_twice(
    gallery: Gallery, new_visitor: NewVisitor, kind: str
) -> None:
    """The first answer that comes back is the log-in; the second does no harm."""
    visitor = new_visitor()
    first, second = (ClientPage(visitor.context.new_page(), gallery.client(kind)) for _ in range(2))
    for tab in (first, second):
        tab.open().press("log-in")
        ConsentPage(tab.page).expect_here(gallery.issuer)
    ConsentPage(first.page).approve()
    SignInPage(first.page).sign_in(*gallery.demo_user)
    first.expect_here().expect_logged_in()
    ConsentPage(second.page).deny()
    first.open().expect_logged_in()


@pytest.mark.parametrize("kind", KINDS)
def test_going_back_after_consent_asks_again_and_works(
    gallery: Gallery, new_visitor: NewVisitor, kind: str
) -> None:
    visitor = new_visitor()
    client = visitor.start_at(kind)
    first_form = visitor.sealed_form()
    visitor.answer("approve")
    visitor.page.locator("#username").wait_for()
    visitor.page.go_back()
    ConsentPage(visitor.page).expect_here(gallery.issuer)
    assert visitor.sealed_form() != first_form
    visitor.answer("approve")
    SignInPage(visitor.page).sign_in(*gallery.demo_user)
    client.expect_here().expect_logged_in()


@pytest.mark.parametrize("kind", KINDS)
def test_going_back_after_a_log_in_and_approving_again_does_no_harm(
    gallery: Gallery, new_visitor: NewVisitor, kind: str
) -> None:
    """The question is a new one, but the app has had its answer and takes no second one."""
    visitor = new_visitor()
    client = visitor.log_in_at(kind)
    grant = client.claim("gid")
    visitor.page.go_back()
    visitor.page.go_back()
    ConsentPage(visitor.page).expect_here(gallery.issuer).approve()
    expect(visitor.page.get_by_test_id("status")).to_contain_text("does not belong to a log-in")
    client.open().expect_logged_in()
    assert client.claim("gid") == grant


@pytest.mark.requirement("AU18")
@pytest.mark.parametrize("kind", KINDS)
def test_a_double_click_on_approve_is_one_approval(
    gallery: Gallery, new_visitor: NewVisitor, kind: str
) -> None:
    visitor = new_visitor()
    client = visitor.start_at(kind)
    visitor.page.get_by_test_id("approve").dblclick()
    SignInPage(visitor.page).sign_in(*gallery.demo_user)
    client.expect_here().expect_logged_in()


@pytest.mark.requirement("CB4")
@pytest.mark.parametrize("kind", KINDS)
def test_reloading_the_callback_shares_nothing_more(new_visitor: NewVisitor, kind: str) -> None:
    visitor = new_visitor()
    callbacks: list[str] = []
    start = f"{visitor.gallery.issuer}/callback?"
    visitor.page.on(
        "request", lambda sent: callbacks.append(sent.url) if sent.url.startswith(start) else None
    )
    client = visitor.log_in_at(kind)
    grant = client.claim("gid")
    for _ in range(2):
        visitor.go(callbacks[0])
        visitor.shows("already", "This log-in is already completed")
        visitor.page.reload()
        visitor.shows("already", "This log-in is already completed")
    assert client.open().claim("gid") == grant


@pytest.mark.requirement("AU17")
def test_with_cookies_switched_off_nobody_gets_through_and_is_told_why(
    cookieless: Visitor,
) -> None:
    cookieless.ask(cookieless.register(LOOPBACK), LOOPBACK)
    cookieless.answer("approve")
    cookieless.shows("error", "Your browser did not send our cookie")
    cookieless.shows("shared", "Nothing was shared.")


@pytest.mark.parametrize("kind", KINDS)
def test_with_cookies_switched_off_a_client_says_so_at_every_button(
    cookieless: Visitor, kind: str
) -> None:
    client = ClientPage(cookieless.page, cookieless.gallery.client(kind))
    for path, button in (
        *(("/", name) for name in ("log-in", "fetch", "list-tools")),
        *(("/console", name) for name in ("fetch", "list-tools")),
        ("/attacks", "try-missing-pkce"),
    ):
        cookieless.go(f"{client.url}{path}")
        client.press(button)
        told = expect(cookieless.page.get_by_test_id("problem"))
        told.to_contain_text("Your browser did not send this site's cookie")
        told.to_contain_text("nothing was sent to anybody")
        told.to_contain_text("Allow cookies for this site")
        assert cookieless.page.url.startswith(client.url)


@pytest.mark.parametrize("kind", KINDS)
def test_without_script_everything_works(
    gallery: Gallery, new_visitor: NewVisitor, kind: str
) -> None:
    visitor = new_visitor(java_script_enabled=False)
    visitor.start_at(kind)
    visitor.answer("approve")
    SignInPage(visitor.page).sign_in(*gallery.demo_user)
    expect(visitor.page.get_by_test_id("login-state")).to_have_attribute("data-logged-in", "true")


@pytest.mark.requirement("OP2")
@pytest.mark.parametrize(
    ("meet", "reason"),
    [
        (app_unknown, "neither configured nor registered"),
        (document_invalid, "client_name"),
        (cookie_missing, "the browser's cookie is missing"),
        (interstitial, ""),
        (provider_away, "issuer http"),
        (store_away, "redis"),
    ],
)
def test_the_reference_leads_to_the_reason_in_the_log(
    gallery: Gallery, new_visitor: NewVisitor, meet: Callable[[Visitor], None], reason: str
) -> None:
    visitor = new_visitor()
    meet(visitor)
    reference = visitor.page.get_by_test_id("reference").inner_text()
    lines = gallery.logged(reference)
    assert any(line["event"] == "request_handled" for line in lines)
    assert any(reason in str(line.get("reason", "")) for line in lines)


@pytest.mark.requirement("CB7")
def test_a_provider_that_goes_away_while_somebody_logs_in_is_told_to_the_app(
    gallery: Gallery, new_visitor: NewVisitor
) -> None:
    """The browser comes back with a code that nobody can redeem now."""
    visitor = new_visitor()
    client = visitor.start_at("dynamic")
    visitor.answer("approve")
    callback = f"{gallery.issuer}/callback?"
    with gallery.paused("bridge"):
        with visitor.page.expect_request(lambda sent: sent.url.startswith(callback)):
            SignInPage(visitor.page).sign_in(*gallery.demo_user, wait=False)
        visitor.afterwards.enter_context(gallery.without("emulator"))
    client.expect_here().expect_logged_in(False)
    expect(visitor.page.get_by_test_id("status")).to_have_attribute("data-succeeded", "false")
