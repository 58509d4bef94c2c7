"""The issuers: found once, asked seldom, and never blamed on the caller."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import unused_port
from fakes.resource_harness import NOW, ResourceServer, Starter
from fakes.token_issuer import TokenIssuer, private_key, public_jwk, sign
from pydantic import ValidationError

from resource_server.issuers import read_trusted_issuer
from resource_server.settings import ResourceSettings


@pytest.mark.requirement("RS26")
async def test_an_issuer_that_was_never_reached_is_503_and_not_401(
    start: Starter, issuer: TokenIssuer
) -> None:
    issuer.status = 500
    server = await start(ready=False)
    for method, path in (("POST", "/mcp"), ("GET", "/v1/contexts")):
        answer = await server.call(method, path, token=server.mint())
        assert (answer.status, answer.document["error"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert "WWW-Authenticate" not in answer.headers
    assert (await server.call("GET", "/livez")).status == 200
    ready = await server.call("GET", "/readyz")
    assert ready.status == 503
    assert f"no signing keys of {issuer.issuer}" in ready.document["reasons"]


@pytest.mark.requirement("RS26")
async def test_an_issuer_that_starts_later_is_found(start: Starter) -> None:
    port = unused_port()
    late = TokenIssuer()
    url = f"http://127.0.0.1:{port}"
    server = await start(ready=False, issuer_url=url)
    token = sign(
        {"typ": "at+jwt", "alg": "RS256", "kid": "rsa-1"},
        {**server.issuer.claims(server.resource, NOW), "iss": url},
        private_key("rsa-1"),
    )
    assert (await server.rpc("ping", token=token)).status == 503
    await late.start(port)
    server.clock.now += 5
    assert (await server.rpc("ping", token=token)).status == 200
    await server.until_ready()
    await late.stop()


@pytest.mark.requirement("RS25")
@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": 7},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "javascript:alert(1)"},
    ],
)
async def test_metadata_of_somebody_else_makes_nothing_ready(
    start: Starter, issuer: TokenIssuer, metadata: dict[str, object]
) -> None:
    issuer.metadata = metadata
    server = await start(ready=False)
    assert (await server.rpc("ping", token=server.mint())).status == 503
    assert (await server.call("GET", "/readyz")).status == 503


@pytest.mark.requirement("RS25")
async def test_tokens_are_verified_while_the_issuer_is_away(
    start: Starter, issuer: TokenIssuer
) -> None:
    server = await start()
    await issuer.stop()
    server.clock.now += 600
    token = sign(
        {"typ": "at+jwt", "alg": "RS256", "kid": "rsa-1"},
        server.issuer.claims(server.resource, server.clock.now),
        private_key("rsa-1"),
    )
    assert (await server.rpc("ping", token=token)).status == 200
    assert (await server.call("GET", "/readyz")).status == 200


@pytest.mark.requirement("RS10")
async def test_a_flood_of_unknown_keys_causes_one_fetch(server: ResourceServer) -> None:
    before = server.issuer.fetches["jwks"]
    answers = await asyncio.gather(
        *(server.rpc("ping", token=_unknown_kid(server, number)) for number in range(100))
    )
    assert {answer.status for answer in answers} == {401}
    assert server.issuer.fetches["jwks"] - before <= 1
    server.clock.now += 10
    assert (await server.rpc("ping", token=_unknown_kid(server, 100))).status == 401
    assert server.issuer.fetches["jwks"] - before <= 2


def _unknown_kid(server: ResourceServer, number: int) -> str:
    header = {"typ": "at+jwt", "alg": "RS256", "kid": f"unknown-{number}"}
    claims = server.issuer.claims(server.resource, NOW)
    return sign(header, claims, private_key("rsa-1"))


@pytest.mark.requirement("RS10")
async def test_a_new_key_is_found_without_waiting(server: ResourceServer) -> None:
    server.issuer.kids.append("rsa-2")
    assert (await server.rpc("ping", token=server.mint(kid="rsa-2"))).status == 200


async def test_a_withdrawn_key_ends_the_tokens_that_were_remembered(
    server: ResourceServer,
) -> None:
    server.issuer.kids = ["rsa-1", "rsa-2"]
    old = server.mint()
    assert (await server.rpc("ping", token=old)).status == 200
    server.issuer.kids = ["rsa-2"]
    server.clock.now += 10
    # any token that needs a look at the keys brings the news
    new = server.issuer.mint(server.resource, server.clock.now, kid="rsa-2", jti="new")
    assert (await server.rpc("ping", token=new)).status == 200
    assert (await server.rpc("ping", token=old)).status == 401


@pytest.mark.requirement("RS9")
@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "PS256"},
        {"alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC"},
        {"d": "AQAB"},
        {"n": "AQAB"},
        {"n": 7},
        {"kid": 7},
    ],
)
async def test_a_key_for_something_else_verifies_nothing(
    start: Starter, issuer: TokenIssuer, members: dict[str, Any]
) -> None:
    good = public_jwk("ec-1", private_key("ec-1"))
    issuer.jwks = {"keys": [{**public_jwk("rsa-1", private_key("rsa-1")), **members}, good, 7]}
    server = await start()
    assert (await server.rpc("ping", token=server.mint())).status == 401
    assert (await server.rpc("ping", token=server.mint(kid="ec-1"))).status == 200


@pytest.mark.parametrize(
    ("dialect", "header", "changes", "status"),
    [
        ("cognito", {}, {"token_use": "access", "gid": None}, 200),
        ("cognito", {}, {"token_use": "id", "gid": None}, 401),
        ("cognito", {}, {"gid": None}, 401),
        ("cognito", {}, {"token_use": "access", "gid": None, "aud": None}, 401),
        ("keycloak", {"typ": "JWT"}, {"typ": "Bearer", "client_id": None, "azp": "c"}, 200),
        ("keycloak", {"typ": "JWT"}, {"typ": "ID", "client_id": None, "azp": "c"}, 401),
        ("keycloak", {"typ": "JWT"}, {"typ": "Refresh", "client_id": None, "azp": "c"}, 401),
        ("keycloak", {"typ": "JWT"}, {"typ": "Bearer", "client_id": "c"}, 401),
        ("minted", {"typ": "JWT"}, {}, 401),
    ],
)
async def test_each_dialect_tells_access_tokens_from_others(
    start: Starter,
    issuer: TokenIssuer,
    dialect: str,
    header: dict[str, object],
    changes: dict[str, object],
    status: int,
) -> None:
    server = await start(trusted_issuers=(f"{issuer.issuer}={dialect}",))
    claims = issuer.claims(server.resource, NOW, **changes)
    token = sign({"alg": "RS256", "kid": "rsa-1", **header}, claims, private_key("rsa-1"))
    assert (await server.rpc("ping", token=token)).status == status


def test_a_dialect_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="dialect"):
        read_trusted_issuer("https://a.example=klingon")


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize(
    "changes",
    [
        {"trusted_issuers": "http://not-loopback.example"},
        {"trusted_issuers": "https://a.example/"},
        {"trusted_issuers": "https://a.example=klingon"},
        {"issuer": "https://a.example/"},
        {"issuer": "https://a.example?x=1"},
        {"resource": "http://mcp.example/mcp"},
        {"allowed_origins": "https://app.example/"},
        {"allowed_origins": "*"},
        {"read_scopes": "unknown"},
        {"write_scopes": 'wr"ite'},
        {"token_cache_entries": "0"},
        {"demo_clients": "http://localhost:3000"},
        {"demo_clients": "=http://localhost:3000"},
        {"demo_clients": "a=http://a.example"},
        {"demo_clients": "a=javascript:alert(1)"},
        {"demo_clients": "a=http://localhost:3000", "environment": "production"},
        {"brand_color": "#ffee00"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ResourceSettings(**changes)
