"""Two tabs, the back button, reloading, no cookies, no script, and somebody new, in containers: the
same tests as on the embedded stack."""

import pytest
from compose.containers import System
from e2e import test_sign_up
from e2e.conftest import Stack
from e2e.test_pages import (
    cookieless,
    new_visitor,
    test_a_double_click_on_approve_is_one_approval,
    test_going_back_after_a_log_in_and_approving_again_does_no_harm,
    test_going_back_after_consent_asks_again_and_works,
    test_reloading_the_callback_shares_nothing_more,
    test_two_tabs_log_in_at_once,
    test_two_tabs_of_one_app_ask_twice,
    test_with_cookies_switched_off_a_client_says_so_at_every_button,
    test_with_cookies_switched_off_nobody_gets_through_and_is_told_why,
    test_without_script_everything_works,
)
from e2e.test_sign_up import *  # noqa: F403

__all__ = [
    "cookieless",
    "new_visitor",
    "test_a_double_click_on_approve_is_one_approval",
    "test_going_back_after_a_log_in_and_approving_again_does_no_harm",
    "test_going_back_after_consent_asks_again_and_works",
    "test_reloading_the_callback_shares_nothing_more",
    "test_two_tabs_log_in_at_once",
    "test_two_tabs_of_one_app_ask_twice",
    "test_with_cookies_switched_off_a_client_says_so_at_every_button",
    "test_with_cookies_switched_off_nobody_gets_through_and_is_told_why",
    "test_without_script_everything_works",
]


@pytest.fixture
def gallery(stack: Stack) -> Stack:
    """Where a visitor looks around: all that these tests ask of it, a stack has."""
    return stack


@pytest.fixture
def at_log_in(system: System, stack: Stack) -> test_sign_up.AtLogIn:
    """The sign-up pages are the emulator's; Keycloak's own are in test_journeys."""
    if system.profile != "localstack":
        pytest.skip("Keycloak has pages of its own")
    return test_sign_up.go_to_log_in(stack)
