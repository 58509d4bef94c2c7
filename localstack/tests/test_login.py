"""The log-in page and the sign-in cookie."""

import re
from typing import Any

import pytest

pytestmark = pytest.mark.integration


def form_of(visitor: Any, **changes: str) -> dict[str, str]:
    return {"username": visitor.username, "password": visitor.password, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"password": ""},
        {"password": "x" * 10_000},
        {"username": "nobody@example.com"},
        {"username": ""},
        {"username": "x" * 500},
        {"username": "\x00\u202e"},
        {"username": "demo@example.com' OR 1=1 --"},
    ],
)
async def test_wrong_credentials_give_one_message_and_no_cookie(
    public: Any, changes: dict[str, str]
) -> None:
    answer = await public.request(
        "POST", "/login", params=public.parameters(), data=form_of(public, **changes)
    )
    assert answer.status == 400
    assert "Incorrect username or password." in answer.text
    assert "Set-Cookie" not in answer.headers
    if changes.get("password"):
        assert changes["password"] not in answer.text


async def test_what_the_user_typed_is_escaped(public: Any) -> None:
    answer = await public.request(
        "POST",
        "/login",
        params=public.parameters(login_hint='"><script>'),
        data=form_of(public, username='"><script>alert(1)</script>'),
    )
    assert "<script" not in answer.text


async def test_text_in_the_address_of_the_error_page_is_escaped(public: Any) -> None:
    answer = await public.request(
        "GET", "/error", params={"error": "<script>1</script>", "client_id": "<b>"}
    )
    assert answer.status == 400
    assert "<script" not in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
    ],
)
async def test_a_form_from_another_page_signs_nobody_in(
    public: Any, headers: dict[str, str]
) -> None:
    answer = await public.request(
        "POST", "/login", params=public.parameters(), data=form_of(public), headers=headers
    )
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_browser_may_use_either_name_of_this_machine(public: Any, host: str) -> None:
    origin = public.emulator.url.replace("127.0.0.1", host)
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    answer = await public.request(
        "POST",
        origin + "/login",
        params=public.parameters(),
        data=form_of(public),
        headers=headers,
    )
    assert answer.status == 302
    assert answer.location.startswith(public.redirect_uri)


async def test_parameters_in_the_form_count_for_nothing(public: Any) -> None:
    form = form_of(public, redirect_uri="https://evil.example", state="other", scope="admin")
    answer = await public.request("POST", "/login", params=public.parameters(), data=form)
    assert answer.location.startswith(public.redirect_uri + "?code=")
    assert answer.query["state"] == "opaque"


async def test_a_disabled_user_cannot_sign_in(
    public: Any, cognito: Any, emulator: Any, make_user: Any
) -> None:
    public.username = make_user()
    cognito.admin_disable_user(UserPoolId=emulator.provider["pool_id"], Username=public.username)
    assert (await public.log_in()).status == 400


async def test_a_user_with_a_temporary_password_cannot_sign_in(
    public: Any, cognito: Any, emulator: Any
) -> None:
    cognito.admin_create_user(
        UserPoolId=emulator.provider["pool_id"],
        Username="temporary@example.com",
        TemporaryPassword=public.password,
        MessageAction="SUPPRESS",
    )
    public.username = "temporary@example.com"
    assert (await public.log_in()).status == 400


async def test_the_page_has_strict_headers_and_no_script(public: Any) -> None:
    page = await public.request("GET", "/login", params=public.parameters())
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    # Browsers apply form-action to the redirects that follow, which end at the app.
    assert "form-action" not in policy
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in page.text
    assert "style=" not in page.text


async def test_the_form_can_be_filled_by_people_and_programs(public: Any) -> None:
    page = await public.request("GET", "/login", params=public.parameters())
    for name in ("username", "password"):
        assert f'<label for="{name}">' in page.text
        assert re.search(rf'<input id="{name}" name="{name}"', page.text)
    assert '<button type="submit">' in page.text
    assert '<html lang="en">' in page.text
    assert "not Amazon Cognito" in page.text


async def test_state_comes_back_exactly(public: Any) -> None:
    for state in ("st/ate+=&x y", "%7B%22a%22%3A1%7D", "ünï-\u2603", "", "{not json", "42"):
        answer = await public.log_in(state=state, prompt="login")
        assert answer.query.get("state", "") == state


async def test_a_registered_query_stays_in_front_of_the_code(public: Any, make_client: Any) -> None:
    uri = "http://localhost:3000/cb?tenant=%2F~a"
    public.client_id = make_client(CallbackURLs=[uri])["ClientId"]
    public.redirect_uri = uri
    assert (await public.log_in()).location.startswith(uri + "&code=")


async def test_the_cookie_is_bound_to_this_port_and_hidden_from_scripts(public: Any) -> None:
    cookie = (await public.log_in()).headers["Set-Cookie"]
    assert cookie.startswith(f"emulator-{public.emulator.environment['PORT']}=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"):
        assert attribute in cookie
    assert "Secure" not in cookie


async def test_a_second_client_of_the_pool_gets_its_code_without_a_form(
    public: Any, bridge: Any
) -> None:
    first = await public.tokens()
    answer = await bridge.authorize()
    assert answer.status == 302
    assert answer.location.startswith(bridge.redirect_uri + "?code=")
    second = (await bridge.redeem(answer.query["code"])).json()
    assert first["refresh_token"] != second["refresh_token"]


async def test_prompt_none_gives_a_code_to_a_browser_that_is_signed_in(public: Any) -> None:
    await public.log_in()
    assert "code" in (await public.authorize(prompt="none")).query


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
async def test_prompt_login_shows_the_form_in_spite_of_the_cookie(public: Any, prompt: str) -> None:
    await public.log_in()
    assert (await public.authorize(prompt=prompt)).location.startswith("/login?")


@pytest.mark.parametrize("cookie", ["", "x", "\u00e9", "x" * 5000])
async def test_a_made_up_cookie_is_no_session(public: Any, cookie: str) -> None:
    name = f"emulator-{public.emulator.environment['PORT']}"
    headers = {"Cookie": f"{name}={cookie}"}
    answer = await public.request(
        "GET", "/oauth2/authorize", params=public.parameters(), headers=headers
    )
    assert answer.location.startswith("/login?")


async def test_a_session_ends_with_its_user(
    public: Any, cognito: Any, emulator: Any, make_user: Any
) -> None:
    public.username = make_user()
    await public.log_in()
    cognito.admin_disable_user(UserPoolId=emulator.provider["pool_id"], Username=public.username)
    assert (await public.authorize(prompt="none")).query["error"] == "login_required"


async def test_a_session_is_of_one_pool_only(public: Any, cognito: Any) -> None:
    await public.log_in()
    pool = cognito.create_user_pool(PoolName="another")["UserPool"]["Id"]
    other = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="other",
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid"],
        CallbackURLs=[public.redirect_uri],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    answer = await public.authorize(client_id=other, prompt="none")
    assert answer.query["error"] == "login_required"


@pytest.mark.parametrize(
    "parameters",
    [
        {"logout_uri": "https://evil.example"},
        {"logout_uri": "http://localhost:3004"},
        {"redirect_uri": "https://evil.example"},
        {"logout_uri": "https://evil.example", "redirect_uri": "http://localhost:3004/callback"},
        {},
    ],
)
async def test_log_out_goes_only_where_it_is_registered(
    bridge: Any, parameters: dict[str, str]
) -> None:
    await bridge.log_in()
    answer = await bridge.request(
        "GET", "/logout", params={"client_id": bridge.client_id, **parameters}
    )
    assert answer.location.startswith("/error?error=redirect_mismatch")
    assert "code" in (await bridge.authorize(prompt="none")).query


@pytest.mark.parametrize("client_id", [None, "nobody"])
async def test_log_out_needs_a_client(bridge: Any, client_id: str | None) -> None:
    parameters = {"logout_uri": "http://localhost:3004/"}
    if client_id:
        parameters["client_id"] = client_id
    answer = await bridge.request("GET", "/logout", params=parameters)
    assert answer.location.startswith("/error?error=")


async def test_log_out_ends_the_session_and_returns_to_the_app(bridge: Any) -> None:
    await bridge.log_in()
    parameters = {
        "client_id": bridge.client_id,
        "logout_uri": "http://localhost:3004/",
        "state": "does-not-come-back",
    }
    answer = await bridge.request("GET", "/logout", params=parameters)
    assert answer.status == 302
    assert answer.location == "http://localhost:3004/"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert (await bridge.authorize(prompt="none")).query["error"] == "login_required"


async def test_log_out_with_a_redirect_uri_shows_the_log_in_page(bridge: Any) -> None:
    await bridge.log_in()
    answer = await bridge.request("GET", "/logout", params=bridge.parameters())
    assert answer.location.startswith("/login?")
    page = await bridge.request("GET", bridge.emulator.url + answer.location)
    assert page.status == 200
