"""The timeline of each client in a real browser: live, the same without script, never a secret."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage, SignInPage, TimelinePage
from e2e.witness import STORED, Witness, leaks
from playwright.sync_api import Browser, BrowserContext, Response, expect

KINDS = ["preregistered", "dynamic", "metadata_document"]
MAX_PAGE_BYTES = 100 * 1024
INTRODUCTIONS: dict[str, list[list[str]]] = {
    "preregistered": [[]],
    "dynamic": [["registration"], ["registration_kept"]],
    "metadata_document": [["document"]],
}

LookAt = Callable[[BrowserContext, str], tuple[ClientPage, TimelinePage]]

LISTEN = """async (count) => {
  const events = new EventSource("/timeline/events");
  const texts = [];
  await new Promise((done) => events.addEventListener("exchange", (event) => {
    if (texts.push(event.data) === count) done();
  }));
  events.close();
  return texts.join("\\n");
}"""
"""The first so many events as a script receives them."""


@pytest.fixture
def without_script(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def look_at(stack: Stack) -> LookAt:
    """The client in one tab and its timeline in another."""

    def look(context: BrowserContext, kind: str) -> tuple[ClientPage, TimelinePage]:
        client = ClientPage(context.new_page(), stack.client(kind)).open()
        return client, TimelinePage(context.new_page(), stack.client(kind)).open()

    return look


def log_in(stack: Stack, client: ClientPage) -> None:
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    SignInPage(client.page).sign_in(*stack.demo_user)
    client.expect_here().expect_logged_in()


def step_up(stack: Stack, client: ClientPage) -> None:
    client.create("From the timeline", "with more scope")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    client.expect_here().expect_status("The context was created.")


def a_log_in(*introduction: str) -> list[str]:
    return [
        *("probe", "resource_metadata", "server_metadata", *introduction),
        *("authorization_request", "consent", "authorization_response", "token", "mcp"),
    ]


def expect_a_log_in(timeline: TimelinePage, kind: str) -> None:
    """The dynamic client may have registered in an earlier log-in, and says so."""
    timeline.expect_last("mcp")
    assert timeline.steps() in [a_log_in(*introduction) for introduction in INTRODUCTIONS[kind]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_happens_in_one_tab_appears_in_the_other(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt, kind: str
) -> None:
    complaints: list[str] = []
    browser_context.on("console", lambda message: complaints.append(message.text))
    client, timeline = look_at(browser_context, kind)
    timeline.expect_live()
    assert timeline.steps() == []
    log_in(stack, client)
    expect_a_log_in(timeline, kind)
    client.press("fetch")
    timeline.expect_last("rest", status="200")
    step_up(stack, client)
    timeline.expect_last("rest", status="201")
    assert '403"' in timeline.html()
    assert timeline.html().count("step-up: adds mcp-api/write") >= 1
    for callback in timeline.page.locator('[data-step="authorization_response"]').all():
        expect(callback).to_have_attribute("data-status", "303")
    client.press("refresh")
    timeline.expect_last("refresh", status="200")
    client.press("log-out")
    timeline.expect_last("revocation", status="200")
    live = timeline.steps()
    numbers = timeline.page.get_by_test_id("diagram").locator("tspan.number")
    expect(numbers.last).to_have_text(str(len(live)))
    timeline.open()
    assert timeline.all_steps() == live
    assert complaints == []


def test_register_again_shows_the_registration_and_other_log_ins_that_it_is_kept(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    client, timeline = look_at(browser_context, "dynamic")
    client.press("forget")
    client.expect_status("Your next log-in registers this client anew.")
    log_in(stack, client)
    assert timeline.open().steps() == a_log_in("registration")
    told = timeline.open_exchange("registration")
    expect(told).to_contain_text("A client id was issued")
    expect(told).to_have_attribute("data-status", "201")
    first = client.says("client-id")
    for button, introduction in (("log-in", "registration_kept"), ("forget", "registration")):
        client.press("log-out")
        client.expect_logged_in(False)
        timeline.open().page.get_by_test_id("clear").click()
        client.press(button)
        if button == "forget":
            client.press("log-in")
        ConsentPage(client.page).expect_here(stack.issuer).approve()
        SignInPage(client.page).sign_in_if_asked(*stack.demo_user)
        client.expect_here().expect_logged_in()
        assert timeline.open().steps() == a_log_in(introduction)
        assert (client.says("client-id") == first) == (introduction == "registration_kept")
        note = timeline.open_exchange(introduction)
        expect(note).to_contain_text(client.says("client-id"))
    expect(note).not_to_contain_text("reused since")


@pytest.mark.parametrize("kind", KINDS)
def test_without_script_a_reload_shows_the_same(
    stack: Stack, without_script: BrowserContext, look_at: LookAt, kind: str
) -> None:
    client, timeline = look_at(without_script, kind)
    log_in(stack, client)
    assert timeline.steps() == []
    timeline.page.get_by_test_id("reload").click()
    expect_a_log_in(timeline, kind)
    expect(timeline.page.get_by_test_id("diagram")).to_be_visible()
    expect(timeline.page.locator("[data-expand]")).to_be_hidden()
    token = timeline.open_exchange("token")
    expect(token).to_contain_text("token_type is Bearer")
    expect(token).to_contain_text("audience: the only server that may accept it")
    token.get_by_text("As a curl command").click()
    expect(token.locator("pre[data-copy]")).to_contain_text('code_verifier="$CODE_VERIFIER"')
    if kind == "metadata_document":
        document = timeline.open_exchange("document")
        expect(document).to_contain_text('"token_endpoint_auth_method": "none"')
        assert document.get_attribute("data-status") is None
    timeline.page.get_by_test_id("clear").click()
    expect(timeline.page.get_by_test_id("empty")).to_be_visible()
    assert timeline.steps() == []


@pytest.mark.requirement("CL20")
@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_a_page_a_store_or_an_event(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt, kind: str
) -> None:
    witness = Witness(browser_context)
    client, timeline = look_at(browser_context, kind)
    log_in(stack, client)
    step_up(stack, client)
    client.press("refresh")
    timeline.expect_last("refresh")
    cookies = witness.cookies()
    shown = {
        "the live page": timeline.html(),
        "its events": timeline.page.evaluate(LISTEN, len(timeline.steps())),
        "the page": timeline.open().html(),
        "the start page": client.page.content(),
        "the export": browser_context.request.get(f"{client.url}/timeline/export").text(),
        "the diagram": browser_context.request.get(f"{client.url}/timeline/diagram").text(),
        "browser storage": timeline.page.evaluate(STORED) + client.page.evaluate(STORED),
    }
    passed_by = witness.values("code", "state")
    assert len(passed_by) >= 4
    assert len(cookies) >= 1
    assert {place: leaks(text, passed_by | cookies) for place, text in shown.items()} == {
        place: [] for place in shown
    }
    assert witness.leaks_in_addresses() == []
    assert all("$CODE_VERIFIER" in shown[place] for place in ("its events", "the export"))


def test_the_export_is_an_archive_that_says_the_same(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    client, timeline = look_at(browser_context, "dynamic")
    log_in(stack, client)
    timeline.open()
    with timeline.page.expect_download() as download:
        timeline.page.get_by_test_id("export").click()
    assert re.fullmatch(r"timeline-dynamic-\d+\.har", download.value.suggested_filename)
    log = json.loads(download.value.path().read_text("utf-8"))["log"]
    assert log["version"] == "1.2"
    sent = [step for step in timeline.steps() if step != "registration_kept"]
    assert [entry["_step"] for entry in log["entries"]] == sent


def test_a_page_is_light_and_older_exchanges_are_a_link_away(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    client, timeline = look_at(browser_context, "metadata_document")
    log_in(stack, client)
    step_up(stack, client)
    for _ in range(6):
        client.press("fetch")
        client.call_tool("whoami", {})
    timeline.page.close()
    loaded: list[Response] = []
    page = browser_context.new_page()
    page.on("response", lambda response: loaded.append(response))
    timeline = TimelinePage(page, client.url).open()
    timeline.expect_live()
    files = [one for one in loaded if "/timeline/events" not in one.url]
    assert sum(len(one.body()) for one in files) < MAX_PAGE_BYTES
    assert {urlsplit(one.url).netloc for one in loaded} == {urlsplit(client.url).netloc}
    steps = timeline.all_steps()
    assert steps[0] == "probe"
    assert steps[-1] == "mcp"
    assert len(steps) > 25


def test_a_command_can_be_copied(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    browser_context.grant_permissions(["clipboard-read", "clipboard-write"])
    client, timeline = look_at(browser_context, "dynamic")
    log_in(stack, client)
    timeline.expect_last("mcp")
    token = timeline.open_exchange("token")
    token.get_by_text("As a curl command").click()
    token.get_by_role("button", name="Copy").click()
    expect(token.get_by_role("button", name="Copied")).to_be_visible()
    copied = timeline.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl -i -g -X POST ")
    assert '--data-urlencode code="$CODE"' in copied


def run(command: str, **variables: str) -> str:
    """In a shell, as whoever copied it would; gives what curl prints."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(
        ["sh", "-euc", command], env=environment, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command_of(timeline: TimelinePage, step: str) -> str:
    exchange = timeline.page.locator(f'[data-step="{step}"]').last
    return exchange.locator("pre[data-copy]").text_content() or ""


def test_the_command_of_a_registration_registers_once_more(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    client, timeline = look_at(browser_context, "dynamic")
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer)
    client.open().press("forget")
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer)
    answer = run(command_of(timeline.open(), "registration"))
    assert re.match(r"HTTP/[\d.]+ 201 ", answer)
    assert json.loads(answer.partition("\n\n")[2])["client_name"]


def test_the_command_of_a_call_lacks_only_the_token(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    client, timeline = look_at(browser_context, "metadata_document")
    log_in(stack, client)
    step_up(stack, client)
    timeline.open()
    for step in ("mcp", "rest"):
        command = command_of(timeline, step)
        assert "-H 'Content-Type: application/json'" in command
        assert re.match(r"HTTP/[\d.]+ 401 ", run(command, ACCESS_TOKEN="nobody-s"))


def test_nothing_is_cut_off_however_wide_the_screen_is(
    stack: Stack, browser_context: BrowserContext, look_at: LookAt
) -> None:
    client, timeline = look_at(browser_context, "metadata_document")
    log_in(stack, client)
    page = timeline.open().page
    page.locator("[data-expand]").click()
    for command in page.locator("details.curl").all():
        command.locator("summary").click()
    for width in (360, 768, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow == 0, width


def test_a_browser_that_comes_later_sees_nothing_of_it(
    stack: Stack, browser_context: BrowserContext, without_script: BrowserContext, look_at: LookAt
) -> None:
    client, _ = look_at(browser_context, "dynamic")
    log_in(stack, client)
    _, stranger = look_at(without_script, "dynamic")
    assert stranger.steps() == []
    expect(stranger.page.get_by_test_id("empty")).to_be_visible()
