"""The pure rules of sign-up, without a process: tables of what Cognito takes and refuses."""

from typing import Any

import pytest

from cognito_emulator.rules.app_client import AppClient
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.rules.sign_up import check_new_user, check_password, masked, name_taken
from cognito_emulator.rules.user_pool import UserPool


def pool(**changes: Any) -> UserPool:
    schema = [{"Name": "sub", "Required": True}, *({"Name": n} for n in ("email", "name"))]
    return UserPool.parse({"Id": "us-east-1_a", "SchemaAttributes": schema, **changes})


def client(**changes: Any) -> AppClient:
    answer = {"UserPoolId": "us-east-1_a", "ClientId": "client", "ClientName": "name", **changes}
    return AppClient.parse(answer, None)


BY_EMAIL = {"UsernameAttributes": ["email"]}
BY_PHONE = {"UsernameAttributes": ["phone_number"]}
BY_EITHER = {"UsernameAttributes": ["email", "phone_number"]}


@pytest.mark.parametrize(
    ("settings", "username", "attributes", "error"),
    [
        ({"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}, "ada", {}, "NotAuthorized"),
        (BY_EMAIL, "ada", {}, "InvalidParameter"),
        (BY_EMAIL, "ada@example", {}, "InvalidParameter"),
        (BY_EMAIL, "ada@@example.com", {}, "InvalidParameter"),
        (BY_EMAIL, "ada@.com", {}, "InvalidParameter"),
        (BY_EMAIL, "+3212345678", {}, "InvalidParameter"),
        (BY_PHONE, "ada@example.com", {}, "InvalidParameter"),
        (BY_PHONE, "3212345678", {}, "InvalidParameter"),
        (BY_EITHER, "ada", {}, "InvalidParameter"),
        ({"AliasAttributes": ["email"]}, "ada@example.com", {}, "InvalidParameter"),
        (BY_EMAIL, "ada@example.com", {"email": "eve@example.com"}, "InvalidParameter"),
        ({}, "ada", {"email": "nonsense"}, "InvalidParameter"),
        ({}, "ada", {"email": ""}, "InvalidParameter"),
        ({}, "ada", {"email_verified": "true"}, "NotAuthorized"),
        ({}, "ada", {"sub": "x"}, "NotAuthorized"),
        ({}, "ada", {"custom:role": "x"}, "InvalidParameter"),
    ],
)
def test_a_new_user_that_cognito_refuses(
    settings: dict[str, Any], username: str, attributes: dict[str, str], error: str
) -> None:
    with pytest.raises(ApiError) as caught:
        check_new_user(pool(**settings), client(), username, attributes)
    assert caught.value.error_type == f"{error}Exception"


@pytest.mark.parametrize(
    ("settings", "username", "attributes"),
    [
        ({}, "ada", {}),
        ({}, "ada@example.com", {}),
        ({}, "ada", {"email": "ada@example.co.uk", "name": "Ada"}),
        (BY_EMAIL, "ada+mcp@example.com", {}),
        (BY_EMAIL, "ada@example.com", {"email": "ada@example.com"}),
        (BY_PHONE, "+3212345678", {}),
        (BY_EITHER, "+3212345678", {}),
        (BY_EITHER, "ada@example.com", {"name": "Ada"}),
        ({"AliasAttributes": ["email"]}, "ada", {"email": "ada@example.com"}),
        ({"AliasAttributes": ["preferred_username"]}, "ada@example.com", {}),
        ({"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False}}, "ada", {}),
    ],
)
def test_a_new_user_that_cognito_takes(
    settings: dict[str, Any], username: str, attributes: dict[str, str]
) -> None:
    check_new_user(pool(**settings), client(), username, attributes)


@pytest.mark.parametrize("given", [{}, {"name": ""}])
def test_a_required_attribute_must_be_there(given: dict[str, str]) -> None:
    required = pool(SchemaAttributes=[{"Name": "name", "Required": True}])
    with pytest.raises(ApiError, match="name: The attribute is required"):
        check_new_user(required, client(), "ada", given)
    check_new_user(required, client(), "ada", {"name": "Ada"})


def test_the_address_that_is_the_name_counts_as_the_required_one() -> None:
    required = pool(**BY_EMAIL, SchemaAttributes=[{"Name": "email", "Required": True}])
    check_new_user(required, client(), "ada@example.com", {})


def test_an_app_client_writes_only_what_it_may() -> None:
    bounded = client(WriteAttributes=["email"])
    check_new_user(pool(), bounded, "ada", {"email": "ada@example.com"})
    with pytest.raises(ApiError, match="unauthorized attribute"):
        check_new_user(pool(), bounded, "ada", {"name": "Ada"})


POLICY = {"PasswordPolicy": {"MinimumLength": 10}}
LENIENT = {
    "PasswordPolicy": {
        "MinimumLength": 6,
        "RequireUppercase": False,
        "RequireLowercase": False,
        "RequireNumbers": False,
        "RequireSymbols": False,
    }
}


@pytest.mark.parametrize(
    ("password", "problems"),
    [
        ("Own-Passw0rd", []),
        ("Own-Passw0", []),
        ("Own-Passw", ["Password not long enough", "Password must have numeric characters"]),
        ("own-passw0rd", ["Password must have uppercase characters"]),
        ("OWN-PASSW0RD", ["Password must have lowercase characters"]),
        ("Own-Password", ["Password must have numeric characters"]),
        ("OwnPassw0rd", ["Password must have symbol characters"]),
        ("öwn-passwörd0É", ["Password must have uppercase characters"]),
        ("Own-Passwörd१", ["Password must have numeric characters"]),
        ("Own Passw0rd-1", ["Password must not contain spaces"]),
        ("Own-Passw0rd" + "x" * 244, []),
        ("Own-Passw0rd" + "x" * 245, ["Password must not be longer than 256 characters"]),
    ],
)
def test_the_policy_says_what_is_wrong_with_a_password(password: str, problems: list[str]) -> None:
    strict = pool(Policies=POLICY)
    assert strict.password_policy.problems(password) == problems
    if problems:
        with pytest.raises(ApiError) as caught:
            check_password(strict, password)
        assert caught.value.error_type == "InvalidPasswordException"
        assert caught.value.message == f"Password did not conform with policy: {problems[0]}"
    else:
        check_password(strict, password)


def test_a_lenient_policy_asks_for_length_only() -> None:
    policy = pool(Policies=LENIENT).password_policy
    assert policy.problems("aaaaaa") == []
    assert policy.problems("aaaaa") == ["Password not long enough"]
    assert policy.sentence() == "At least 6 characters."


def test_the_policy_can_be_read_aloud() -> None:
    assert pool().password_policy.sentence() == (
        "At least 8 characters, with an uppercase letter, a lowercase letter, a number and a "
        "symbol."
    )
    one = {"PasswordPolicy": {**LENIENT["PasswordPolicy"], "RequireNumbers": True}}
    assert pool(Policies=one).password_policy.sentence() == "At least 6 characters, with a number."


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ada@example.com", "a***@e***"),
        ("a@b.c", "a***@b***"),
        ("a@b@example.com", "a***@e***"),
    ],
)
def test_addresses_are_shown_masked(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_a_name_that_is_no_address_is_shown_as_one_and_always_the_same() -> None:
    shown = masked("ada")
    assert shown.startswith("a***@")
    assert len(shown) == len("a***@e***")
    assert masked("ada") == shown


@pytest.mark.parametrize(
    ("settings", "username", "message"),
    [
        ({}, "ada", "User already exists"),
        (BY_EMAIL, "ada@example.com", "An account with the given email already exists."),
        (BY_PHONE, "+3212345678", "An account with the given phone_number already exists."),
        (BY_EITHER, "+3212345678", "An account with the given phone_number already exists."),
        (BY_EITHER, "ada@example.com", "An account with the given email already exists."),
    ],
)
def test_a_name_that_is_taken(settings: dict[str, Any], username: str, message: str) -> None:
    error = name_taken(pool(**settings), username)
    assert (error.error_type, error.message) == ("UsernameExistsException", message)


@pytest.mark.parametrize(
    ("configuration", "spelling"),
    [({}, "Ada"), ({"CaseSensitive": True}, "Ada"), ({"CaseSensitive": False}, "ada")],
)
def test_a_pool_spells_names_its_own_way(configuration: dict[str, bool], spelling: str) -> None:
    settings = {"UsernameConfiguration": configuration} if configuration else {}
    assert pool(**settings).canonical("Ada") == spelling
