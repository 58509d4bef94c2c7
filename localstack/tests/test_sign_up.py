"""A new account in the middle of an authorization: /signup, /confirm, /resendcode."""

import json
import re
from typing import Any

import pytest
from emulator_window import (
    EXPIRED,
    MISMATCH,
    NEW_PASSWORD,
    confirmation,
    own,
    signed_up,
    somebody,
)

pytestmark = pytest.mark.integration


def status_of(cognito: Any, emulator: Any, username: str) -> str:
    pool = emulator.provider["pool_id"]
    user = cognito.admin_get_user(UserPoolId=pool, Username=username)
    return str(user["UserStatus"])


async def test_a_new_user_goes_from_the_app_and_back_to_it(
    public: Any, open_window: Any, cognito: Any, emulator: Any
) -> None:
    public.username = somebody()["username"]
    public.password = NEW_PASSWORD
    window = await open_window().open("/oauth2/authorize", scope="openid email", nonce="n-1")
    assert window.path == "/login"
    await window.click("Sign up")
    await window.send({"username": public.username, "password": NEW_PASSWORD})
    assert window.path == "/confirm"
    await window.send(confirmation(window.wrong_code))
    assert (window.shown.status, window.problem) == (400, MISMATCH)
    old = window.mailed_code
    await window.send({}, "/resendcode")
    assert "We have sent a new code by email to <strong>n***@e***</strong>" in window.text
    if window.mailed_code != old:
        await window.send(confirmation(old))
        assert window.problem == MISMATCH
    await window.send(confirmation(f" {window.mailed_code[:3]} {window.mailed_code[3:]} "))
    assert window.path == "app"
    assert window.shown.query["state"] == "opaque"
    tokens = (await public.redeem(window.shown.query["code"])).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    info = (await public.request("GET", "/oauth2/userInfo", headers=headers)).json()
    assert (info["email"], info["email_verified"]) == (public.username, "true")
    assert status_of(cognito, emulator, public.username) == "CONFIRMED"
    # signed in for the next app, and by password from now on
    assert "code" in (await public.authorize(prompt="none")).query
    assert "code" in (await public.log_in(prompt="login")).query


async def test_the_parameters_of_the_authorization_survive_every_step(open_window: Any) -> None:
    asked = {
        "state": "st/ate+=&x y",
        "scope": "openid email",
        "nonce": "n",
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
        "resource": "https://example.com/mcp",
        "lang": "en",
    }
    window = await open_window().open("/oauth2/authorize", **asked)
    await window.click("Sign up")
    await window.send(somebody(password="short"))
    await window.send(somebody())
    await window.send(confirmation(window.wrong_code))
    await window.send({}, "/resendcode")
    for address in window.addresses[1:]:
        shown = open_window()
        shown.address = address
        assert asked.items() <= shown.parameters.items()
    await window.send(confirmation(window.mailed_code))
    assert window.shown.query["state"] == asked["state"]


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
async def test_an_address_has_one_account_however_it_is_spelled(
    open_window: Any, public: Any, spelling: Any
) -> None:
    typed = somebody()
    first = await signed_up(open_window(), typed)
    second = await open_window().open("/signup")
    await second.send({**typed, "username": spelling(typed["username"])})
    assert second.shown.status == 400
    assert second.problem == "An account with the given email already exists."
    assert NEW_PASSWORD not in second.text
    await first.send(confirmation(first.mailed_code))
    public.username, public.password = spelling(typed["username"]), NEW_PASSWORD
    assert "code" in (await public.log_in(prompt="login")).query


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"username": ""}, "Email is required."),
        ({"username": "ada"}, "Invalid email address format."),
        ({"username": "ada@localhost"}, "Invalid email address format."),
        ({"username": "a b@example.com"}, "Invalid email address format."),
        ({"username": "a" * 120 + "@example.com"}, "Email is too long."),
        ({"password": ""}, "Password is required."),
        (
            {"password": "Sh0rt!x"},
            "Password did not conform with policy: Password not long enough.",
        ),
        (
            {"password": "all lower case"},
            "Password did not conform with policy: Password must not contain spaces; Password must "
            "have uppercase characters; Password must have numeric characters; Password must have "
            "symbol characters.",
        ),
        (
            {"password": "ALL-UPPER-1"},
            "Password did not conform with policy: Password must have lowercase characters.",
        ),
        ({"password": "Own-Passw0rd-" + "x" * 256}, "Password is too long."),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(
    open_window: Any, changes: dict[str, str], problem: str
) -> None:
    window = await open_window().open("/signup")
    typed = somebody(**changes)
    await window.send(typed)
    (field,) = changes
    assert (window.shown.status, window.path, window.problem) == (400, "/signup", problem)
    tag = re.search(rf'<input id="{field}"[^>]*>', window.text)
    assert tag is not None
    assert 'aria-invalid="true"' in tag[0]
    assert re.search(r'aria-describedby="problem[" ]', tag[0])
    if changes.get("password"):
        assert changes["password"] not in window.text


async def test_an_expired_code_asks_for_another_one(
    environment: dict[str, str], start: Any, open_window: Any, public: Any
) -> None:
    """By a lifetime of nothing, so that nobody waits."""
    with start({**environment, "SIGN_UP_CODE_SECONDS": "0"}) as emulator:
        own(public, emulator)
        window = await signed_up(open_window(), somebody())
        await window.send(confirmation(window.mailed_code))
        assert (window.shown.status, window.problem) == (400, EXPIRED)


async def test_a_sign_up_survives_a_graceful_stop_before_and_after_its_code(
    environment: dict[str, str], start: Any, open_window: Any, public: Any
) -> None:
    done, under_way, left = somebody(), somebody(), somebody()
    with start(environment) as first:
        own(public, first)
        window = await signed_up(open_window(), done)
        await window.send(confirmation(window.mailed_code))
        await signed_up(open_window(), left)
        window = await signed_up(open_window(), under_way)
        code = window.mailed_code
        assert first.end() == 0
        assert NEW_PASSWORD not in (first.state_dir / "front.json").read_text()
    with start(environment) as second:
        own(public, second)
        await window.go(window.address)
        assert window.mailed_code == code
        await window.send(confirmation(code))
        assert window.path == "app"
        public.username, public.password = done["username"], NEW_PASSWORD
        assert "code" in (await public.log_in(prompt="login")).query
        await window.open("/login", prompt="login")
        await window.send(left)
        assert window.path == "/confirm"


@pytest.mark.parametrize("changes", [{"password": "Wrong-Passw0rd-1!"}, {"password": ""}])
async def test_an_unconfirmed_user_with_a_wrong_password_is_nobody(
    open_window: Any, changes: dict[str, str]
) -> None:
    typed = somebody()
    window = await signed_up(open_window(), typed)
    await window.open("/login")
    await window.send({**typed, **changes})
    assert (window.path, window.problem) == ("/login", "Incorrect username or password.")


async def test_an_unconfirmed_user_who_logs_in_is_led_to_confirm(
    open_window: Any, http: Any
) -> None:
    typed = somebody()
    code = (await signed_up(open_window(), typed)).mailed_code
    http.cookie_jar.clear()
    window = await open_window().open("/login")
    await window.send(typed)
    assert (window.path, window.mailed_code) == ("/confirm", code)
    await window.send(confirmation(code))
    assert window.path == "app"


async def test_an_unconfirmed_user_who_is_disabled_is_nobody(
    open_window: Any, cognito: Any, emulator: Any
) -> None:
    typed = somebody()
    window = await signed_up(open_window(), typed)
    pool = emulator.provider["pool_id"]
    cognito.admin_disable_user(UserPoolId=pool, Username=typed["username"])
    await window.open("/login")
    await window.send(typed)
    assert (window.path, window.problem) == ("/login", "Incorrect username or password.")


async def test_the_password_of_the_sign_up_ends_with_the_next_one(
    open_window: Any, cognito: Any, emulator: Any
) -> None:
    typed, pool = somebody(), emulator.provider["pool_id"]
    window = await signed_up(open_window(), typed)
    named = {"UserPoolId": pool, "Username": typed["username"]}
    cognito.admin_confirm_sign_up(**named)
    cognito.admin_set_user_password(**named, Password="Next-Passw0rd-1!", Permanent=True)
    await window.open("/login")
    await window.send(typed)
    assert (window.path, window.problem) == ("/login", "Incorrect username or password.")


async def test_the_wrong_page_leads_to_the_log_in(open_window: Any) -> None:
    window = await open_window().open("/confirm")
    assert window.path == "/login"
    await window.open("/confirm", step="made-up")
    assert window.path == "/login"
    await signed_up(window, somebody())
    await window.open("/confirmForgotPassword", step=window.parameters["step"])
    assert window.path == "/forgotPassword"


async def test_a_code_is_missing(open_window: Any) -> None:
    window = await signed_up(open_window(), somebody())
    await window.send(confirmation("  "))
    assert window.problem == "Verification code is required."


async def test_the_mailbox_says_what_it_is_on_the_page_and_in_the_log(
    open_window: Any, emulator: Any
) -> None:
    typed = somebody()
    window = await signed_up(open_window(), typed)
    assert "The emulator&rsquo;s mailbox" in window.text
    log = emulator.log_until_now()
    found = [line for line in log.splitlines() if f'"code": "{window.mailed_code}"' in line]
    logged = json.loads(found[-1])
    assert logged["event"] == "emulator_mailbox"
    assert "emulator" in logged["note"]
    assert logged["to"] == "n***@e***"
    secret = [typed["username"], NEW_PASSWORD, window.parameters["step"]]
    assert not [one for one in secret if one in log]


async def test_pages_have_strict_headers_no_script_and_labels(open_window: Any) -> None:
    window = await signed_up(open_window(), somebody())
    confirm = window.shown
    for shown in (confirm, (await window.open("/signup")).shown):
        assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")
        assert "form-action" not in shown.headers["Content-Security-Policy"]
        assert shown.headers["Cache-Control"] == "no-store"
        assert shown.headers["Referrer-Policy"] == "same-origin"
        assert "<script" not in shown.text
        assert "style=" not in shown.text
        assert len(shown.text) < 8000
        for name in re.findall(r'<input id="(\w+)"', shown.text):
            assert f'<label for="{name}">' in shown.text
    assert 'autocomplete="one-time-code"' in confirm.text
    assert 'autocomplete="new-password"' in window.text


@pytest.fixture
def make_pool_client(cognito: Any, public: Any) -> Any:
    """A visitor of a public client in a pool of the test's own."""

    def make(client: dict[str, Any] | None = None, **settings: Any) -> str:
        pool = cognito.create_user_pool(PoolName="sign-up", **settings)["UserPool"]["Id"]
        made = cognito.create_user_pool_client(
            UserPoolId=pool,
            ClientName="sign-up",
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid"],
            CallbackURLs=[public.redirect_uri],
            **{"SupportedIdentityProviders": ["COGNITO"], **(client or {})},
        )
        public.client_id = made["UserPoolClient"]["ClientId"]
        return str(pool)

    return make


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_pool_without_self_sign_up_has_no_page_and_no_link(
    open_window: Any, public: Any, make_pool_client: Any, method: str
) -> None:
    make_pool_client(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    answer = await public.request(method, "/signup", params=public.parameters(), data=somebody())
    assert answer.location.startswith("/error?error=SignUp%20is%20not%20permitted")
    window = await open_window().open("/login")
    assert "/signup" not in window.text
    assert "/forgotPassword" in window.text


async def test_a_pool_asks_for_what_it_requires(open_window: Any, make_pool_client: Any) -> None:
    make_pool_client(
        Schema=[{"Name": "name", "Required": True}, {"Name": "birthdate", "Required": True}],
        AutoVerifiedAttributes=["email"],
    )
    window = await open_window().open("/signup")
    names = re.findall(r'<input id="(\w+)"', window.text)
    assert names == ["username", "email", "name", "birthdate", "password"]
    typed = {
        "username": "ada",
        "password": NEW_PASSWORD,
        "email": "Ada@example.com",
        "birthdate": "1815-12-10",
    }
    await window.send({**typed, "name": " "})
    assert window.problem == "Name is required."
    assert 'value="Ada@example.com"' in window.text
    await window.send({**typed, "name": "Ada Lovelace"})
    assert "A***@e***" in window.text
    await window.send(confirmation(window.mailed_code))
    assert window.path == "app"
    await window.open("/signup")
    await window.send({**typed, "name": "Another"})
    assert window.problem == "User already exists"


async def test_a_pool_that_verifies_no_address_leaves_it_to_an_administrator(
    open_window: Any, make_pool_client: Any, cognito: Any
) -> None:
    pool = make_pool_client()
    window = await open_window().open("/signup")
    typed = {"username": "ada", "password": NEW_PASSWORD}
    await window.send(typed)
    assert window.path == "/confirm"
    assert "An administrator must confirm your account" in window.text
    assert "<form" not in window.text
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username="ada")
    await window.open("/login")
    await window.send(typed)
    assert window.path == "app"


async def test_an_address_that_is_an_alias_belongs_to_whoever_proved_it_first(
    open_window: Any, make_pool_client: Any
) -> None:
    make_pool_client(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    windows = []
    for username in ("first", "second"):
        window = await open_window().open("/signup")
        await window.send(
            {"username": username, "password": NEW_PASSWORD, "email": "ada@example.com"}
        )
        windows.append(window)
    first, second = windows
    await first.send(confirmation(first.mailed_code))
    assert first.path == "app"
    await second.send(confirmation(second.mailed_code))
    assert second.problem == "An account with the email already exists."
    await second.open("/signup")
    await second.send(
        {"username": "third@example.com", "password": NEW_PASSWORD, "email": "third@example.com"}
    )
    assert second.problem.startswith("Username cannot be of email format")


async def test_an_app_of_other_providers_only_has_no_sign_up(
    open_window: Any, public: Any, make_client: Any, cognito: Any, emulator: Any
) -> None:
    pool = emulator.provider["pool_id"]
    details = {
        "client_id": "x",
        "client_secret": "y",
        "attributes_request_method": "GET",
        "oidc_issuer": "https://idp.example.com",
        "authorize_scopes": "openid",
    }
    cognito.create_identity_provider(
        UserPoolId=pool, ProviderName="Elsewhere", ProviderType="OIDC", ProviderDetails=details
    )
    public.client_id = make_client(SupportedIdentityProviders=["Elsewhere"])["ClientId"]
    window = await open_window().open("/login")
    assert "/signup" not in window.text
    assert "/forgotPassword" not in window.text
    answer = await public.request("POST", "/signup", params=public.parameters(), data=somebody())
    assert answer.location.startswith("/error?error=")
