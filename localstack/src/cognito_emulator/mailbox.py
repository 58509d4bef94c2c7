"""The emulator's mailbox: where Cognito would send an e-mail, the code goes to the log.

The one place where a code may be logged. It opens an account of the emulator, nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cognito_emulator import json_log
from cognito_emulator.rules.app_client import User
from cognito_emulator.rules.sign_up import masked
from cognito_emulator.verification import IssuedCode, Purpose, Verification, account_of

SUBJECTS: Mapping[Purpose, str] = {
    "sign_up": "Your verification code",
    "password": "Your password reset code",
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Makes codes and delivers them."""

    verification: Verification
    code_seconds: Mapping[Purpose, int]

    def send(self, purpose: Purpose, user: User) -> str:
        """Mail the user a new code; the masked address that it went to."""
        address = user.attributes["email"]
        account = account_of(purpose, user.pool_id, user.sub)
        code = self.verification.issue(account, self.code_seconds[purpose], opens=True)
        json_log.info(
            "emulator_mailbox",
            note="the emulator's own mailbox; Cognito would have sent an email",
            to=masked(address),
            subject=SUBJECTS[purpose],
            code=code,
        )
        return masked(address)

    def pretend(self, purpose: Purpose, account: str, address: str) -> str:
        """A code that opens nothing, so that nobody learns from the difference."""
        self.verification.issue(account, self.code_seconds[purpose], opens=False)
        return masked(address)

    def latest(self, account: str) -> IssuedCode | None:
        """What lies in the mailbox."""
        return self.verification.codes.get(account)
