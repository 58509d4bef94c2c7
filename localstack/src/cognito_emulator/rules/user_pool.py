"""A user pool, as read from DescribeUserPool: who may sign up, under which name and password."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SYMBOLS = frozenset("^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+=")
MAX_PASSWORD_CHARS = 256


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """Developer guide, "Password policies"."""

    minimum_length: int
    needs_uppercase: bool
    needs_lowercase: bool
    needs_numbers: bool
    needs_symbols: bool

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> "PasswordPolicy":
        """Read `Policies.PasswordPolicy`; MiniStack takes what is not said for required."""
        return cls(
            minimum_length=answer.get("MinimumLength", 8),
            needs_uppercase=answer.get("RequireUppercase", True),
            needs_lowercase=answer.get("RequireLowercase", True),
            needs_numbers=answer.get("RequireNumbers", True),
            needs_symbols=answer.get("RequireSymbols", True),
        )

    def problems(self, password: str) -> list[str]:
        """What Cognito holds against this password, in its words; nothing when it is good."""
        return [problem for problem, holds in self._judged(password) if holds]

    def _judged(self, password: str) -> list[tuple[str, bool]]:
        def lacks(kind: str | frozenset[str]) -> bool:
            return not any(char in kind for char in password)

        return [
            ("Password not long enough", len(password) < self.minimum_length),
            ("Password must not be longer than 256 characters", len(password) > MAX_PASSWORD_CHARS),
            ("Password must not contain spaces", any(char.isspace() for char in password)),
            (
                "Password must have uppercase characters",
                self.needs_uppercase and lacks(string.ascii_uppercase),
            ),
            (
                "Password must have lowercase characters",
                self.needs_lowercase and lacks(string.ascii_lowercase),
            ),
            (
                "Password must have numeric characters",
                self.needs_numbers and lacks(string.digits),
            ),
            ("Password must have symbol characters", self.needs_symbols and lacks(SYMBOLS)),
        ]

    def sentence(self) -> str:
        """The policy for people who choose a password."""
        wanted = [
            (self.needs_uppercase, "an uppercase letter"),
            (self.needs_lowercase, "a lowercase letter"),
            (self.needs_numbers, "a number"),
            (self.needs_symbols, "a symbol"),
        ]
        kinds = [kind for needed, kind in wanted if needed]
        least = f"At least {self.minimum_length} characters"
        if not kinds:
            return f"{least}."
        listed = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
        return f"{least}, with {listed}."


@dataclass(frozen=True, slots=True)
class UserPool:
    """`UserPool`, as far as sign-up and password pages care."""

    pool_id: str
    allows_sign_up: bool
    username_attributes: frozenset[str]
    alias_attributes: frozenset[str]
    verifies_email: bool
    attributes: frozenset[str]
    required_attributes: tuple[str, ...]
    is_case_sensitive: bool
    password_policy: PasswordPolicy

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> "UserPool":
        """Read the `UserPool` member of an answer."""
        schema = answer.get("SchemaAttributes") or ()
        creation = answer.get("AdminCreateUserConfig") or {}
        return cls(
            pool_id=answer["Id"],
            allows_sign_up=creation.get("AllowAdminCreateUserOnly") is not True,
            username_attributes=frozenset(answer.get("UsernameAttributes") or ()),
            alias_attributes=frozenset(answer.get("AliasAttributes") or ()),
            verifies_email="email" in (answer.get("AutoVerifiedAttributes") or ()),
            attributes=frozenset(attribute["Name"] for attribute in schema),
            required_attributes=tuple(
                attribute["Name"]
                for attribute in schema
                if attribute.get("Required") and attribute["Name"] != "sub"
            ),
            is_case_sensitive=(answer.get("UsernameConfiguration") or {}).get("CaseSensitive")
            is not False,
            password_policy=PasswordPolicy.parse(
                (answer.get("Policies") or {}).get("PasswordPolicy") or {}
            ),
        )

    @property
    def names_by_email(self) -> bool:
        """Do people sign up and in with their e-mail address in place of a user name?"""
        return "email" in self.username_attributes

    def canonical(self, name: str) -> str:
        """The one spelling of a user name or alias."""
        return name if self.is_case_sensitive else name.lower()
