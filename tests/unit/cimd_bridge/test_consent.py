"""POST /consent: once, from our own page, in the same browser."""

import re
from typing import Any

import pytest
from fakes.bridge_harness import ISSUER, Bridge, Pkce, sealed_form


async def ask(bridge: Bridge) -> Any:
    client = await bridge.register()
    return await bridge.authorize(bridge.question(client, Pkce(), state="s"))


@pytest.mark.requirement("AU17", "A4")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3005"},
        {"Origin": ISSUER + "/"},
        {"Origin": ISSUER, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ISSUER, "Sec-Fetch-Site": "same-site"},
        {"Origin": ISSUER, "Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_from_another_site_is_refused(bridge: Bridge, headers: dict[str, str]) -> None:
    page = await ask(bridge)
    answer = await bridge.decide(page, headers=headers)
    assert answer.status == 403
    assert "Location" not in answer.headers
    assert await bridge.log_ins() == []


@pytest.mark.requirement("AU17", "A4")
@pytest.mark.parametrize("fault", ["no cookie", "other cookie", "no form", "altered form"])
async def test_a_form_without_its_browser_is_refused(bridge: Bridge, fault: str) -> None:
    page = await ask(bridge)
    form = sealed_form(page)
    if "cookie" in fault:
        bridge.http.session.cookie_jar.clear()
    if fault == "other cookie":
        bridge.http.session.cookie_jar.update_cookies({"bridge-3004": "x" * 43})
    if fault == "no form":
        form = ""
    if fault == "altered form":
        form = form[:-2] + ("AA" if not form.endswith("AA") else "BB")
    data = {"form": form, "decision": "approve"}
    answer = await bridge.post("/consent", data=data, headers={"Origin": ISSUER})
    assert answer.status == 403
    assert "Location" not in answer.headers
    assert await bridge.log_ins() == []


@pytest.mark.requirement("AU17")
@pytest.mark.parametrize(("seconds", "status"), [(599, 303), (600, 403)])
async def test_a_form_expires(bridge: Bridge, seconds: int, status: int) -> None:
    page = await ask(bridge)
    bridge.clock.advance(seconds)
    assert (await bridge.decide(page)).status == status


async def test_a_caller_that_is_no_browser_is_held_to_the_seal_alone(bridge: Bridge) -> None:
    data = {"form": sealed_form(await ask(bridge)), "decision": "approve"}
    assert (await bridge.post("/consent", data=data)).status == 303


@pytest.mark.requirement("AU18")
async def test_a_denial_goes_back_to_the_client(bridge: Bridge) -> None:
    answer = await bridge.decide(await ask(bridge), "deny")
    assert answer.status == 303
    assert answer.query == {"error": "access_denied", "state": "s", "iss": ISSUER}
    assert bridge.provider.calls == []


async def test_a_double_click_gets_the_same_answer(bridge: Bridge) -> None:
    page = await ask(bridge)
    first, second = await bridge.decide(page), await bridge.decide(page)
    assert (second.status, second.location) == (303, first.location)
    done = await bridge.come_back(first)
    assert "code" in done.query


@pytest.mark.parametrize("decisions", [("approve", "deny"), ("deny", "approve")])
async def test_a_decision_cannot_be_changed(bridge: Bridge, decisions: tuple[str, str]) -> None:
    page = await ask(bridge)
    assert (await bridge.decide(page, decisions[0])).status == 303
    assert (await bridge.decide(page, decisions[1])).status == 403


async def test_a_form_is_spent_once_its_log_in_came_back(bridge: Bridge) -> None:
    page = await ask(bridge)
    await bridge.come_back(await bridge.decide(page))
    assert (await bridge.decide(page)).status == 403


@pytest.mark.parametrize("decision", ["", "maybe", "APPROVE"])
async def test_a_form_without_a_decision_is_refused_and_stays_good(
    bridge: Bridge, decision: str
) -> None:
    page = await ask(bridge)
    assert (await bridge.decide(page, decision)).status == 400
    assert (await bridge.decide(page)).status == 303


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain"])
async def test_only_forms_are_read(bridge: Bridge, content_type: str) -> None:
    answer = await bridge.post("/consent", data=b"{}", headers={"Content-Type": content_type})
    assert answer.status == 400


@pytest.mark.requirement("AU17", "B20")
@pytest.mark.parametrize(
    "cookie",
    ["é" * 43, "a" * 42 + "é", '"' + "\\012" * 3 + "a" * 40 + '"', "a" * 42 + "=", "a" * 44],
)
async def test_a_cookie_that_is_not_ours_is_replaced(bridge: Bridge, cookie: str) -> None:
    client = await bridge.register()
    headers = {"Cookie": f"bridge-3004={cookie}"}
    page = await bridge.authorize(bridge.question(client, Pkce()), headers=headers)
    assert page.status == 200
    assert re.match(r"bridge-3004=[A-Za-z0-9_-]{43};", page.headers["Set-Cookie"])
    assert cookie not in page.headers["Set-Cookie"]
