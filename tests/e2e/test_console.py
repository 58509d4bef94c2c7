"""The MCP console, as a person uses it, with JavaScript and without."""

import json
from collections.abc import Iterator

import pytest
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage, SignInPage
from playwright.sync_api import Browser, Page, expect

KINDS = ["preregistered", "dynamic", "metadata_document"]
MAX_PAGE_BYTES = 100_000


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=request.param)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def open_console(stack: Stack, page: Page, kind: str) -> ClientPage:
    """Listing the tools leads through the first log-in and back."""
    client = ClientPage(page, stack.client(kind)).open()
    client.press("console-link")
    client.press("list-tools")
    ConsentPage(page).expect_here(stack.issuer).approve()
    SignInPage(page).sign_in(*stack.demo_user)
    expect(page).to_have_url(f"{client.url}/console")
    client.expect_status("The MCP server listed its tools.")
    return client


def choose(client: ClientPage, tool: str) -> None:
    client.page.get_by_test_id("tools").get_by_role("link", name=tool).click()
    expect(client.page.get_by_test_id("selected-tool")).to_have_text(tool)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tool_is_called_with_its_form(stack: Stack, page: Page, kind: str) -> None:
    client = open_console(stack, page, kind)
    choose(client, "list_contexts")
    page.get_by_test_id("argument.limit").fill("many")
    client.press("call-tool")
    expect(page.get_by_test_id("problem")).to_have_text("This must be a whole number.")
    expect(page.get_by_test_id("argument.limit")).to_have_value("many")
    page.get_by_test_id("argument.limit").fill("101")
    client.press("call-tool")
    expect(page.get_by_test_id("problem")).to_have_text("At most 100.")
    page.get_by_test_id("argument.limit").fill("1")
    client.press("call-tool")
    client.expect_status("The tool answered (MCP 2026-07-28).")
    assert "contexts" in client.result()["structuredContent"]
    exchange = page.get_by_test_id("exchange")
    expect(exchange).to_have_attribute("data-status", "200")
    expect(exchange).to_contain_text("tools/call list_contexts")
    expect(exchange).to_contain_text("$ACCESS_TOKEN")


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_up_comes_back_to_what_was_typed(stack: Stack, page: Page, kind: str) -> None:
    client = open_console(stack, page, kind)
    choose(client, "create_context")
    typed = {"title": f"Typed by {kind}", "content": "two\nlines", "tags": '["one"]'}
    for name, text in typed.items():
        page.get_by_test_id(f"argument.{name}").fill(text)
    client.press("call-tool")
    ConsentPage(page).expect_here(stack.issuer).deny()
    client.expect_status("You denied access.", succeeded=False)
    expect(page.get_by_test_id("selected-tool")).to_have_text("create_context")
    assert page.get_by_test_id("argument.content").input_value() == typed["content"]
    assert json.loads(page.get_by_test_id("argument.tags").input_value()) == ["one"]
    client.press("call-tool")
    ConsentPage(page).expect_here(stack.issuer).approve()
    client.expect_status("The tool answered (MCP 2026-07-28).")
    assert client.result()["structuredContent"]["title"] == typed["title"]
    expect(page.get_by_test_id("argument.title")).to_have_value(typed["title"])


def test_contexts_are_read_and_created_over_rest(stack: Stack, page: Page) -> None:
    client = open_console(stack, page, "dynamic")
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    client.create("From the console", "over REST")
    ConsentPage(page).expect_here(stack.issuer).approve()
    client.expect_status("The context was created.")
    assert client.result()["title"] == "From the console"
    expect(page.get_by_test_id("exchange")).to_have_attribute("data-step", "rest")


def test_arguments_may_be_written_as_json(stack: Stack, page: Page) -> None:
    client = open_console(stack, page, "dynamic")
    choose(client, "list_contexts")
    client.press("other-way")
    page.get_by_test_id("arguments").fill('{"limit": 0}')
    client.press("call-tool")
    client.expect_status("The tool failed (MCP 2026-07-28).", succeeded=False)
    assert json.loads(page.get_by_test_id("arguments").input_value()) == {"limit": 0}


@pytest.mark.parametrize("width", [360, 1280])
def test_the_console_is_light_narrow_and_without_secrets(
    stack: Stack, page: Page, width: int
) -> None:
    answers: list[bytes] = []
    page.on(
        "response",
        lambda answer: (
            answers.append(answer.body())
            if answer.url.startswith(stack.client("metadata_document")) and answer.status == 200
            else None
        ),
    )
    client = open_console(stack, page, "metadata_document")
    choose(client, "whoami")
    client.press("call-tool")
    client.expect_status("The tool answered (MCP 2026-07-28).")
    page.set_viewport_size({"width": width, "height": 800})
    content = page.locator("body").bounding_box()
    assert content is not None
    assert content["width"] <= width
    assert answers
    assert max(map(len, answers)) < MAX_PAGE_BYTES
    # a JWT begins with the base64 of {"
    assert not [answer for answer in answers if b"eyJ" in answer]
