"""compose.tls.yml in a browser that trusts the system's authority, and in one that does not."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from compose.conftest import DEMO_USER
from compose.containers import System
from compose.https import CLIENT, DOCUMENT, DOMAIN, HOSTS, ISSUER, RESOURCE, a_chromium
from e2e.pages import ClientPage, ConsentPage, SignInPage
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, expect, sync_playwright


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(
    playwright: Playwright,
    chromium_program: str,
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    home = tmp_path_factory.mktemp("home")
    with a_chromium(playwright, chromium_program, home, root) as browser:
        yield browser


@pytest.fixture
def client(system_on_https: System, browser_context: BrowserContext) -> ClientPage:
    return ClientPage(browser_context.new_page(), CLIENT)


def log_in(client: ClientPage) -> None:
    client.open().press("log-in")
    ConsentPage(client.page).expect_here(ISSUER).approve()
    SignInPage(client.page).sign_in(DEMO_USER["username"], DEMO_USER["password"])
    client.expect_here().expect_status("You are logged in.")


def test_who_was_not_told_of_the_root_is_warned(
    playwright: Playwright, chromium_program: str, root: Path, tmp_path: Path
) -> None:
    assert root.exists()
    with a_chromium(playwright, chromium_program, tmp_path, None) as distrustful:
        page = distrustful.new_page()
        for host in HOSTS:
            with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
                page.goto(f"https://{host}/")


def test_who_was_told_gets_a_page_of_the_systems_own_authority(client: ClientPage) -> None:
    opened = client.page.goto(CLIENT)
    assert opened is not None
    details = opened.security_details()
    assert details is not None
    assert f"mcp-authstack {DOMAIN} " in str(details["issuer"])


@pytest.mark.requirement("CI4", "AU15")
def test_consent_names_the_host_whose_document_was_fetched_over_https(client: ClientPage) -> None:
    """Under the private authority, from a private address that a setting names."""
    client.open().press("log-in")
    page = ConsentPage(client.page).expect_here(ISSUER).page
    expect(page.get_by_test_id("requester")).to_have_text(f"client.{DOMAIN}")
    expect(page.get_by_test_id("verification")).to_contain_text("Verified domain")
    expect(page.get_by_test_id("client-id")).to_have_text(DOCUMENT)
    expect(page.get_by_test_id("target")).to_have_text(f"client.{DOMAIN}")
    expect(page.get_by_test_id("loopback-warning")).to_have_count(0)


def test_a_person_is_on_https_all_the_way(
    client: ClientPage, browser_context: BrowserContext
) -> None:
    complaints: list[str] = []
    places: set[str] = set()
    browser_context.on(
        "console", lambda said: complaints.append(f"{said.location['url']} {said.text}")
    )
    browser_context.on("request", lambda sent: places.add("://".join(urlsplit(sent.url)[:2])))
    log_in(client)
    assert client.says("issuer") == client.claim("iss") == ISSUER
    assert (client.claim("aud"), client.claim("client_id")) == (RESOURCE, DOCUMENT)
    client.press("fetch")
    client.expect_status("The resource server sent its data.")
    client.create("Made on https", "with more scope")
    ConsentPage(client.page).expect_here(ISSUER).approve()
    client.expect_here().expect_status("The context was created.")
    client.press("refresh")
    client.expect_status("The tokens are new.")
    client.press("log-out")
    client.expect_status("You are logged out.")
    assert places == {CLIENT, ISSUER, f"https://idp.{DOMAIN}"}
    assert not [complaint for complaint in complaints if complaint.startswith((CLIENT, ISSUER))]


def test_cookies_belong_to_one_host_and_to_https(
    client: ClientPage, browser_context: BrowserContext
) -> None:
    log_in(client)
    cookies = {
        str(cookie["name"]): cookie
        for url in (CLIENT, ISSUER)
        for cookie in browser_context.cookies(url)
    }
    assert cookies.keys() == {"__Host-client-443", "__Host-bridge-3004"}
    for cookie in cookies.values():
        assert cookie["secure"]
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"].startswith(".")
