"""Sign-up against those who mean it badly: foreign forms, links, guesses, markup, cookies."""

import secrets
from typing import Any

import pytest
from emulator_window import (
    ATTEMPTS,
    FOREIGN_HEADERS,
    MISMATCH,
    TOO_MANY,
    confirmation,
    signed_up,
    somebody,
)

pytestmark = pytest.mark.integration


def status_of(cognito: Any, emulator: Any, username: str) -> str:
    pool = emulator.provider["pool_id"]
    user = cognito.admin_get_user(UserPoolId=pool, Username=username)
    return str(user["UserStatus"])


@pytest.mark.parametrize("headers", FOREIGN_HEADERS)
@pytest.mark.parametrize("path", ["/signup", "/confirm", "/resendcode"])
async def test_a_form_from_another_page_changes_nothing(
    open_window: Any, path: str, headers: dict[str, str]
) -> None:
    window = await signed_up(open_window(), somebody())
    code, step = window.mailed_code, window.parameters["step"]
    parameters = window.visitor.parameters(step=step)
    typed = somebody() | confirmation(code)
    answer = await window.visitor.request(
        "POST", path, params=parameters, data=typed, headers=headers
    )
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers
    assert (await window.go(window.address)).mailed_code == code


async def test_another_browser_cannot_finish_what_this_one_began(
    open_window: Any, http: Any, cognito: Any, emulator: Any
) -> None:
    """Else a link would sign its victim in as the attacker."""
    typed = somebody()
    window = await signed_up(open_window(), typed)
    address, code = window.address, window.mailed_code
    http.cookie_jar.clear()
    victim = await open_window().go(address)
    assert victim.path == "/login"
    assert code not in victim.text
    for path in ("/confirm", "/resendcode"):
        answer = await victim.visitor.request(
            "POST", address.replace("/confirm", path), data=confirmation(code)
        )
        assert answer.location.startswith("/login?")
        assert "Set-Cookie" not in answer.headers
    assert status_of(cognito, emulator, typed["username"]) == "UNCONFIRMED"


async def test_a_code_of_one_user_does_not_confirm_another(open_window: Any) -> None:
    one = await signed_up(open_window(), somebody())
    other = await signed_up(open_window(), somebody())
    while other.mailed_code == one.mailed_code:
        await other.send({}, "/resendcode")
    await other.send(confirmation(one.mailed_code))
    assert (other.shown.status, other.problem) == (400, MISMATCH)
    await one.send(confirmation(one.mailed_code))
    assert one.path == "app"


async def test_guessing_ends_after_a_few_tries_even_with_the_right_code(open_window: Any) -> None:
    window = await signed_up(open_window(), somebody())
    for _ in range(ATTEMPTS):
        await window.send(confirmation(window.wrong_code))
        assert window.problem == MISMATCH
    await window.send(confirmation(window.mailed_code))
    assert (window.shown.status, window.problem) == (400, TOO_MANY)


async def test_new_codes_buy_no_tries_and_are_limited_themselves(open_window: Any) -> None:
    window = await signed_up(open_window(), somebody())
    for _ in range(ATTEMPTS):
        await window.send(confirmation(window.wrong_code))
        await window.send({}, "/resendcode")
        assert window.shown.status == 200
    await window.send({}, "/resendcode")
    assert (window.shown.status, window.problem) == (400, TOO_MANY)
    await window.send(confirmation(window.mailed_code))
    assert window.problem == TOO_MANY


async def test_a_code_confirms_once(open_window: Any, cognito: Any, emulator: Any) -> None:
    typed = somebody()
    window = await signed_up(open_window(), typed)
    address, code = window.address, window.mailed_code
    await window.send(confirmation(code))
    assert window.path == "app"
    again = await window.visitor.request("POST", address, data=confirmation(code))
    assert again.location.startswith("/login?")
    assert "Set-Cookie" not in again.headers
    assert status_of(cognito, emulator, typed["username"]) == "CONFIRMED"


@pytest.mark.parametrize("path", ["/signup", "/confirm", "/resendcode"])
@pytest.mark.parametrize(
    "changes",
    [{"redirect_uri": "https://evil.example"}, {"client_id": "nobody"}, {"redirect_uri": None}],
)
async def test_no_page_leads_to_an_address_that_is_not_registered(
    public: Any, path: str, changes: dict[str, str | None]
) -> None:
    for method in ("POST",) if path == "/resendcode" else ("GET", "POST"):
        answer = await public.request(
            method, path, params=public.parameters(**changes), data=somebody()
        )
        assert answer.location.startswith("/error?error=")


async def test_nothing_but_parameters_of_the_authorization_travels_on(open_window: Any) -> None:
    window = await open_window().open("/signup", next="https://evil.example", step="made-up")
    await window.send(somebody())
    assert "evil.example" not in window.text + window.address
    assert window.parameters["step"] != "made-up"
    await window.send(confirmation(window.mailed_code))
    assert window.shown.location.startswith(window.visitor.redirect_uri + "?code=")


XSS = '"><script>alert(1)</script>'


@pytest.mark.parametrize("username", [XSS, f"{XSS}@example.com", f"a@example.com{XSS}"])
async def test_what_somebody_types_is_shown_as_text(open_window: Any, username: str) -> None:
    window = await open_window().open("/signup", state=XSS, login_hint=XSS)
    await window.send(somebody(username=username))
    assert "<script" not in window.text
    await window.open("/login", state=XSS)
    assert "<script" not in window.text


async def test_markup_in_an_address_stays_text_to_the_end(open_window: Any) -> None:
    window = await open_window().open("/signup", state=XSS)
    await window.send(somebody(username=f"<b>{secrets.token_hex(4)}</b>@example.com"))
    assert window.path == "/confirm"
    assert "<b>" not in window.text
    await window.send(confirmation(window.mailed_code))
    assert window.shown.query["state"] == XSS


async def test_the_cookie_of_a_session_is_new_and_ends_the_old_one(
    open_window: Any, public: Any
) -> None:
    await public.log_in()
    name = f"emulator-{public.emulator.environment['PORT']}"
    old = {cookie.key: cookie.value for cookie in public.session.cookie_jar}[name]
    window = await signed_up(open_window(), somebody())
    await window.send(confirmation(window.mailed_code))
    new = {cookie.key: cookie.value for cookie in public.session.cookie_jar}[name]
    assert new != old
    public.session.cookie_jar.clear()
    answer = await public.request(
        "GET", "/oauth2/authorize", params=public.parameters(), headers={"Cookie": f"{name}={old}"}
    )
    assert answer.location.startswith("/login?")


async def test_a_browser_cannot_choose_its_session(open_window: Any, public: Any) -> None:
    name = f"emulator-{public.emulator.environment['PORT']}"
    window = await signed_up(open_window(), somebody())
    code, address = window.mailed_code, window.address
    cookies = {cookie.key: cookie.value for cookie in public.session.cookie_jar}
    public.session.cookie_jar.clear()
    given = "; ".join(f"{k}={v}" for k, v in {**cookies, name: "fixed"}.items())
    answer = await public.request(
        "POST", address, data=confirmation(code), headers={"Cookie": given}
    )
    assert answer.location.startswith(public.redirect_uri)
    assert "fixed" not in answer.headers["Set-Cookie"]
