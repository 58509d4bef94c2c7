"""The main path: question, consent, log-in, code, tokens, refresh, revocation."""

import jwt
import pytest
from fakes.bridge_harness import ISSUER, KEYSPACE, RESOURCE, Bridge, Pkce, basic

from oauth_kit.records.client import Client, client_key

STATE = "a+b/c==~%20é&"


@pytest.mark.requirement("AU12", "CB1", "CB11", "TK1", "AU18", "AU21")
async def test_a_client_gets_from_question_to_tokens(bridge: Bridge) -> None:
    client, pkce = await bridge.register(), Pkce()
    page = await bridge.authorize(bridge.question(client, pkce, state=STATE))
    assert page.status == 200
    to_provider = await bridge.decide(page)
    assert to_provider.status == 303
    sent = to_provider.query
    assert sent["client_id"] == "shared"
    assert sent["redirect_uri"] == f"{ISSUER}/callback"
    assert sent["scope"] == "openid profile email"
    assert sent["code_challenge"] != pkce.challenge
    assert STATE not in sent.values()
    done = await bridge.come_back(to_provider)
    assert done.status == 303
    assert done.location.startswith("http://localhost:9999/cb?code=")
    assert set(done.query) == {"code", "state", "iss"}
    assert done.query["state"] == STATE
    assert done.query["iss"] == ISSUER
    assert done.headers["Cache-Control"] == "no-store"
    assert done.headers["Referrer-Policy"] == "no-referrer"
    answer = await bridge.redeem(client, done.query["code"], pkce)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json()) == {
        *("access_token", "token_type", "expires_in", "scope", "refresh_token")
    }
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["scope"] == "mcp-api/read mcp-api/write"


@pytest.mark.requirement("TK2", "TK25", "ASM11")
async def test_an_access_token_is_one_of_rfc_9068(bridge: Bridge) -> None:
    client = await bridge.register()
    token = (await bridge.tokens_for(client))["access_token"]
    jwks = (await bridge.get("/jwks.json")).json()
    header = jwt.get_unverified_header(token)
    (jwk,) = (key for key in jwks["keys"] if key["kid"] == header["kid"])
    assert set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    claims = jwt.decode(token, jwt.PyJWK(jwk), audience=RESOURCE, issuer=ISSUER)
    assert header == {"typ": "at+jwt", "alg": "RS256", "kid": jwk["kid"]}
    assert claims["sub"] == "user-1"
    assert claims["client_id"] == client.client_id
    assert claims["scope"] == "mcp-api/read mcp-api/write"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["jti"]
    assert claims["gid"]


@pytest.mark.requirement("TK17")
async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(bridge: Bridge) -> None:
    client = await bridge.register(grant_types=["authorization_code"])
    assert "refresh_token" not in await bridge.tokens_for(client)


@pytest.mark.requirement("TK18")
async def test_a_refresh_rotates_the_token_and_keeps_scope_and_audience(bridge: Bridge) -> None:
    client = await bridge.register()
    first = await bridge.tokens_for(client)
    second = await bridge.refresh(client, first["refresh_token"])
    assert second.status == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    assert second.json()["scope"] == first["scope"]
    claims = jwt.decode(second.json()["access_token"], options={"verify_signature": False})
    assert claims["aud"] == RESOURCE


@pytest.mark.requirement("REG25", "TK14")
@pytest.mark.parametrize("auth", ["basic", "post"])
async def test_a_preregistered_client_authenticates_by_its_secret(
    bridge: Bridge, auth: str
) -> None:
    client = _demo_client()
    pkce = Pkce()
    code = await bridge.code_for(client, pkce)
    if auth == "basic":
        answer = await bridge.redeem(
            client, code, pkce, headers=basic("demo", "demo-secret"), client_id=None
        )
    else:
        answer = await bridge.redeem(client, code, pkce, client_secret="demo-secret")
    assert answer.status == 200


async def test_a_trusted_client_goes_straight_to_the_provider(bridge: Bridge) -> None:
    client = _demo_client("house", "https://house.example/callback")
    to_provider = await bridge.authorize(bridge.question(client, Pkce()))
    assert to_provider.status == 303
    done = await bridge.come_back(to_provider)
    assert done.location.startswith("https://house.example/callback?code=")


@pytest.mark.requirement("TK23")
async def test_a_grant_without_upstream_refresh_token_ends_early(bridge: Bridge) -> None:
    bridge.provider.gives_refresh_token = False
    client = await bridge.register()
    tokens = await bridge.tokens_for(client)
    bridge.clock.advance(8 * 3600 - 1)
    refreshed = await bridge.refresh(client, tokens["refresh_token"])
    assert refreshed.status == 200
    bridge.clock.advance(2)
    ended = await bridge.refresh(client, refreshed.json()["refresh_token"])
    assert (ended.status, ended.json()["error"]) == (400, "invalid_grant")


async def test_a_registration_lives_on_when_its_user_logs_in(bridge: Bridge) -> None:
    client = await bridge.register()
    await bridge.redis.expire(client_key(KEYSPACE, client.client_id), 100)
    await bridge.tokens_for(client)
    await bridge.settle()
    assert bridge.registrar.renewed == [client.client_id]
    assert bridge.registrar.upstream_requests == []
    assert await bridge.redis.ttl(client_key(KEYSPACE, client.client_id)) >= 90 * 86_400 - 5


async def test_an_upstream_client_is_asked_for_after_the_first_log_in_only(make_bridge) -> None:  # type: ignore[no-untyped-def]
    bridge: Bridge = await make_bridge(upstream_clients="per-client")
    client, pkce = await bridge.register(), Pkce()
    page = await bridge.authorize(bridge.question(client, pkce))
    to_provider = await bridge.decide(page)
    assert to_provider.query["client_id"] == "shared"
    assert bridge.registrar.upstream_requests == []
    await bridge.come_back(to_provider)
    await bridge.settle()
    (asked,) = bridge.registrar.upstream_requests
    assert asked["client_id"] == client.client_id
    assert "user-1" not in asked.values()


def _demo_client(
    client_id: str = "demo", redirect_uri: str = "http://localhost:3000/callback"
) -> Client:
    from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration

    metadata = read_registration(
        {"client_name": "Demo", "redirect_uris": [redirect_uri]}, MetadataPolicy()
    )
    return Client(client_id=client_id, kind="preregistered", metadata=metadata)
