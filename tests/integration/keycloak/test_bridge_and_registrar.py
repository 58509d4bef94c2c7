"""The whole way through bridge and registrar, with a real Keycloak behind them.

Each test runs twice: with the realm as it is delivered, and with refresh token rotation turned on.
"""

import asyncio
import secrets
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
import pytest
from fakes.upstream_world import unverified_claims

from authstack.smoke.browser import Arrival, Browser, Page, open_browser_session
from authstack.smoke.login import APPROVE

REDIRECT_URI = "http://localhost:9999/cb"
MAX_LOG_INS = 20


def browser_session() -> aiohttp.ClientSession:
    return open_browser_session(None, timeout_seconds=60)


@pytest.mark.requirement("TK24")
async def test_concurrent_refreshes_over_two_bridges_ask_keycloak_one_after_the_other(
    stack: Any,
) -> None:
    client = await stack.register("Impatient")
    async with browser_session() as browser:
        tokens = await stack.tokens(client, browser)
    answers = await asyncio.gather(
        *(stack.refresh(client, tokens["refresh_token"], replica=number % 2) for number in range(8))
    )
    assert [status for status, _ in answers] == [200] * 8
    (successor,) = {answer["refresh_token"] for _, answer in answers}
    status, _ = await stack.refresh(client, successor)
    assert status == 200


@pytest.mark.requirement("RV6")
async def test_of_two_grants_in_one_browser_revoking_one_leaves_the_other(stack: Any) -> None:
    client = await stack.register("Twice")
    async with browser_session() as browser:
        first, second = await stack.tokens(client, browser), await stack.tokens(client, browser)
    await stack.revoke(client, first["refresh_token"])
    status, answer = await stack.refresh(client, first["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    status, answer = await stack.refresh(client, second["refresh_token"])
    assert status == 200, answer
    await stack.revoke(client, answer["refresh_token"])
    status, answer = await stack.refresh(client, answer["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert not stack.events("upstream_revocation_failed")


@pytest.mark.requirement("TK24")
async def test_a_disabled_user_is_out_at_the_next_refresh_and_stays_out(stack: Any) -> None:
    client = await stack.register("Of a user who leaves")
    async with browser_session() as browser:
        tokens = await stack.tokens(client, browser)
    await stack.keycloak.enable_user("demo@example.com", False, stack.realm)
    try:
        status, answer = await stack.refresh(client, tokens["refresh_token"])
        assert (status, answer["error"]) == (400, "invalid_grant")
    finally:
        await stack.keycloak.enable_user("demo@example.com", True, stack.realm)
    status, answer = await stack.refresh(client, tokens["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("AU14")
async def test_a_client_gets_a_client_of_its_own_which_an_administrator_can_stop(
    stack: Any,
) -> None:
    client = await stack.register("Own client")
    async with browser_session() as browser:
        upstream_client_id = await log_in_until_it_has_its_own(stack, client, browser)
        own = await stack.keycloak.client(upstream_client_id, stack.realm)
        assert own["name"].startswith("mcp Own client ")
        assert own["redirectUris"] == [f"{stack.ports.issuer}/callback"]
        tokens = await stack.tokens(client, browser)
    status, fresh = await stack.refresh(client, tokens["refresh_token"])
    assert status == 200
    await stack.keycloak.change_client(own | {"enabled": False}, stack.realm)
    status, answer = await stack.refresh(client, fresh["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("TK24")
async def test_after_a_log_out_the_password_is_asked_for_and_this_browsers_grants_end(
    stack: Any,
) -> None:
    client = await stack.register("On a shared computer")
    async with browser_session() as here, browser_session() as elsewhere:
        tokens, others = await stack.tokens(client, here), await stack.tokens(client, elsewhere)
        assert await asks_for_a_password(stack, client, here) is False
        returned = await log_out(stack, here)
        assert "You are logged out" in returned.text
        assert await asks_for_a_password(stack, client, here) is True
        assert await asks_for_a_password(stack, client, elsewhere) is False
    status, answer = await stack.refresh(client, tokens["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    status, answer = await stack.refresh(client, others["refresh_token"])
    assert status == 200, answer


@pytest.mark.requirement("REG20", "TK24")
@pytest.mark.parametrize("loss", ["the client", "the realm"])
async def test_a_lost_client_of_its_own_costs_no_more_than_a_log_in(stack: Any, loss: str) -> None:
    client = await stack.register(f"Lost with {loss}")
    async with browser_session() as browser:
        lost = await log_in_until_it_has_its_own(stack, client, browser)
        tokens = await stack.tokens(client, browser)
        if loss == "the client":
            await stack.keycloak.delete_client(lost, stack.realm)
        else:
            await stack.keycloak.lose_realm(stack.realm)
        await stack.a_minute_later()
        assert await upstream_client_of(stack, client, browser) == "mcp-bridge"
        fresh = await stack.tokens(client, browser)
        again = await log_in_until_it_has_its_own(stack, client, browser)
    assert again != lost
    status, answer = await stack.refresh(client, tokens["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    status, answer = await stack.refresh(client, fresh["refresh_token"])
    assert status == 200, answer


async def test_a_new_user_signs_up_on_keycloaks_page_and_arrives_at_the_client(stack: Any) -> None:
    client, verifier = await stack.register("For newcomers"), secrets.token_urlsafe(48)
    email = f"{secrets.token_hex(6)}@example.com"
    typed = {
        "email": email,
        "firstName": "New",
        "lastName": "Comer",
        "password": "A-Passw0rd-of-mine",
        "password-confirm": "A-Passw0rd-of-mine",
    }
    async with browser_session() as session:
        browser = Browser(session, REDIRECT_URI)
        log_in = await approve(browser, stack.authorization_url(client, verifier))
        sign_up = await browser.open(link_to("registration", log_in))
        assert isinstance(sign_up, Page)
        form = next(form for form in sign_up.forms() if form.has_field("password-confirm"))
        arrived = await browser.submit(sign_up, form, form.filled(typed))
        assert isinstance(arrived, Arrival), arrived.text
        tokens = await stack.redeem(client, verifier, arrived.url)
    status, _ = await stack.refresh(client, tokens["refresh_token"])
    assert status == 200


async def approve(browser: Browser, url: str) -> Page:
    """From the client's request over our consent page to Keycloak's log-in page."""
    consent = await browser.open(url)
    assert isinstance(consent, Page)
    form = next(form for form in consent.forms() if form.has_button(*APPROVE))
    shown = await browser.submit(consent, form, form.filled({}, APPROVE))
    assert isinstance(shown, Page), shown
    return shown


async def log_in_until_it_has_its_own(
    stack: Any, client: str, session: aiohttp.ClientSession
) -> str:
    """It is made in the background of a log-in."""
    for _ in range(MAX_LOG_INS):
        tokens = await stack.tokens(client, session)
        assert unverified_claims(tokens["access_token"])["client_id"] == client
        found = await upstream_client_of(stack, client, session)
        if found != "mcp-bridge":
            assert found.startswith("mcp-")
            return found
    pytest.fail("no client of its own was made")


async def asks_for_a_password(stack: Any, client: str, session: aiohttp.ClientSession) -> bool:
    browser = Browser(session, REDIRECT_URI)
    consent = await browser.open(stack.authorization_url(client, secrets.token_urlsafe(48)))
    assert isinstance(consent, Page)
    form = next(form for form in consent.forms() if form.has_button(*APPROVE))
    shown = await browser.submit(consent, form, form.filled({}, APPROVE))
    return isinstance(shown, Page) and any(form.password_field for form in shown.forms())


async def log_out(stack: Any, session: aiohttp.ClientSession) -> Page:
    """From our page over Keycloak's question and back."""
    browser = Browser(session, REDIRECT_URI)
    shown = await browser.open(f"{stack.ports.issuer}/logout")
    for _ in range(2):
        assert isinstance(shown, Page)
        (form,) = shown.forms()
        shown = await browser.submit(shown, form, form.filled({}))
    assert isinstance(shown, Page)
    return shown


async def upstream_client_of(stack: Any, client: str, session: aiohttp.ClientSession) -> str:
    """As whom the next log-in of a client would go to Keycloak."""
    browser = Browser(session, f"{stack.keycloak.issuer(stack.realm)}/protocol/openid-connect/auth")
    consent = await browser.open(stack.authorization_url(client, secrets.token_urlsafe(48)))
    assert isinstance(consent, Page)
    form = next(form for form in consent.forms() if form.has_button(*APPROVE))
    sent = await browser.submit(consent, form, form.filled({}, APPROVE))
    assert isinstance(sent, Arrival)
    return parse_qs(urlsplit(sent.url).query)["client_id"][0]


def link_to(place: str, page: Page) -> str:
    links = _Links()
    links.feed(page.text)
    (found,) = {link for link in links.found if place in urlsplit(link).path}
    return urljoin(page.url, unescape(found))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs).get("href") or "")
