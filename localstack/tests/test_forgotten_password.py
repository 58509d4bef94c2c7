"""A new password in the middle of an authorization: /forgotPassword, /confirmForgotPassword."""

import re
from typing import Any

import pytest
from emulator_window import ATTEMPTS, EXPIRED, FOREIGN_HEADERS, MISMATCH, TOO_MANY, own

pytestmark = pytest.mark.integration

OLD, NEW = "Demo-Passw0rd-1!", "New-Passw0rd-2?"


async def asked_for(window: Any, username: str) -> Any:
    """The window in front of the page that asks for code and new password."""
    await window.open("/login")
    await window.click("Forgot your password?")
    await window.send({"username": username})
    assert window.path == "/confirmForgotPassword", window.text
    return window


def change(code: str, password: str = NEW, again: str | None = None) -> dict[str, str]:
    return {
        "confirmation_code": code,
        "password": password,
        "password_again": password if again is None else again,
    }


async def can_log_in(window: Any, username: str, password: str) -> bool:
    await window.open("/login", prompt="login")
    await window.send({"username": username, "password": password})
    return bool(window.path == "app")


@pytest.fixture
def hiding(make_client: Any, public: Any) -> Any:
    """A visitor whose app client hides whether a user exists, as the bridge's does."""
    public.client_id = make_client(PreventUserExistenceErrors="ENABLED")["ClientId"]
    return public


@pytest.mark.parametrize("headers", FOREIGN_HEADERS)
@pytest.mark.parametrize("path", ["/forgotPassword", "/confirmForgotPassword"])
async def test_a_form_from_another_page_changes_nothing(
    open_window: Any, make_user: Any, path: str, headers: dict[str, str]
) -> None:
    username = make_user()
    window = await asked_for(open_window(), username)
    code, parameters = window.mailed_code, window.parameters
    answer = await window.visitor.request(
        "POST", path, params=parameters, data=change(code) | {"username": username}, headers=headers
    )
    assert answer.status == 403
    assert (await window.go(window.address)).mailed_code == code
    assert await can_log_in(window, username, OLD)


def without_what_was_typed(text: str, username: str) -> str:
    """Codes, addresses of steps and the name itself differ for everybody."""
    return re.sub(r"step=[\w-]+|\d{6}", "", text.replace(username, ""))


@pytest.mark.parametrize("kind", ["nobody", "disabled", "unconfirmed", "unverified", "temporary"])
async def test_pages_do_not_tell_who_has_an_account(
    open_window: Any,
    hiding: Any,
    make_user: Any,
    cognito: Any,
    emulator: Any,
    kind: str,
) -> None:
    known, pool = make_user(), emulator.provider["pool_id"]
    other = known.replace("user-", "uuser-")
    if kind == "unconfirmed":
        cognito.sign_up(ClientId=hiding.client_id, Username=other, Password=OLD)
    elif kind != "nobody":
        verified = "false" if kind == "unverified" else "true"
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=other,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email_verified", "Value": verified}],
        )
        if kind != "temporary":
            cognito.admin_set_user_password(
                UserPoolId=pool, Username=other, Password=OLD, Permanent=True
            )
    if kind == "disabled":
        cognito.admin_disable_user(UserPoolId=pool, Username=other)
    seen = []
    for username in (known, other):
        window = await asked_for(open_window(), username)
        shown = [(window.shown.status, window.text)]
        for typed in (
            change(window.wrong_code),
            change(window.mailed_code, "short"),
            change(window.mailed_code, again="other"),
            *[change(window.wrong_code)] * ATTEMPTS,
        ):
            await window.send(typed)
            shown.append((window.shown.status, window.text))
        assert window.problem == TOO_MANY
        await window.open("/login")
        await window.send({"username": username, "password": "Wrong-Passw0rd-1!"})
        shown.append((window.shown.status, window.text))
        seen.append([(status, without_what_was_typed(text, username)) for status, text in shown])
    assert seen[0] == seen[1]


async def test_a_code_of_nobody_opens_nothing(open_window: Any, hiding: Any) -> None:
    window = await asked_for(open_window(), "nobody@example.com")
    await window.send(change(window.mailed_code))
    assert (window.shown.status, window.problem) == (400, MISMATCH)
    assert not await can_log_in(window, "nobody@example.com", NEW)


async def test_an_app_client_that_hides_nothing_names_what_is_wrong(
    open_window: Any, public: Any
) -> None:
    """LEGACY, the default of the API."""
    window = await open_window().open("/forgotPassword")
    await window.send({"username": "nobody@example.com"})
    assert (window.shown.status, window.path) == (400, "/forgotPassword")
    assert window.problem == "Username/client id combination not found."


async def test_another_browser_cannot_use_the_address(
    open_window: Any, http: Any, make_user: Any
) -> None:
    username = make_user()
    window = await asked_for(open_window(), username)
    address, code = window.address, window.mailed_code
    http.cookie_jar.clear()
    stranger = await open_window().go(address)
    assert stranger.path == "/forgotPassword"
    assert code not in stranger.text
    answer = await stranger.visitor.request("POST", address, data=change(code))
    assert answer.location.startswith("/forgotPassword?")
    assert await can_log_in(stranger, username, OLD)


async def test_a_code_of_one_user_changes_nothing_of_another(
    open_window: Any, make_user: Any
) -> None:
    one, other = make_user(), make_user()
    mine = await asked_for(open_window(), one)
    theirs = await asked_for(open_window(), other)
    if mine.mailed_code == theirs.mailed_code:  # one in a million
        mine = await asked_for(open_window(), one)
    await theirs.send(change(mine.mailed_code))
    assert theirs.problem == MISMATCH
    assert await can_log_in(theirs, other, OLD)


async def test_a_code_of_a_sign_up_is_none_of_a_password(
    open_window: Any, cognito: Any, emulator: Any, public: Any
) -> None:
    username = "two-codes@example.com"
    cognito.sign_up(ClientId=public.client_id, Username=username, Password=OLD)
    window = await open_window().open("/login")
    await window.send({"username": username, "password": OLD})
    sign_up_code = window.mailed_code
    pool = emulator.provider["pool_id"]
    cognito.admin_update_user_attributes(
        UserPoolId=pool,
        Username=username,
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username=username)
    window = await asked_for(open_window(), username)
    if window.mailed_code == sign_up_code:  # one in a million
        window = await asked_for(open_window(), username)
    await window.send(change(sign_up_code))
    assert window.problem == MISMATCH


async def test_a_new_code_voids_the_old_one_and_is_spent_once(
    open_window: Any, make_user: Any
) -> None:
    username = make_user()
    first = await asked_for(open_window(), username)
    second = await asked_for(open_window(), username)
    code, address = second.mailed_code, second.address
    if first.mailed_code != code:
        await first.send(change(first.mailed_code))
        assert first.problem == MISMATCH
    await second.send(change(code))
    assert second.path == "/login"
    for answered in (first.address, address):
        answer = await first.visitor.request("POST", answered, data=change(code, OLD))
        assert EXPIRED in answer.text
    assert await can_log_in(first, username, NEW)


async def test_guesses_and_requests_are_limited(open_window: Any, make_user: Any) -> None:
    window = await asked_for(open_window(), make_user())
    for _ in range(ATTEMPTS):
        await window.send(change(window.wrong_code))
        assert window.problem == MISMATCH
    await window.send(change(window.mailed_code))
    assert (window.shown.status, window.problem) == (400, TOO_MANY)
    username = make_user()
    for _ in range(ATTEMPTS):
        await asked_for(window, username)
    await window.open("/forgotPassword")
    await window.send({"username": username})
    assert (window.shown.status, window.path, window.problem) == (400, "/forgotPassword", TOO_MANY)


async def test_an_expired_code_asks_for_another_one(
    environment: dict[str, str], start: Any, open_window: Any, public: Any
) -> None:
    """By a lifetime of nothing, so that nobody waits."""
    with start({**environment, "PASSWORD_CODE_SECONDS": "0"}) as emulator:
        own(public, emulator)
        window = await asked_for(open_window(), public.username)
        await window.send(change(window.mailed_code))
        assert (window.shown.status, window.problem) == (400, EXPIRED)


@pytest.mark.parametrize(
    ("field", "changes", "problem"),
    [
        ("confirmation_code", {"confirmation_code": ""}, "Code is required."),
        ("password", {"password": ""}, "New password is required."),
        ("password_again", {"password_again": ""}, "Enter new password again is required."),
        ("password_again", {"password_again": "Other-Pass0!"}, "The passwords do not match."),
        (
            "password",
            {"password": "lowercase-1", "password_again": "lowercase-1"},
            "Password did not conform with policy: Password must have uppercase characters.",
        ),
        (
            "password",
            {"password": "With spaces 1!", "password_again": "With spaces 1!"},
            "Password did not conform with policy: Password must not contain spaces.",
        ),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    open_window: Any, make_user: Any, field: str, changes: dict[str, str], problem: str
) -> None:
    window = await asked_for(open_window(), make_user())
    code = window.mailed_code
    await window.send({**change(code), **changes})
    assert (window.shown.status, window.problem) == (400, problem)
    tag = re.search(rf'<input id="{field}"[^>]*>', window.text)
    assert tag is not None
    assert 'aria-invalid="true"' in tag[0]
    assert 'aria-describedby="problem' in tag[0]
    assert NEW not in window.text
    await window.send(change(code))
    assert window.path == "/login"


@pytest.mark.parametrize(
    ("username", "problem"),
    [
        ("", "Email is required."),
        ("x" * 129, "Email is too long."),
        ("a b@example.com", "Email must not contain spaces."),
    ],
)
async def test_a_name_that_cannot_be_is_said(open_window: Any, username: str, problem: str) -> None:
    window = await open_window().open("/forgotPassword")
    await window.send({"username": username})
    assert (window.shown.status, window.problem) == (400, problem)


async def test_what_somebody_types_is_shown_as_text(open_window: Any, hiding: Any) -> None:
    window = await open_window().open("/forgotPassword", state='"><script>')
    await window.send({"username": '"><script>alert(1)</script>@example.com'})
    assert window.path == "/confirmForgotPassword"
    assert "<script" not in window.text
    await window.send({**change('"><script>'), "password_again": "other"})
    assert "<script" not in window.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/forgotPassword", "/confirmForgotPassword"])
@pytest.mark.parametrize("changes", [{"redirect_uri": "https://evil.example"}, {"client_id": "x"}])
async def test_no_page_leads_to_an_address_that_is_not_registered(
    public: Any, path: str, method: str, changes: dict[str, str]
) -> None:
    answer = await public.request(
        method, path, params=public.parameters(**changes), data=change("123456")
    )
    assert answer.location.startswith("/error?error=")


async def test_a_forgotten_password_is_replaced_and_the_authorization_goes_on(
    open_window: Any, make_user: Any
) -> None:
    username = make_user()
    asked = {"state": "st/ate+=&x y", "scope": "openid email", "nonce": "n"}
    window = await open_window().open("/oauth2/authorize", **asked)
    await window.click("Forgot your password?")
    await window.send({"username": username.upper()})
    assert "We have sent a password reset code by email to <strong>u***@e***" in window.text
    await window.send(change(window.wrong_code))
    assert window.problem == MISMATCH
    assert f'value="{window.wrong_code}"' in window.text
    await window.send(change(window.mailed_code))
    assert window.path == "/login"
    assert "Your password has been changed" in window.text
    assert f'value="{username}"' in window.text
    assert username not in window.address
    for address in window.addresses[1:]:
        shown = open_window()
        shown.address = address
        assert asked.items() <= shown.parameters.items()
    await window.send({"username": username, "password": OLD})
    assert window.problem == "Incorrect username or password."
    await window.send({"username": username, "password": NEW})
    assert window.path == "app"
    assert window.shown.query["state"] == asked["state"]


async def test_the_address_is_of_no_other_page(open_window: Any, make_user: Any) -> None:
    window = await asked_for(open_window(), make_user())
    await window.open("/confirm", step=window.parameters["step"])
    assert window.path == "/login"


async def test_going_back_after_the_change_leads_to_the_log_in(
    open_window: Any, make_user: Any
) -> None:
    window = await asked_for(open_window(), make_user())
    address = window.address
    await window.send(change(window.mailed_code))
    await window.go(address)
    assert window.path == "/login"
    assert "Your password has been changed" in window.text


async def test_the_notice_of_the_change_needs_the_change(open_window: Any, make_user: Any) -> None:
    window = await asked_for(open_window(), make_user())
    await window.open("/login", step=window.parameters["step"])
    assert "has been changed" not in window.text
    assert 'id="username" name="username" type="text" autocomplete' in window.text


async def test_an_administrators_reset_mails_a_code(
    open_window: Any, make_user: Any, cognito: Any, emulator: Any, public: Any
) -> None:
    username, pool = make_user(), emulator.provider["pool_id"]
    before = len(emulator.mailed_codes())
    cognito.admin_reset_user_password(UserPoolId=pool, Username=username)
    assert not await can_log_in(open_window(), username, OLD)
    (code,) = emulator.mailed_codes()[before:]
    cognito.confirm_forgot_password(
        ClientId=public.client_id, Username=username, ConfirmationCode=code, Password=NEW
    )
    assert await can_log_in(open_window(), username, NEW)
