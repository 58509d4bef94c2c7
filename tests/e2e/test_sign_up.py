"""Somebody new, in the middle of an authorization; and somebody who forgot a password."""

import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage, NewPasswordPage, SignInPage, SignUpPage
from playwright.sync_api import Browser, BrowserContext, expect

KINDS = ["preregistered", "dynamic", "metadata_document"]
PASSWORD, NEW = "Own-Passw0rd-1!", "New-Passw0rd-2?"
MISMATCH = "Invalid verification code provided, please try again."

AtLogIn = Callable[[BrowserContext, str], ClientPage]


def an_address() -> str:
    return f"new-{secrets.token_hex(8)}@example.com"


def go_to_log_in(stack: Stack) -> AtLogIn:
    """A client's page whose visitor has agreed, and stands before the provider's log-in."""

    def go(context: BrowserContext, kind: str) -> ClientPage:
        client = ClientPage(context.new_page(), stack.client(kind)).open()
        client.press("log-in")
        ConsentPage(client.page).expect_here(stack.issuer).approve()
        return client

    return go


@pytest.fixture
def at_log_in(stack: Stack) -> AtLogIn:
    return go_to_log_in(stack)


@pytest.fixture
def without_script(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield context
    context.close()


def signs_up(client: ClientPage, email: str) -> None:
    """The wrong code first, then a new one, then the right one."""
    page = SignInPage(client.page).ask_for_sign_up()
    page.fill_in(email, "short")
    expect(client.page.get_by_role("alert")).to_contain_text("Password did not conform with policy")
    page.fill_in(email, PASSWORD)
    page.confirm(page.wrong_code)
    page.expect_problem(MISMATCH)
    page.ask_again()
    expect(client.page.get_by_role("status")).to_contain_text("We have sent a new code")
    page.confirm(page.mailed_code)


@pytest.mark.parametrize("kind", KINDS)
def test_somebody_new_signs_up_and_is_back_at_the_client(
    browser_context: BrowserContext, at_log_in: AtLogIn, kind: str
) -> None:
    client = at_log_in(browser_context, kind)
    signs_up(client, an_address())
    client.expect_here().expect_status("You are logged in.")
    client.expect_logged_in()
    client.press("fetch")
    client.expect_status("The resource server sent its data.")


@pytest.mark.parametrize("kind", KINDS)
def test_signing_up_needs_no_script(
    without_script: BrowserContext, at_log_in: AtLogIn, kind: str
) -> None:
    client = at_log_in(without_script, kind)
    signs_up(client, an_address())
    client.expect_here().expect_logged_in()


@pytest.mark.parametrize("script", [True, False])
def test_a_forgotten_password_is_replaced_and_opens_the_client(
    browser_context: BrowserContext,
    without_script: BrowserContext,
    at_log_in: AtLogIn,
    chromium: Browser,
    script: bool,
) -> None:
    email = an_address()
    before = chromium.new_context()
    SignInPage(at_log_in(before, "dynamic").page).ask_for_sign_up().sign_up(email, PASSWORD)
    before.close()
    client = at_log_in(browser_context if script else without_script, "dynamic")
    log_in = SignInPage(client.page)
    page = log_in.ask_for_new_password()
    page.ask_for_code(email)
    page.change(page.wrong_code, NEW)
    page.expect_problem(MISMATCH)
    page.change(page.mailed_code, NEW)
    log_in.expect_notice("Your password has been changed")
    log_in.sign_in(email, PASSWORD)
    expect(client.page.get_by_role("alert")).to_have_text("Incorrect username or password.")
    log_in.sign_in(email, NEW)
    client.expect_here().expect_logged_in()


def test_an_address_that_is_taken_leads_to_the_log_in(
    stack: Stack, browser_context: BrowserContext, at_log_in: AtLogIn
) -> None:
    client = at_log_in(browser_context, "dynamic")
    username, password = stack.demo_user
    page = SignInPage(client.page).ask_for_sign_up()
    page.fill_in(username, PASSWORD)
    page.expect_problem("An account with the given email already exists.")
    client.page.get_by_role("link", name="Sign in").click()
    SignInPage(client.page).sign_in(username, password)
    client.expect_here().expect_logged_in()


def test_reloading_and_going_back_lose_nothing(
    browser_context: BrowserContext, at_log_in: AtLogIn
) -> None:
    client = at_log_in(browser_context, "dynamic")
    page = SignInPage(client.page).ask_for_sign_up()
    page.fill_in(an_address(), PASSWORD)
    code = page.mailed_code
    client.page.reload()
    assert page.mailed_code == code
    client.page.go_back()
    client.page.go_forward()
    page.confirm(page.mailed_code)
    client.expect_here().expect_logged_in()


def test_two_people_sign_up_in_two_tabs_at_once(
    browser_context: BrowserContext, at_log_in: AtLogIn
) -> None:
    clients = [at_log_in(browser_context, kind) for kind in ("dynamic", "metadata_document")]
    pages = [SignInPage(client.page).ask_for_sign_up() for client in clients]
    for page in pages:
        page.fill_in(an_address(), PASSWORD)
    for client, page in zip(clients, pages, strict=True):
        page.confirm(page.mailed_code)
        client.expect_here().expect_logged_in()
    assert clients[0].claim("sub") != clients[1].claim("sub")


def test_somebody_who_left_before_the_code_is_led_back_to_it(
    browser_context: BrowserContext, at_log_in: AtLogIn, chromium: Browser
) -> None:
    email = an_address()
    before = chromium.new_context()
    SignInPage(at_log_in(before, "dynamic").page).ask_for_sign_up().fill_in(email, PASSWORD)
    before.close()
    client = at_log_in(browser_context, "metadata_document")
    SignInPage(client.page).sign_in(email, PASSWORD)
    page = SignUpPage(client.page)
    page.confirm(page.mailed_code)
    client.expect_here().expect_logged_in()


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_cut_off_or_loads_anything_from_elsewhere(
    browser_context: BrowserContext, at_log_in: AtLogIn, width: int
) -> None:
    complaints: list[str] = []
    hosts: set[str] = set()
    client = at_log_in(browser_context, "dynamic")
    client.page.set_viewport_size({"width": width, "height": 800})
    client.page.on("console", lambda message: complaints.append(message.text))
    client.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))

    def expect_whole() -> None:
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert client.page.evaluate(overflow) == 0
        assert client.page.locator("script").count() == 0

    page = SignInPage(client.page).ask_for_sign_up()
    expect_whole()
    page.fill_in(f"{'long-' * 8}{secrets.token_hex(8)}@example.com", PASSWORD)
    expect_whole()
    page.confirm(page.wrong_code)
    expect_whole()
    client.page.get_by_role("link", name="Back to sign in").click()
    SignInPage(client.page).ask_for_new_password()
    expect_whole()
    forgotten = NewPasswordPage(client.page)
    forgotten.ask_for_code(an_address())
    expect_whole()
    forgotten.change(forgotten.mailed_code, PASSWORD)
    forgotten.expect_problem(MISMATCH)
    expect_whole()
    assert not [one for one in complaints if not re.search(r"status of 400", one)]
    assert len(hosts) == 1
