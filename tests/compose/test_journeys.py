"""What the end-to-end tests show of the embedded stack, through the same pages in containers."""

import json
import secrets
from collections.abc import Callable

import pytest
from compose.conftest import DEMO_USER
from compose.containers import CLIENTS, SERVICES, System
from e2e.conftest import Stack
from e2e.pages import ClientPage, ConsentPage, KeycloakSignUpPage, SignInPage, SignUpPage
from e2e.test_demo_clients import *  # noqa: F403 -- its tests, with this folder's `stack`
from e2e.test_demo_clients import KINDS
from playwright.sync_api import BrowserContext


@pytest.mark.parametrize("kind", KINDS)  # type: ignore[no-redef]
def test_logging_out_ends_the_grant(
    system: System, stack: Stack, log_in: Callable[[str], ClientPage], kind: str
) -> None:
    """In place of the embedded stack's: Keycloak's session ends with the last grant from it."""
    client = log_in(kind)
    grant = client.claim("gid")
    client.press("log-out")
    client.expect_status("You are logged out.")
    client.expect_logged_in(False)
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    if system.profile == "keycloak":
        SignInPage(client.page).sign_in(*stack.demo_user)
    client.expect_here().expect_logged_in()
    assert client.claim("gid") != grant


def test_somebody_new_signs_up_on_the_providers_own_page(
    system: System, stack: Stack, browser_context: BrowserContext
) -> None:
    client = ClientPage(browser_context.new_page(), stack.client("dynamic")).open()
    client.press("log-in")
    ConsentPage(client.page).expect_here(stack.issuer).approve()
    email = f"{secrets.token_hex(8)}@example.com"
    sign_up_page_of(system, client).sign_up(email, DEMO_USER["password"])
    client.expect_here().expect_logged_in()


def sign_up_page_of(system: System, client: ClientPage) -> SignUpPage | KeycloakSignUpPage:
    """Reached from the provider's log-in page, as a visitor reaches it."""
    if system.profile == "localstack":
        return SignInPage(client.page).ask_for_sign_up()
    client.page.get_by_role("link", name="Register").click()
    return KeycloakSignUpPage(client.page)


def test_smoke_walks_every_flow_of_three_clients(system: System) -> None:
    done = system.make("smoke", "ARGS=--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    outcomes = {
        kind: {step["outcome"] for step in steps} for kind, steps in report["clients"].items()
    }
    assert outcomes == {
        "preregistered": {"passed"},
        "dynamic": {"passed"},
        "metadata_document": {"passed"},
    }, done.stdout


def test_no_service_wanted_a_key_or_a_command_that_redis_denies(system: System) -> None:
    """After the journeys above: a denial shows as an error, or as limits that are only local."""
    log = system.logs(*SERVICES, *CLIENTS)
    assert "NoPermission" not in log
    assert "rate_limits_local" not in log
