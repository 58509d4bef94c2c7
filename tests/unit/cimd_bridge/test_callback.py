"""GET /callback: only the browser that agreed, only once, only a sound ID token."""

import asyncio
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fakes.bridge_harness import ISSUER, Answer, Bridge, Pkce


async def start(bridge: Bridge) -> Answer:
    """An approved log-in on its way to the provider."""
    client = await bridge.register()
    return await bridge.decide(await bridge.authorize(bridge.question(client, Pkce(), state="s")))


@pytest.mark.requirement("CB2", "A6")
@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "code=x&state=",
        "code=x&state=guess",
        "code=x&state=aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "state=a&state=b",
        "code=x&state=%ff",
        "code=x&state=" + "a" * 7000,
    ],
)
async def test_an_unknown_state_gets_a_page(bridge: Bridge, query: str) -> None:
    answer = await bridge.get(f"/callback?{query}")
    assert answer.status == 400
    assert "Location" not in answer.headers


@pytest.mark.requirement("CB3", "A2")
@pytest.mark.parametrize("cookie", [None, "x" * 43])
async def test_another_browser_consumes_nothing(bridge: Bridge, cookie: str | None) -> None:
    to_provider = await start(bridge)
    jar = bridge.http.session.cookie_jar
    (ours,) = [morsel.value for morsel in jar]
    jar.clear()
    if cookie:
        jar.update_cookies({"bridge-3004": cookie})
    refused = await bridge.come_back(to_provider)
    assert refused.status == 403
    assert "Location" not in refused.headers
    assert bridge.provider.calls == []
    jar.clear()
    jar.update_cookies({"bridge-3004": ours})
    assert "code" in (await bridge.come_back(to_provider)).query


@pytest.mark.requirement("CB4", "A7")
async def test_of_twenty_callbacks_one_gets_a_code(bridge: Bridge) -> None:
    to_provider = await start(bridge)
    query = urlencode(
        {
            "code": bridge.provider.log_in(to_provider.location),
            "state": to_provider.query["state"],
        }
    )
    answers = await asyncio.gather(*(bridge.get(f"/callback?{query}") for _ in range(20)))
    assert sorted(answer.status for answer in answers).count(303) == 1
    assert bridge.provider.calls == ["authorization_code"]
    again = await bridge.get(f"/callback?{query}")
    assert again.status == 200
    assert "already completed" in again.text
    assert "Location" not in again.headers


@pytest.mark.requirement("CB13")
async def test_heads_and_prefetches_consume_nothing(bridge: Bridge) -> None:
    to_provider = await start(bridge)
    query = urlencode(
        {
            "code": bridge.provider.log_in(to_provider.location),
            "state": to_provider.query["state"],
        }
    )
    assert (await bridge.request("HEAD", f"/callback?{query}")).status == 405
    ahead = await bridge.get(f"/callback?{query}", headers={"Sec-Purpose": "prefetch;prerender"})
    assert ahead.status == 400
    assert (await bridge.get(f"/callback?{query}")).status == 303


@pytest.mark.requirement("CB5", "A19", "CB11")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("access_denied", "access_denied"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("invalid_scope", "server_error"),
        ("<script>", "server_error"),
    ],
)
async def test_the_providers_refusal_is_translated(bridge: Bridge, error: str, told: str) -> None:
    to_provider = await start(bridge)
    query = urlencode(
        {
            "error": error,
            "error_description": "secret text",
            "state": to_provider.query["state"],
        }
    )
    answer = await bridge.get(f"/callback?{query}")
    assert answer.status == 303
    assert answer.query == {"error": told, "state": "s", "iss": ISSUER}


@pytest.mark.requirement("CB6")
async def test_a_foreign_issuer_in_the_response_ends_it_before_any_exchange(
    bridge: Bridge,
) -> None:
    answer = await bridge.come_back(await start(bridge), iss="https://evil.example")
    assert answer.query["error"] == "server_error"
    assert bridge.provider.calls == []


@pytest.mark.requirement("CB6")
async def test_a_provider_that_always_sends_its_issuer_is_held_to_it(make_bridge) -> None:  # type: ignore[no-untyped-def]
    from fakes.fake_provider import ISSUER as PROVIDER_ISSUER

    bridge: Bridge = await make_bridge(
        provider_authorize_params="", **{"provider_scopes": "openid"}
    )
    assert "code" in (await bridge.come_back(await start(bridge), iss=PROVIDER_ISSUER)).query


@pytest.mark.requirement("CB8", "B8")
@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "other-client"},
        {"nonce": "other"},
        {"exp": int(time.time()) - 120},
        {"iat": int(time.time()) + 3600},
        {"sub": ""},
        {"token_use": "access"},
    ],
)
async def test_an_unsound_id_token_is_a_server_error(
    bridge: Bridge, change: dict[str, Any]
) -> None:
    bridge.provider.change_claims = lambda claims: claims.update(change)
    answer = await bridge.come_back(await start(bridge))
    assert answer.query["error"] == "server_error"
    assert not [key for key in await bridge.redis.keys("*") if ":grant:" in key]


@pytest.mark.requirement("CB8")
async def test_an_id_token_by_another_key_is_a_server_error(bridge: Bridge) -> None:
    bridge.provider.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    answer = await bridge.come_back(await start(bridge))
    assert answer.query["error"] == "server_error"


@pytest.mark.requirement("CB7")
@pytest.mark.parametrize(
    ("status", "error"), [(500, "temporarily_unavailable"), (400, "server_error")]
)
async def test_a_failing_exchange_is_told_without_the_providers_text(
    bridge: Bridge, status: int, error: str
) -> None:
    bridge.provider.fails_with = status
    answer = await bridge.come_back(await start(bridge))
    assert answer.query == {"error": error, "state": "s", "iss": ISSUER}


@pytest.mark.requirement("CB9", "CB10", "TK26", "B19", "OP1")
async def test_nothing_usable_is_in_the_store_or_the_log(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    client = await bridge.register()
    pkce = Pkce()
    code = await bridge.code_for(client, pkce)
    tokens = (await bridge.redeem(client, code, pkce)).json()
    refreshed = (await bridge.refresh(client, tokens["refresh_token"])).json()
    await bridge.settle()
    secrets = [
        code.partition(".")[2],
        tokens["refresh_token"].partition(".")[2],
        refreshed["refresh_token"].partition(".")[2],
        tokens["access_token"],
        pkce.verifier,
        "canary@example.com",
        "upstream-refresh-canary",
        "upstream-access-canary",
        "shared-secret",
        "user-1",
    ]
    output = capsys.readouterr()
    for text in (*(await bridge.stored()).values(), output.out, output.err):
        assert not [secret for secret in secrets if secret in text]
    assert "tokens_issued" in output.out
