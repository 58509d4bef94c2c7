"""Codes that prove an e-mail address: one for each account and purpose, single use, few tries.

Developer guide, "Verifying contact information" (sign-up, 24 hours) and "How to recover a user
account" (password, one hour).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Literal

from cognito_emulator.clock import Clock
from cognito_emulator.rules.errors import ApiError

Purpose = Literal["sign_up", "password"]
Attempt = Literal["request", "try"]

# "In a given hour, we allow between 5 and 20 attempts for a user to request or enter a password
# reset code": the least of it, for each, and for sign-up too.
ATTEMPTS_AN_HOUR = 5
HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """What was mailed. `opens` is False for one that nobody got: no try of it succeeds."""

    value: str = field(repr=False)
    expires_at: int
    opens: bool


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often in the hour that began with the first."""

    count: int
    until: int


@dataclass(slots=True)
class Verification:
    """Accounts are the digests of `account_of`. Names of the fields are names in the state file."""

    clock: Clock
    codes: dict[str, IssuedCode] = field(default_factory=dict, repr=False)
    attempts: dict[str, Attempts] = field(default_factory=dict)

    def request(self, account: str) -> None:
        """Count a request for a code. Raises LimitExceededException."""
        self._refuse_beyond_limit("request", account)
        self._count("request", account)

    def issue(self, account: str, seconds: int, *, opens: bool) -> str:
        """Make the account's code; one that was there before is void."""
        value = f"{secrets.randbelow(1_000_000):06}"
        self.codes[account] = IssuedCode(value, self.clock() + seconds, opens)
        return value

    def check(self, account: str, typed: str) -> None:
        """Raise LimitExceeded-, ExpiredCode- or CodeMismatchException, or nothing.

        Tries are counted for the account, not for the code, so that new codes buy no tries.
        """
        self._refuse_beyond_limit("try", account)
        code = self.codes.get(account)
        if code is None or self.clock() >= code.expires_at:
            raise ApiError(
                "ExpiredCodeException", "Invalid code provided, please request a code again."
            )
        is_right = hmac.compare_digest(code.value.encode(), typed.encode("utf-8", "surrogatepass"))
        if not (is_right and code.opens):
            self._count("try", account)
            raise ApiError(
                "CodeMismatchException",
                "Invalid verification code provided, please try again.",
            )

    def redeem(self, account: str, typed: str) -> None:
        """Check the code and spend it, in one step."""
        self.check(account, typed)
        del self.codes[account]
        self.attempts.pop(_key("try", account), None)

    def prune(self) -> None:
        """Drop what has expired."""
        now = self.clock()
        self.codes = {k: c for k, c in self.codes.items() if now < c.expires_at}
        self.attempts = {k: a for k, a in self.attempts.items() if now < a.until}

    def _refuse_beyond_limit(self, attempt: Attempt, account: str) -> None:
        made = self.attempts.get(_key(attempt, account))
        if made is not None and self.clock() < made.until and made.count >= ATTEMPTS_AN_HOUR:
            raise ApiError(
                "LimitExceededException", "Attempt limit exceeded, please try after some time."
            )

    def _count(self, attempt: Attempt, account: str) -> None:
        now, key = self.clock(), _key(attempt, account)
        made = self.attempts.get(key)
        if made is None or now >= made.until:
            made = Attempts(0, now + HOUR_SECONDS)
        self.attempts[key] = Attempts(made.count + 1, made.until)


def account_of(purpose: Purpose, pool_id: str, who: str) -> str:
    """What a code belongs to.

    who: a user's sub, or the name that was typed where there is no such user
    """
    text = "\n".join((purpose, pool_id, who))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(attempt: Attempt, account: str) -> str:
    return f"{attempt} {account}"
