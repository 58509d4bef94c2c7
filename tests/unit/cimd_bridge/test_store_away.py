"""Without the store: try again, nothing consumed, and readiness says so."""

from collections.abc import Awaitable, Callable

import fakeredis
import pytest
from fakes.bridge_harness import Bridge, Pkce

MakeBridge = Callable[..., Awaitable[Bridge]]


@pytest.fixture
def store_server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture
async def bridge(make_bridge: MakeBridge, store_server: fakeredis.FakeServer) -> Bridge:
    redis = fakeredis.FakeAsyncRedis(server=store_server, decode_responses=True)
    return await make_bridge(redis=redis)


@pytest.mark.requirement("AU24")
async def test_a_person_gets_a_page_that_says_try_again(
    bridge: Bridge, store_server: fakeredis.FakeServer
) -> None:
    client = await bridge.register()
    question = bridge.question(client, Pkce())
    consent = await bridge.authorize(question)
    store_server.connected = False
    for answer in (await bridge.authorize(question), await bridge.decide(consent)):
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "Location" not in answer.headers
    store_server.connected = True
    assert "code" in (await bridge.come_back(await bridge.decide(consent))).query


@pytest.mark.requirement("TK29")
async def test_a_program_gets_503_and_its_code_and_tokens_stay_good(
    bridge: Bridge, store_server: fakeredis.FakeServer
) -> None:
    client, pkce = await bridge.register(), Pkce()
    code = await bridge.code_for(client, pkce)
    token = (await bridge.tokens_for(client))["refresh_token"]
    store_server.connected = False
    for answer in (
        await bridge.redeem(client, code, pkce),
        await bridge.refresh(client, token),
        await bridge.post("/revoke", data={"token": token, "client_id": client.client_id}),
    ):
        assert (answer.status, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Cache-Control"] == "no-store"
    store_server.connected = True
    assert (await bridge.redeem(client, code, pkce)).status == 200
    assert (await bridge.refresh(client, token)).status == 200


@pytest.mark.requirement("OP5")
async def test_it_is_alive_and_not_ready(
    bridge: Bridge, store_server: fakeredis.FakeServer
) -> None:
    assert (await bridge.get("/readyz")).status == 200
    store_server.connected = False
    assert (await bridge.get("/livez")).status == 200
    ready = await bridge.get("/readyz")
    assert ready.status == 503
    assert ready.json()["reasons"]
