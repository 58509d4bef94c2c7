"""A person's journey through each of the three clients, in a real browser."""

from collections.abc import Callable

import pytest
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage, SignInPage
from playwright.sync_api import BrowserContext, expect

KINDS = ["preregistered", "dynamic", "metadata_document"]
READ, WRITE = "mcp-api/read", "mcp-api/write"

OpenClient = Callable[[str], ClientPage]


@pytest.fixture
def open_client(stack: Stack, browser_context: BrowserContext) -> OpenClient:
    """The start page of a client in a new browser."""

    def open_it(kind: str) -> ClientPage:
        return ClientPage(browser_context.new_page(), stack.client(kind)).open()

    return open_it


@pytest.fixture
def log_in(stack: Stack, open_client: OpenClient) -> OpenClient:
    """The same, logged in."""

    def log_it_in(kind: str) -> ClientPage:
        client = open_client(kind)
        client.press("log-in")
        ConsentPage(client.page).expect_here(stack.issuer).approve()
        SignInPage(client.page).sign_in(*stack.demo_user)
        return client.expect_here()

    return log_it_in


@pytest.mark.parametrize("kind", KINDS)
def test_a_visitor_logs_in_and_fetches_data(stack: Stack, log_in: OpenClient, kind: str) -> None:
    client = log_in(kind)
    client.expect_status("You are logged in.")
    client.expect_logged_in()
    assert client.says("issuer") == stack.issuer == client.claim("iss")
    assert client.claim("aud") == stack.resource
    assert client.claim("client_id") == client.says("client-id")
    assert client.scopes() == [READ]
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    assert isinstance(client.result(), dict)


@pytest.mark.parametrize("kind", KINDS)
def test_a_visitor_who_denies_is_not_logged_in(
    stack: Stack, open_client: OpenClient, kind: str
) -> None:
    client = open_client(kind)
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer).deny()
    client.expect_here().expect_status("You denied access.", succeeded=False)
    client.expect_logged_in(False)


@pytest.mark.parametrize("kind", KINDS)
def test_creating_a_context_asks_for_more_and_goes_on(
    stack: Stack, log_in: OpenClient, kind: str
) -> None:
    client = log_in(kind)
    title = f"Made by {kind}"
    client.create(title, "over REST")
    consent = ConsentPage(client.page).expect_here(stack.issuer)
    assert READ in consent.scopes()
    assert WRITE in consent.scopes()
    consent.approve()
    client.expect_here().expect_status("The context was created.")
    assert client.result()["title"] == title
    assert set(client.scopes()) == {READ, WRITE}
    client.press("fetch")
    assert title in client.says("result")


@pytest.mark.parametrize("kind", KINDS)
def test_denying_more_keeps_the_login(stack: Stack, log_in: OpenClient, kind: str) -> None:
    client = log_in(kind)
    client.create("never", "made")
    ConsentPage(client.page).expect_here(stack.issuer).deny()
    client.expect_here().expect_status("You denied access.", succeeded=False)
    client.expect_logged_in()
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    assert '"never"' not in client.says("result")


@pytest.mark.parametrize("kind", KINDS)
def test_a_tool_answers(stack: Stack, log_in: OpenClient, kind: str) -> None:
    client = log_in(kind)
    client.call_tool("whoami", {})
    client.expect_status("The tool answered (MCP 2026-07-28).")
    answer = client.result()["structuredContent"]
    assert answer["client_id"] == client.says("client-id")
    assert answer["issuer"] == stack.issuer
    client.call_tool("create_context", {"title": f"By tool, {kind}", "content": "over MCP"})
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    client.expect_here().expect_status("The tool answered (MCP 2026-07-28).")


@pytest.mark.parametrize("kind", KINDS)
def test_refreshing_brings_another_token(log_in: OpenClient, kind: str) -> None:
    client = log_in(kind)
    first, grant = client.claim("jti"), client.claim("gid")
    client.press("refresh")
    client.expect_status("The tokens are new.")
    assert client.claim("jti") != first
    assert client.claim("gid") == grant
    client.press("refresh")
    expect(client.page.get_by_test_id("refreshed")).to_contain_text("refreshed 2 times")
    client.press("fetch")
    client.expect_status("The resource server sent its data.")


@pytest.mark.parametrize("kind", KINDS)
def test_logging_out_ends_the_grant(stack: Stack, log_in: OpenClient, kind: str) -> None:
    client = log_in(kind)
    grant = client.claim("gid")
    client.press("log-out")
    client.expect_status("You are logged out.")
    client.expect_logged_in(False)
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    client.expect_here().expect_logged_in()
    assert client.claim("gid") != grant


@pytest.mark.parametrize("kind", KINDS)
def test_an_action_without_a_login_leads_through_one(
    stack: Stack, open_client: OpenClient, kind: str
) -> None:
    client = open_client(kind)
    client.press("fetch")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    SignInPage(client.page).sign_in(*stack.demo_user)
    client.expect_here().expect_status("The resource server sent its data.")


def test_one_login_at_the_provider_serves_all_three_but_each_asks_for_consent(
    stack: Stack, log_in: OpenClient, open_client: OpenClient
) -> None:
    subject = log_in("preregistered").claim("sub")
    for kind in ("dynamic", "metadata_document"):
        client = open_client(kind)
        client.press("log-in")
        ConsentPage(client.page).expect_here(stack.issuer).approve()
        client.expect_here().expect_logged_in()
        assert client.claim("sub") == subject


def test_another_account_can_be_used_after_logging_out_at_the_provider(
    stack: Stack, log_in: OpenClient, open_client: OpenClient
) -> None:
    log_in("preregistered")
    client = open_client("dynamic")
    client.press("log-in")
    consent = ConsentPage(client.page).expect_here(stack.issuer)
    consent.use_another_account().log_out(stack.issuer)
    consent.approve()
    SignInPage(client.page).sign_in(*stack.demo_user)
    client.expect_here().expect_logged_in()


@pytest.mark.parametrize("kind", KINDS)
def test_opening_a_spent_answer_again_does_no_harm(
    stack: Stack, open_client: OpenClient, kind: str
) -> None:
    client = open_client(kind)
    addresses: list[str] = []
    client.page.on("request", lambda request: addresses.append(request.url))
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    SignInPage(client.page).sign_in(*stack.demo_user)
    client.expect_here().expect_logged_in()
    (callback,) = [one for one in addresses if one.startswith(f"{client.url}/callback?")]
    client.page.goto(callback)
    expect(client.page.get_by_test_id("status")).to_contain_text("does not belong to a log-in")
    client.open().expect_logged_in()


@pytest.mark.parametrize("kind", KINDS)
def test_the_pages_need_no_script_and_break_no_policy(
    stack: Stack, browser_context: BrowserContext, log_in: OpenClient, kind: str
) -> None:
    complaints: list[str] = []
    hosts: set[str] = set()
    browser_context.on(
        "console",
        lambda message: complaints.append(f"{message.text} {message.location['url']}"),
    )
    browser_context.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    client = log_in(kind)
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    assert client.page.locator("script").count() == 0
    ours = stack.client(kind)
    assert not [complaint for complaint in complaints if ours in complaint]
    assert {host.partition(":")[0] for host in hosts} == {"localhost"}
    cookies = browser_context.cookies(ours)
    (session,) = [one for one in cookies if one["name"] == f"client-{ours.rpartition(':')[2]}"]
    assert session["httpOnly"]
    assert session["sameSite"] == "Lax"


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_is_cut_off_on_a_narrow_screen(log_in: OpenClient, width: int) -> None:
    client = log_in("metadata_document")
    client.press("fetch")
    client.page.set_viewport_size({"width": width, "height": 800})
    overflow = client.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow == 0
