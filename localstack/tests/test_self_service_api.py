"""The same operations as an app of its own calls them: public, by app client and SecretHash."""

import base64
import hashlib
import hmac
import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.integration

PASSWORD, NEW = "Own-Passw0rd-1!", "New-Passw0rd-2?"
# What MiniStack takes for every user, for ever.
MINISTACKS_CODES = ["123456", "654321"]


def a_name() -> str:
    return f"api-{secrets.token_hex(8)}@example.com"


def refusal(call: Any, **body: Any) -> str:
    """The type of the error that the call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**body)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def client_id(make_client: Any) -> str:
    return str(make_client()["ClientId"])


@pytest.fixture
def hiding_id(make_client: Any) -> str:
    return str(make_client(PreventUserExistenceErrors="ENABLED")["ClientId"])


def mailed(emulator: Any) -> str:
    """The code of the newest mail."""
    return str(emulator.mailed_codes()[-1])


@pytest.fixture
def signed_up(cognito: Any, client_id: str, emulator: Any) -> dict[str, str]:
    """Names a user who waits for confirmation, and the app client."""
    named = {"ClientId": client_id, "Username": a_name()}
    cognito.sign_up(**named, Password=PASSWORD)
    return named


@pytest.mark.parametrize("code", MINISTACKS_CODES)
def test_ministacks_own_codes_open_nothing(
    cognito: Any, signed_up: dict[str, str], make_user: Any, emulator: Any, code: str
) -> None:
    assert mailed(emulator) != code, "one in a million"
    assert refusal(cognito.confirm_sign_up, **signed_up, ConfirmationCode=code) == (
        "CodeMismatchException"
    )
    known = {"ClientId": signed_up["ClientId"], "Username": make_user()}
    cognito.forgot_password(**known)
    assert mailed(emulator) != code, "one in a million"
    reset = {**known, "ConfirmationCode": code, "Password": NEW}
    assert refusal(cognito.confirm_forgot_password, **reset) == "CodeMismatchException"


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"email_verified": "true"}, "NotAuthorizedException"),
        ({"phone_number_verified": "true"}, "NotAuthorizedException"),
        ({"sub": "somebody-else"}, "NotAuthorizedException"),
        ({"identities": "[]"}, "NotAuthorizedException"),
        ({"email": "another@example.com"}, "InvalidParameterException"),
        ({"custom:role": "admin"}, "InvalidParameterException"),
        ({"dev:role": "admin"}, "InvalidParameterException"),
    ],
)
def test_nobody_says_about_themselves_what_only_the_pool_knows(
    cognito: Any, client_id: str, attributes: dict[str, str], error: str
) -> None:
    body = {
        "ClientId": client_id,
        "Username": a_name(),
        "Password": PASSWORD,
        "UserAttributes": [{"Name": k, "Value": v} for k, v in attributes.items()],
    }
    assert refusal(cognito.sign_up, **body) == error


def test_an_app_client_writes_only_what_it_may(cognito: Any, make_client: Any) -> None:
    client_id = make_client(WriteAttributes=["email"])["ClientId"]
    named = {"ClientId": client_id, "Username": a_name(), "Password": PASSWORD}
    name = [{"Name": "name", "Value": "Ada"}]
    assert refusal(cognito.sign_up, **named, UserAttributes=name) == "NotAuthorizedException"
    cognito.sign_up(**named, UserAttributes=[{"Name": "email", "Value": named["Username"]}])


def hash_of(secret: str, username: str, client_id: str) -> str:
    digest = hmac.new(secret.encode(), (username + client_id).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def test_a_confidential_client_proves_its_secret(cognito: Any, emulator: Any) -> None:
    provider = emulator.provider
    client_id, secret, username = provider["client_id"], provider["client_secret"], a_name()
    named = {"ClientId": client_id, "Username": username}
    sign_up = {**named, "Password": PASSWORD}
    assert refusal(cognito.sign_up, **sign_up) == "NotAuthorizedException"
    for wrong in (hash_of("x", username, client_id), hash_of(secret, "x", client_id), "AAAA"):
        assert refusal(cognito.sign_up, **sign_up, SecretHash=wrong) == "NotAuthorizedException"
    right = hash_of(secret, username, client_id)
    cognito.sign_up(**sign_up, SecretHash=right)
    code = mailed(emulator)
    confirm = {**named, "ConfirmationCode": code}
    assert refusal(cognito.confirm_sign_up, **confirm) == "NotAuthorizedException"
    cognito.confirm_sign_up(**confirm, SecretHash=right)


def test_a_public_client_has_no_secret_to_prove(cognito: Any, client_id: str) -> None:
    body = {"ClientId": client_id, "Username": a_name(), "Password": PASSWORD}
    assert refusal(cognito.sign_up, **body, SecretHash="AAAA") == "InvalidParameterException"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ClientId": "nobody"}, "ResourceNotFoundException"),
        ({"Username": "ada"}, "InvalidParameterException"),
        ({"Username": "+3212345678"}, "InvalidParameterException"),
        ({"Username": "demo@example.com"}, "UsernameExistsException"),
        ({"Username": "Demo@Example.COM"}, "UsernameExistsException"),
        ({"Password": "short"}, "InvalidPasswordException"),
        ({"Password": "no-uppercase-1"}, "InvalidPasswordException"),
        ({"Password": ""}, "InvalidParameterException"),
        ({"Password": "With spaces 1!"}, "InvalidParameterException"),
    ],
)
def test_sign_up_refuses_what_cognito_refuses(
    cognito: Any, client_id: str, changes: dict[str, str], error: str
) -> None:
    body = {"ClientId": client_id, "Username": a_name(), "Password": PASSWORD}
    assert refusal(cognito.sign_up, **{**body, **changes}) == error


def test_sign_up_is_for_administrators_where_the_pool_says_so(
    cognito: Any, make_client: Any
) -> None:
    pool = cognito.create_user_pool(
        PoolName="closed", AdminCreateUserConfig={"AllowAdminCreateUserOnly": True}
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="closed")
    body = {"ClientId": client["UserPoolClient"]["ClientId"], "Username": "ada"}
    assert refusal(cognito.sign_up, **body, Password=PASSWORD) == "NotAuthorizedException"
    cognito.admin_create_user(UserPoolId=pool, Username="ada", MessageAction="SUPPRESS")


def test_a_sign_up_says_where_the_code_went_and_a_code_confirms_once(
    cognito: Any, client_id: str, emulator: Any
) -> None:
    named = {"ClientId": client_id, "Username": a_name()}
    made = cognito.sign_up(**named, Password=PASSWORD)
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    first = mailed(emulator)
    resent = cognito.resend_confirmation_code(**named)
    assert resent["CodeDeliveryDetails"] == made["CodeDeliveryDetails"]
    code = mailed(emulator)
    if first != code:
        confirm = {**named, "ConfirmationCode": first}
        assert refusal(cognito.confirm_sign_up, **confirm) == "CodeMismatchException"
    cognito.confirm_sign_up(**named, ConfirmationCode=code)
    user = cognito.admin_get_user(
        UserPoolId=emulator.provider["pool_id"], Username=named["Username"]
    )
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
    confirm = {**named, "ConfirmationCode": code}
    assert refusal(cognito.confirm_sign_up, **confirm) == "NotAuthorizedException"
    assert refusal(cognito.resend_confirmation_code, **named) == "InvalidParameterException"


def test_a_disabled_user_is_not_confirmed(
    cognito: Any, signed_up: dict[str, str], emulator: Any
) -> None:
    code = mailed(emulator)
    user = {"UserPoolId": emulator.provider["pool_id"], "Username": signed_up["Username"]}
    cognito.admin_disable_user(**user)
    confirm = {**signed_up, "ConfirmationCode": code}
    assert refusal(cognito.confirm_sign_up, **confirm) == "NotAuthorizedException"
    assert refusal(cognito.resend_confirmation_code, **signed_up) == "NotAuthorizedException"


def test_the_right_code_of_a_disabled_user_confirms_nobody(
    cognito: Any, hiding_id: str, emulator: Any
) -> None:
    named = {"ClientId": hiding_id, "Username": a_name()}
    cognito.sign_up(**named, Password=PASSWORD)
    user = {"UserPoolId": emulator.provider["pool_id"], "Username": named["Username"]}
    confirm = {**named, "ConfirmationCode": mailed(emulator)}
    cognito.admin_disable_user(**user)
    assert refusal(cognito.confirm_sign_up, **confirm) == "NotAuthorizedException"
    assert cognito.admin_get_user(**user)["UserStatus"] == "UNCONFIRMED"


def test_an_app_client_that_hides_users_answers_the_same_for_everybody(
    cognito: Any, hiding_id: str, make_user: Any
) -> None:
    for username in (a_name(), make_user()):
        named = {"ClientId": hiding_id, "Username": username}
        confirm = {**named, "ConfirmationCode": "000000"}
        assert refusal(cognito.confirm_sign_up, **confirm) == "ExpiredCodeException"
        resent = cognito.resend_confirmation_code(**named)
        assert resent["CodeDeliveryDetails"]["Destination"].endswith("@e***")
        assert refusal(cognito.confirm_sign_up, **confirm) == "CodeMismatchException"
        reset = {**confirm, "Password": NEW}
        assert refusal(cognito.confirm_forgot_password, **reset) == "ExpiredCodeException"
        sent = cognito.forgot_password(**named)
        assert sent["CodeDeliveryDetails"]["Destination"].endswith("@e***")
        assert refusal(cognito.confirm_forgot_password, **reset) == "CodeMismatchException"


def test_an_app_client_that_hides_nothing_names_what_is_wrong(
    cognito: Any, client_id: str, signed_up: dict[str, str], make_user: Any, emulator: Any
) -> None:
    nobody = {"ClientId": client_id, "Username": a_name()}
    code = {"ConfirmationCode": "000000"}
    for call, body in (
        (cognito.confirm_sign_up, code),
        (cognito.resend_confirmation_code, {}),
        (cognito.forgot_password, {}),
        (cognito.confirm_forgot_password, {**code, "Password": NEW}),
    ):
        assert refusal(call, **nobody, **body) == "UserNotFoundException"
    assert refusal(cognito.forgot_password, **signed_up) == "InvalidParameterException"
    disabled = {"UserPoolId": emulator.provider["pool_id"], "Username": make_user()}
    cognito.admin_disable_user(**disabled)
    named = {"ClientId": client_id, "Username": disabled["Username"]}
    assert refusal(cognito.forgot_password, **named) == "NotAuthorizedException"
    temporary = a_name()
    cognito.admin_create_user(
        UserPoolId=disabled["UserPoolId"],
        Username=temporary,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )
    named = {"ClientId": client_id, "Username": temporary}
    assert refusal(cognito.forgot_password, **named) == "NotAuthorizedException"


def test_a_code_of_a_user_who_was_disabled_meanwhile_changes_nothing(
    cognito: Any, hiding_id: str, make_user: Any, emulator: Any
) -> None:
    named = {"ClientId": hiding_id, "Username": make_user()}
    cognito.forgot_password(**named)
    user = {"UserPoolId": emulator.provider["pool_id"], "Username": named["Username"]}
    code = mailed(emulator)
    cognito.admin_disable_user(**user)
    reset = {**named, "ConfirmationCode": code, "Password": NEW}
    assert refusal(cognito.confirm_forgot_password, **reset) == "NotAuthorizedException"


def test_too_many_tries_and_requests_end_with_the_limit(
    cognito: Any, signed_up: dict[str, str], emulator: Any
) -> None:
    code = mailed(emulator)
    wrong = {**signed_up, "ConfirmationCode": f"{(int(code) + 1) % 1_000_000:06}"}
    for _ in range(5):
        assert refusal(cognito.confirm_sign_up, **wrong) == "CodeMismatchException"
    right = {**signed_up, "ConfirmationCode": code}
    assert refusal(cognito.confirm_sign_up, **right) == "LimitExceededException"
    for _ in range(5):
        cognito.resend_confirmation_code(**signed_up)
    assert refusal(cognito.resend_confirmation_code, **signed_up) == "LimitExceededException"


def test_an_alias_moves_to_who_proves_it_when_asked_to(cognito: Any, emulator: Any) -> None:
    pool = cognito.create_user_pool(
        PoolName="aliases", AliasAttributes=["email"], AutoVerifiedAttributes=["email"]
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="aliases")
    client_id = client["UserPoolClient"]["ClientId"]
    proven = {"UserPoolId": pool, "Username": "zero"}
    cognito.sign_up(
        ClientId=client_id,
        Username="zero",
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "zero@example.com"}],
    )
    cognito.admin_update_user_attributes(
        **proven, UserAttributes=[{"Name": "email_verified", "Value": "true"}]
    )
    cognito.confirm_sign_up(ClientId=client_id, Username="zero", ConfirmationCode=mailed(emulator))
    email = [{"Name": "email", "Value": "ada@example.com"}]
    confirms = []
    for username in ("first", "second"):
        named = {"ClientId": client_id, "Username": username}
        cognito.sign_up(**named, Password=PASSWORD, UserAttributes=email)
        confirms.append({**named, "ConfirmationCode": mailed(emulator)})
    first, second = confirms
    cognito.confirm_sign_up(**first)
    assert refusal(cognito.confirm_sign_up, **second) == "AliasExistsException"
    by_alias = {"UserPoolId": pool, "Username": "ada@example.com"}
    assert cognito.admin_get_user(**by_alias)["Username"] == "first"
    cognito.confirm_sign_up(**second, ForceAliasCreation=True)
    assert cognito.admin_get_user(**by_alias)["Username"] == "second"


@pytest.mark.parametrize("case_sensitive", [True, False])
def test_names_are_one_or_many_by_case_as_the_pool_says(cognito: Any, case_sensitive: bool) -> None:
    pool = cognito.create_user_pool(
        PoolName="case", UsernameConfiguration={"CaseSensitive": case_sensitive}
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="case")
    client_id = client["UserPoolClient"]["ClientId"]
    cognito.sign_up(ClientId=client_id, Username="Ada", Password=PASSWORD)
    again = {"ClientId": client_id, "Username": "ADA", "Password": PASSWORD}
    named = {"UserPoolId": pool, "Username": "aDA"}
    if case_sensitive:
        cognito.sign_up(**again)
        assert refusal(cognito.admin_get_user, **named) == "UserNotFoundException"
    else:
        assert refusal(cognito.sign_up, **again) == "UsernameExistsException"
        assert refusal(cognito.admin_create_user, **named) == "UsernameExistsException"
        assert cognito.admin_get_user(**named)["UserStatus"] == "UNCONFIRMED"
