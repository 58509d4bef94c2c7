"""/logout: from our own page only, never told before it happened, and truthful about grants."""

import re
from typing import Any

import pytest
from fakes.bridge_harness import ISSUER, Answer, Bridge, Pkce
from fakes.fake_provider import FakeProvider
from fakes.wire import on_loopback

AT_PROVIDER = "https://idp.example/logout"
STATE = r"[A-Za-z0-9_-]{43}"


async def start(bridge: Bridge, **headers: str) -> Answer:
    sent = {"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"} | headers
    return await bridge.post("/logout", data={}, headers=sent)


def step(page: Answer) -> str:
    found = re.search(r'data-testid="logout">([^<]+)<', page.text)
    assert found
    return found[1]


def shows_form(page: Answer) -> bool:
    return '<form class="decision" method="post" action="/logout">' in page.text


@pytest.fixture
async def keycloak(make_bridge: Any) -> Bridge:
    """A bridge whose provider sends our state back."""
    bridge: Bridge = await make_bridge(provider_name="keycloak")
    return bridge


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3005"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_nobody_is_logged_out_by_another_site(
    bridge: Bridge, headers: dict[str, str]
) -> None:
    answer = await start(bridge, **headers)
    assert answer.status == 403
    assert 'data-testid="error"' in answer.text
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers


async def test_a_link_logs_nobody_out(bridge: Bridge) -> None:
    page = await bridge.get("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert (page.status, step(page)) == (200, "Log out of your account?")
    assert shows_form(page)
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("query", ["", "?state=", "?state=x", f"?state={'x' * 43}"])
async def test_who_did_not_log_out_is_not_told_so(keycloak: Bridge, query: str) -> None:
    assert step(await keycloak.get(f"/logout{query}")) == "Log out of your account?"


async def test_who_turns_round_at_the_provider_is_not_told_to_be_logged_out(
    keycloak: Bridge,
) -> None:
    state = (await start(keycloak)).query["state"]
    for query in ("", "?state=", f"?state={state[:-1]}", f"?state={state}&state={state}"):
        assert step(await keycloak.get(f"/logout{query}")) == "Log out of your account?"
    assert step(await keycloak.get(f"/logout?state={state}")) == "You are logged out"


async def test_another_browsers_state_says_nothing(keycloak: Bridge) -> None:
    state = (await start(keycloak)).query["state"]
    keycloak.http.session.cookie_jar.clear()
    assert step(await keycloak.get(f"/logout?state={state}")) == "Log out of your account?"


async def test_the_browser_is_sent_to_the_provider_as_everybodys_client(keycloak: Bridge) -> None:
    answer = await start(keycloak)
    assert answer.status == 303
    assert answer.location.startswith(f"{AT_PROVIDER}?")
    state = answer.query["state"]
    assert re.fullmatch(STATE, state)
    assert answer.query == {
        "client_id": "shared",
        "post_logout_redirect_uri": f"{ISSUER}/logout",
        "state": state,
    }
    assert (await start(keycloak)).query["state"] != state
    assert await keycloak.log_ins() == []


async def test_cognito_returns_to_the_registered_address_and_our_cookie_knows_why(
    bridge: Bridge,
) -> None:
    answer = await start(bridge)
    assert answer.query == {"client_id": "shared", "logout_uri": f"{ISSUER}/logout"}
    assert re.match(
        rf"bridge-3004-logout={STATE}; HttpOnly; Max-Age=600; Path=/; SameSite=Lax",
        answer.headers["Set-Cookie"],
    )
    returned = await bridge.get("/logout")
    assert step(returned) == "You are logged out"
    assert not shows_form(returned)
    assert "Max-Age=0" in returned.headers["Set-Cookie"]
    assert step(await bridge.get("/logout")) == "Log out of your account?"


async def test_on_https_the_cookie_is_this_hosts_alone(make_bridge: Any) -> None:
    bridge = await make_bridge(issuer="https://auth.example")
    cookie = (await start(bridge, Origin="https://auth.example")).headers["Set-Cookie"]
    assert cookie.startswith("__Host-bridge-3004-logout=")
    assert "; Secure" in cookie
    assert "; Path=/;" in cookie


@pytest.mark.parametrize(
    ("provider_name", "said"),
    [
        ("cognito", "Apps that you have connected keep their access."),
        ("keycloak", "Apps that you connected in this browser lose their access"),
        ("oidc", "Apps that you have connected may keep their access."),
    ],
)
async def test_what_becomes_of_connected_apps_is_said_as_it_is(
    make_bridge: Any, provider_name: str, said: str
) -> None:
    bridge = await make_bridge(provider_name=provider_name)
    assert said in (await bridge.get("/logout")).text
    state = (await start(bridge)).query.get("state", "")
    returned = await bridge.get(f"/logout?state={state}")
    assert step(returned) == "You are logged out"
    assert said in returned.text


async def test_a_provider_without_a_log_out_is_not_pretended_to_have_one(make_bridge: Any) -> None:
    fake = FakeProvider()
    async with on_loopback(fake.application()) as origin:
        fake.issuer = origin
        bridge = await make_bridge(
            provider_name="oidc", provider_logout_url=None, provider_issuer=origin
        )
        answer = await start(bridge)
    assert (answer.status, step(answer)) == (501, "You cannot log out from here")
    assert "Set-Cookie" not in answer.headers
    assert not shows_form(answer)


async def test_a_provider_that_is_away_is_to_be_asked_again(make_bridge: Any) -> None:
    bridge = await make_bridge(
        provider_name="oidc", provider_logout_url=None, provider_issuer="http://127.0.0.1:1"
    )
    answer = await start(bridge)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Set-Cookie" not in answer.headers


async def test_the_page_is_under_our_policy(bridge: Bridge) -> None:
    page = await bridge.get("/logout")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text


async def test_the_consent_page_leads_to_it_and_stays_good(bridge: Bridge) -> None:
    client = await bridge.register()
    page = await bridge.authorize(bridge.question(client, Pkce()))
    assert '<a href="/logout" target="_blank" rel="noopener"' in page.text
    await start(bridge)
    assert step(await bridge.get("/logout")) == "You are logged out"
    assert (await bridge.decide(page)).status == 303
