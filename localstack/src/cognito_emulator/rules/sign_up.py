"""What SignUp refuses, and how addresses are shown (API reference, SignUp; developer guide,
"Signing up and confirming user accounts" and "Managing user existence error responses").
"""

import hashlib
import re
import string
from collections.abc import Mapping

from cognito_emulator.rules.app_client import AppClient
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.user_pool import UserPool

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
PHONE_NUMBER = re.compile(r"\+[0-9]{3,18}")
# Only the pool itself says who somebody is and what has been proven.
SET_BY_THE_POOL = frozenset({"sub", "email_verified", "phone_number_verified", "identities"})


def check_new_user(
    pool: UserPool, client: AppClient, username: str, attributes: Mapping[str, str]
) -> None:
    """Raise the ApiError that Cognito would answer, but for names that are taken.

    username:   in the pool's spelling
    attributes: what the caller sets, name → value
    """
    if not pool.allows_sign_up:
        raise ApiError("NotAuthorizedException", "SignUp is not permitted for this user pool")
    _check_username(pool, username)
    _check_attributes(pool, client, username, attributes)


def check_password(pool: UserPool, password: str) -> None:
    """Raise InvalidPasswordException with the first thing that is wrong, as Cognito does."""
    problems = pool.password_policy.problems(password)
    if problems:
        raise ApiError(
            "InvalidPasswordException", f"Password did not conform with policy: {problems[0]}"
        )


def name_taken(pool: UserPool, username: str) -> ApiError:
    """SignUp says so, whatever PreventUserExistenceErrors says."""
    kind = _alias_of(pool, username)
    message = f"An account with the given {kind} already exists." if kind else "User already exists"
    return ApiError("UsernameExistsException", message)


def masked(address: str) -> str:
    """An address as CodeDeliveryDetails shows it: `a***@e***`.

    A name that is no address gets one that does not tell whether there is such a user.
    """
    local, _, domain = address.rpartition("@")
    if not local:
        local, domain = address, _letter_for(address)
    return f"{local[0]}***@{domain[:1]}***"


def _letter_for(name: str) -> str:
    number = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[0]
    return string.ascii_lowercase[number % len(string.ascii_lowercase)]


def _alias_of(pool: UserPool, username: str) -> str | None:
    """What the user name is in a pool without user names of its own."""
    if not pool.username_attributes:
        return None
    is_phone = "email" not in pool.username_attributes or (
        "phone_number" in pool.username_attributes and PHONE_NUMBER.fullmatch(username)
    )
    return "phone_number" if is_phone else "email"


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def _check_username(pool: UserPool, username: str) -> None:
    match _alias_of(pool, username):
        case "email" if not EMAIL.fullmatch(username):
            raise _invalid("Username should be an email.")
        case "phone_number" if not PHONE_NUMBER.fullmatch(username):
            raise _invalid("Username should be a phone number.")
    if "email" in pool.alias_attributes and EMAIL.fullmatch(username):
        raise _invalid(
            "Username cannot be of email format, since user pool is configured for email alias."
        )


def _check_attributes(
    pool: UserPool, client: AppClient, username: str, attributes: Mapping[str, str]
) -> None:
    alias = _alias_of(pool, username)
    given = {**attributes, alias: username} if alias else attributes
    if alias and attributes.get(alias, username) != username:
        raise _invalid(
            f"User {alias} should be empty or same as username, since username attribute is {alias}"
        )
    for name in attributes:
        if name in SET_BY_THE_POOL or (client.writable and name not in client.writable):
            raise ApiError(
                "NotAuthorizedException", "A client attempted to write unauthorized attribute"
            )
        if name not in pool.attributes:
            raise _nonconforming(name, "Attribute does not exist in the schema.")
    if "email" in given and not EMAIL.fullmatch(given["email"]):
        raise _invalid("Invalid email address format.")
    for name in pool.required_attributes:
        if not given.get(name):
            raise _nonconforming(name, "The attribute is required")


def _nonconforming(name: str, problem: str) -> ApiError:
    return _invalid(f"Attributes did not conform to the schema: {name}: {problem}")
