"""Codes and limits, with a clock of the test's own."""

from dataclasses import dataclass
from typing import Any

import pytest

from cognito_emulator.password_hash import hash_password, password_matches
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.verification import (
    ATTEMPTS_AN_HOUR,
    HOUR_SECONDS,
    Verification,
    account_of,
)

NOW = 1_800_000_000
LIFETIME = 60


@dataclass
class StoppedClock:
    """A clock that moves when it is told to."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def verification(clock: StoppedClock) -> Verification:
    return Verification(clock)


def refusal(call: Any, *arguments: str) -> str:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value.error_type


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_is_six_digits_and_not_the_same_each_time(verification: Verification) -> None:
    codes = {verification.issue("ada", LIFETIME, opens=True) for _ in range(100)}
    assert len(codes) > 90
    assert all(len(code) == 6 and code.isdigit() for code in codes)


def test_a_code_is_spent_once(verification: Verification) -> None:
    code = verification.issue("ada", LIFETIME, opens=True)
    verification.check("ada", code)
    verification.redeem("ada", code)
    assert refusal(verification.redeem, "ada", code) == "ExpiredCodeException"


@pytest.mark.parametrize("typed", ["", "x", "१२३४५६", "\ud800", "1234567"])
def test_what_is_no_code_is_a_mismatch(verification: Verification, typed: str) -> None:
    verification.issue("ada", LIFETIME, opens=True)
    assert refusal(verification.redeem, "ada", typed) == "CodeMismatchException"


def test_a_code_is_of_one_account(verification: Verification) -> None:
    codes = [verification.issue(who, LIFETIME, opens=True) for who in ("ada", "bob")]
    if codes[0] != codes[1]:
        assert refusal(verification.redeem, "bob", codes[0]) == "CodeMismatchException"
    assert refusal(verification.redeem, "eve", codes[0]) == "ExpiredCodeException"
    verification.redeem("ada", codes[0])


def test_accounts_differ_by_purpose_pool_and_person() -> None:
    accounts = {
        account_of("sign_up", "pool", "ada"),
        account_of("password", "pool", "ada"),
        account_of("password", "another", "ada"),
        account_of("password", "pool", "bob"),
    }
    assert len(accounts) == 4


@pytest.mark.parametrize(("after_seconds", "good"), [(LIFETIME - 1, True), (LIFETIME, False)])
def test_a_code_lives_as_long_as_it_was_given(
    verification: Verification, clock: StoppedClock, after_seconds: int, good: bool
) -> None:
    code = verification.issue("ada", LIFETIME, opens=True)
    clock.now += after_seconds
    if good:
        verification.redeem("ada", code)
    else:
        assert refusal(verification.redeem, "ada", code) == "ExpiredCodeException"


def test_a_new_code_voids_the_old_one(verification: Verification) -> None:
    old = verification.issue("ada", LIFETIME, opens=True)
    new = verification.issue("ada", LIFETIME, opens=True)
    if old != new:
        assert refusal(verification.redeem, "ada", old) == "CodeMismatchException"
    verification.redeem("ada", new)


def test_a_code_that_nobody_got_looks_like_any_other_and_opens_nothing(
    verification: Verification,
) -> None:
    code = verification.issue("nobody", LIFETIME, opens=False)
    for _ in range(ATTEMPTS_AN_HOUR):
        assert refusal(verification.redeem, "nobody", code) == "CodeMismatchException"
    assert refusal(verification.redeem, "nobody", code) == "LimitExceededException"


def test_tries_are_limited_and_new_codes_buy_none(
    verification: Verification, clock: StoppedClock
) -> None:
    code = ""
    for _ in range(ATTEMPTS_AN_HOUR):
        code = verification.issue("ada", 2 * HOUR_SECONDS, opens=True)
        assert refusal(verification.check, "ada", other_than(code)) == "CodeMismatchException"
    assert refusal(verification.check, "ada", code) == "LimitExceededException"
    clock.now += HOUR_SECONDS - 1
    assert refusal(verification.check, "ada", code) == "LimitExceededException"
    clock.now += 1
    verification.redeem("ada", code)


def test_right_codes_cost_no_try_and_success_forgives_the_wrong_ones(
    verification: Verification,
) -> None:
    for _ in range(2):
        code = verification.issue("ada", LIFETIME, opens=True)
        for _ in range(ATTEMPTS_AN_HOUR - 1):
            assert refusal(verification.check, "ada", other_than(code)) == "CodeMismatchException"
            verification.check("ada", code)
        verification.redeem("ada", code)


def test_requests_are_limited_apart_from_tries(
    verification: Verification, clock: StoppedClock
) -> None:
    for _ in range(ATTEMPTS_AN_HOUR):
        verification.request("ada")
    assert refusal(verification.request, "ada") == "LimitExceededException"
    verification.request("bob")
    verification.redeem("ada", verification.issue("ada", LIFETIME, opens=True))
    assert refusal(verification.request, "ada") == "LimitExceededException"
    clock.now += HOUR_SECONDS
    for _ in range(ATTEMPTS_AN_HOUR):
        verification.request("ada")
    assert refusal(verification.request, "ada") == "LimitExceededException"


def test_what_has_expired_is_dropped(verification: Verification, clock: StoppedClock) -> None:
    verification.issue("ada", LIFETIME, opens=True)
    verification.request("ada")
    clock.now += LIFETIME - 1
    verification.prune()
    assert verification.codes
    clock.now += 1
    verification.prune()
    assert not verification.codes
    assert verification.attempts
    clock.now += HOUR_SECONDS - LIFETIME
    verification.prune()
    assert not verification.attempts


@pytest.mark.parametrize("password", ["Own-Passw0rd-1!", "", "ünï-☃", "\ud800"])
def test_a_password_hash_knows_its_password_only(password: str) -> None:
    hashed = hash_password(password)
    assert password_matches(password, hashed)
    assert not password_matches(password + "x", hashed)
    assert hash_password(password) != hashed
