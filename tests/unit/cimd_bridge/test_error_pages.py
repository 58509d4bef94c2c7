"""What people see when something does not work, each refusal met for real."""

import re
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import fakeredis
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.bridge_harness import Answer, Bridge, Pkce
from structlog.testing import capture_logs

from oauth_kit.logging import add_request

MakeBridge = Callable[..., Awaitable[Bridge]]


def words(page: Answer, test_id: str) -> str:
    found = re.search(rf'data-testid="{test_id}">(.*?)</', page.text, re.DOTALL)
    assert found, page.text
    return " ".join(unescape(re.sub(r"<[^>]+>", "", found[1])).split())


async def ask(bridge: Bridge) -> Answer:
    return await bridge.authorize(bridge.question(await bridge.register(), Pkce()))


async def an_expired_form(bridge: Bridge) -> Answer:
    page = await ask(bridge)
    bridge.clock.advance(600)
    return await bridge.decide(page)


async def a_used_form(bridge: Bridge) -> Answer:
    page = await ask(bridge)
    await bridge.decide(page, "deny")
    return await bridge.decide(page)


async def a_foreign_form(bridge: Bridge) -> Answer:
    return await bridge.decide(await ask(bridge), headers={"Origin": "https://evil.example"})


async def no_cookie(bridge: Bridge) -> Answer:
    page = await ask(bridge)
    bridge.http.session.cookie_jar.clear()
    return await bridge.decide(page)


async def another_browser(bridge: Bridge) -> Answer:
    to_provider = await bridge.decide(await ask(bridge))
    bridge.http.session.cookie_jar.clear()
    return await bridge.come_back(to_provider)


async def an_unknown_log_in(bridge: Bridge) -> Answer:
    return await bridge.get("/callback?code=x&state=guess")


async def an_unknown_client(bridge: Bridge) -> Answer:
    return await bridge.authorize({"client_id": "mcp-nobody"})


async def an_unregistered_redirect(bridge: Bridge) -> Answer:
    question = bridge.question(await bridge.register(), Pkce())
    return await bridge.authorize(question | {"redirect_uri": "https://evil.example/cb"})


async def a_bad_link(bridge: Bridge) -> Answer:
    return await bridge.authorize({})


async def a_mute_host(bridge: Bridge) -> Answer:
    return await bridge.authorize({"client_id": "http://127.0.0.1:9/client.json"})


async def interstitial(bridge: Bridge) -> Answer:
    client = await bridge.register(redirect_uris=["https://app.example/cb"])
    return await bridge.authorize(bridge.question(client, Pkce(), scope="nope"))


async def already_completed(bridge: Bridge) -> Answer:
    to_provider = await bridge.decide(await ask(bridge))
    await bridge.come_back(to_provider)
    return await bridge.come_back(to_provider)


NOTHING = "Nothing was shared."
MET = [
    (an_expired_form, 403, "This question has expired", NOTHING),
    (
        a_used_form,
        403,
        "This question was already answered",
        "Answering again shared nothing more.",
    ),
    (a_foreign_form, 403, "This answer cannot be accepted", NOTHING),
    (no_cookie, 403, "Your browser did not send our cookie", NOTHING),
    (another_browser, 403, "This log-in was started in another browser", NOTHING),
    (an_unknown_log_in, 400, "This log-in took too long", NOTHING),
    (an_unknown_client, 400, "This app is not known here", NOTHING),
    (an_unregistered_redirect, 400, "The app wants its answer at a wrong address", NOTHING),
    (a_bad_link, 400, "The app’s request is not valid", NOTHING),
    (a_mute_host, 400, "The app’s description could not be read", NOTHING),
]


def assert_it_helps(page: Answer, status: int, title: str, shared: str = NOTHING) -> None:
    assert (page.status, words(page, "error")) == (status, title)
    assert words(page, "shared") == shared
    assert len(words(page, "happened")) > 20
    assert len(words(page, "advice")) > 20
    assert ".." not in page.text
    assert f"<title>{title} · mcp-authstack</title>" in unescape(page.text)


@pytest.mark.requirement("AU2", "AU3", "AU4", "AU17", "CB2", "CB3")
@pytest.mark.parametrize(("meet", "status", "title", "shared"), MET)
async def test_it_says_what_happened_what_was_shared_and_what_to_do(
    make_bridge: MakeBridge,
    meet: Callable[[Bridge], Awaitable[Answer]],
    status: int,
    title: str,
    shared: str,
) -> None:
    assert_it_helps(await meet(await make_bridge(cimd_allow_loopback=True)), status, title, shared)


async def test_a_provider_that_is_away_and_a_store_that_is_away_differ(
    make_bridge: MakeBridge,
) -> None:
    server = fakeredis.FakeServer()
    store = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)
    away = {"provider_authorize_url": None, "provider_issuer": "http://127.0.0.1:9"}
    bridge = await make_bridge(redis=store, **away)
    page = await ask(bridge)
    assert_it_helps(await bridge.decide(page), 503, "The log-in page cannot be reached")
    server.connected = False
    interrupted = await bridge.decide(page, "deny")
    server.connected = True
    assert_it_helps(interrupted, 503, "This service is interrupted")
    assert words(interrupted, "happened").startswith("We cannot reach our store")


async def test_a_provider_that_was_never_set_up_is_told(
    make_bridge: MakeBridge, tmp_path: Any
) -> None:
    bridge = await make_bridge(provider_file=tmp_path / "provider.json", upstream_clients="shared")
    answer = await bridge.decide(await ask(bridge))
    assert_it_helps(answer, 503, "The log-in is not set up yet")


async def test_a_registrar_that_is_away_is_told_in_general(bridge: Bridge) -> None:
    bridge.registrar.down = True
    assert_it_helps(await an_unknown_client(bridge), 503, "This service is interrupted")


@pytest.mark.usefixtures("still_time")
async def test_who_comes_too_often_is_told(make_bridge: MakeBridge) -> None:
    bridge = await make_bridge(rate_limits="on")
    answers = [await an_unknown_client(bridge) for _ in range(61)]
    assert_it_helps(answers[60], 429, "Too many attempts")


async def test_a_fault_of_ours_is_admitted(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    page = await ask(bridge)
    monkeypatch.setattr("cimd_bridge.consent.Client.from_document", lambda document: 1 / 0)
    assert_it_helps(await bridge.decide(page), 500, "Something went wrong on our side")


async def test_a_document_that_breaks_a_rule_names_it_to_its_developer(
    make_bridge: MakeBridge,
) -> None:
    async def serve(request: web.Request) -> web.Response:
        return web.json_response(
            {"client_id": str(request.url), "redirect_uris": ["http://localhost/cb"]}
        )

    host = TestServer(web.Application(), host="127.0.0.1")
    host.app.router.add_get("/client.json", serve)
    await host.start_server()
    try:
        bridge = await make_bridge(cimd_allow_loopback=True)
        page = await bridge.authorize({"client_id": str(host.make_url("/client.json"))})
    finally:
        await host.close()
    assert_it_helps(page, 400, "The app’s description is not valid")
    assert "needs a client_name" in words(page, "description")


@pytest.mark.requirement("OP2")
@pytest.mark.parametrize(
    "meet",
    [an_unknown_client, an_expired_form, interstitial, already_completed],
)
async def test_the_reference_is_in_the_log(
    bridge: Bridge, meet: Callable[[Bridge], Awaitable[Answer]]
) -> None:
    with capture_logs(processors=[add_request]) as events:
        page = await meet(bridge)
    reference = words(page, "reference")
    assert reference == page.headers["X-Request-Id"]
    told = [event["event"] for event in events if event.get("request_id") == reference]
    assert "request_handled" in told


async def test_where_the_error_would_go_is_named_and_not_gone_to(bridge: Bridge) -> None:
    page = await interstitial(bridge)
    assert words(page, "target") == "https://app.example"
    assert words(page, "shared") == "Nothing was shared, and you were not asked to log in."
    assert words(page, "description").startswith("The scope is unknown")
