"""The attacks, tried by a person against the running stack."""

from collections.abc import Iterator

import pytest
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage, SignInPage
from playwright.sync_api import Browser, Page, expect

KINDS = ["preregistered", "dynamic", "metadata_document"]
WITHOUT_LOGIN = ["foreign-redirect", "missing-pkce", "wrong-state"]
WITH_TOKEN = ["altered-token", "missing-scope"]
WITH_CONSENT = ["replayed-code", "reused-refresh-token"]
MAX_PAGE_BYTES = 100_000


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=request.param)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def open_attacks(stack: Stack, page: Page, kind: str) -> ClientPage:
    client = ClientPage(page, stack.client(kind)).open()
    client.press("log-in")
    ConsentPage(page).expect_here(stack.issuer).approve()
    SignInPage(page).sign_in(*stack.demo_user)
    client.expect_here().expect_logged_in()
    client.press("attacks-link")
    return client


def expect_refused(page: Page, name: str) -> None:
    card = page.get_by_test_id(name)
    expect(card).to_have_attribute("data-result", "refused")
    expect(card.get_by_test_id("verdict")).to_have_text("Refused, as it must be")
    assert card.get_by_test_id("exchange").count() > 0


def expect_details(page: Page, names: list[str]) -> None:
    """Of every attack that was tried, one click away."""
    for name in names:
        card = page.get_by_test_id(name)
        if card.get_by_test_id("exchange").count() == 0:
            card.get_by_test_id("details").click()
            expect(card.get_by_role("heading", name="Request").first).to_be_visible()
            expect(card.get_by_role("heading", name="Response").first).to_be_visible()
            assert len(page.content().encode()) < MAX_PAGE_BYTES
        expect_refused(page, name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_attack_is_refused_and_the_login_lives_on(
    stack: Stack, page: Page, kind: str
) -> None:
    client = open_attacks(stack, page, kind)
    for name in (*WITHOUT_LOGIN, *WITH_TOKEN):
        client.press(f"try-{name}")
        expect_refused(page, name)
    for name in WITH_CONSENT:
        client.press(f"try-{name}")
        ConsentPage(page).expect_here(stack.issuer).approve()
        expect_refused(page, name)
    expect(page.get_by_test_id("expired-token")).to_contain_text("come back in")
    expect_details(page, [*WITHOUT_LOGIN, *WITH_TOKEN, *WITH_CONSENT])
    client.open().expect_logged_in()
    client.press("refresh")
    client.expect_status("The tokens are new.")


@pytest.mark.parametrize("kind", KINDS)
def test_some_are_tried_by_a_stranger(stack: Stack, page: Page, kind: str) -> None:
    client = ClientPage(page, f"{stack.client(kind)}/attacks").open()
    for name in WITHOUT_LOGIN:
        client.press(f"try-{name}")
        expect_refused(page, name)


def test_a_missing_scope_leads_through_the_step_up(stack: Stack, page: Page) -> None:
    client = open_attacks(stack, page, "dynamic")
    client.press("try-missing-scope")
    expect_refused(page, "missing-scope")
    client.press("step-up")
    ConsentPage(page).expect_here(stack.issuer).approve()
    client.expect_status("The context was created.")
    client.press("attacks-link")
    expect(page.get_by_test_id("missing-scope")).to_contain_text("lacks no scope")


def test_denying_the_separate_authorization_is_no_verdict(stack: Stack, page: Page) -> None:
    client = open_attacks(stack, page, "metadata_document")
    client.press("try-replayed-code")
    ConsentPage(page).expect_here(stack.issuer).deny()
    card = page.get_by_test_id("replayed-code")
    expect(card).to_have_attribute("data-result", "undecided")
    expect(card).to_contain_text("You denied access.")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_panel_is_light_narrow_and_without_secrets(
    stack: Stack, page: Page, width: int
) -> None:
    sources: list[str] = []
    page.set_viewport_size({"width": width, "height": 800})
    client = open_attacks(stack, page, "preregistered")
    for name in (*WITH_TOKEN, *WITH_CONSENT):
        client.press(f"try-{name}")
        if name in WITH_CONSENT:
            ConsentPage(page).expect_here(stack.issuer).approve()
        expect_refused(page, name)
        for exchange in page.get_by_test_id("exchange").all():
            exchange.locator("summary").first.click()
        content = page.locator("main").bounding_box()
        assert content is not None
        assert content["width"] <= width
        sources.append(page.content())
    assert max(len(source.encode()) for source in sources) < MAX_PAGE_BYTES
    # a JWT begins with the base64 of {", a handle of the bridge holds the grant and a dot
    assert not [source for source in sources if "eyJ" in source]
