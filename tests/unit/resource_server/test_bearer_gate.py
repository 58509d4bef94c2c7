"""The gate: which token opens which door, and exactly what everybody else is told."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from fakes.resource_harness import NOW, ResourceServer, Starter
from fakes.token_issuer import TokenIssuer, encode, private_key, public_jwk, sign
from structlog.testing import capture_logs

from oauth_kit.rules.bearer import parse_challenges

INVALID = {
    "error": "invalid_token",
    "error_description": "The access token is not valid",
}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def header_of(**changes: object) -> dict[str, object]:
    header: dict[str, object] = {"typ": "at+jwt", "alg": "RS256", "kid": "rsa-1", **changes}
    return {name: value for name, value in header.items() if value is not None}


async def assert_refused(server: ResourceServer, token: str) -> None:
    """401 with the one invalid_token challenge, on MCP and REST alike, and no reason given."""
    for method, path in (("POST", "/mcp"), ("GET", "/v1/contexts")):
        answer = await server.call(method, path, token=token)
        assert (answer.status, answer.document) == (401, INVALID)
        assert answer.headers["Cache-Control"] == "no-store"
        [challenge] = parse_challenges([answer.challenge])
        assert challenge.scheme == "bearer"
        assert challenge.parameters == {
            **INVALID,
            "scope": "mcp-api/read",
            "resource_metadata": metadata_url(server),
        }


def metadata_url(server: ResourceServer) -> str:
    return f"http://127.0.0.1:{server.port}/.well-known/oauth-protected-resource/mcp"


# --- no credentials -------------------------------------------------------------------------


@pytest.mark.requirement("RS7", "RS15", "RS17", "RS18")
@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", "/mcp", {}),
        ("GET", "/mcp", {}),
        ("DELETE", "/mcp", {}),
        ("PUT", "/mcp", {}),
        ("POST", "/mcp", {"data": b"\xff garbage", "headers": {"Content-Type": "text/x"}}),
        ("POST", "/mcp", {"headers": {"Mcp-Session-Id": "someone-elses"}}),
        ("POST", "/mcp", {"headers": {"Authorization": "Basic dTpw"}}),
        ("POST", "/mcp", {"headers": {"Authorization": "Digest x=1"}}),
        ("POST", "/mcp", {"headers": {"Authorization": "Bearer_x y"}}),
        ("POST", "/mcp", {"headers": {"Authorization": ""}}),
        ("GET", "/v1/contexts", {}),
        ("GET", "/v1/contexts/ctx_aaaaaaaaaaaaaaaa", {}),
        ("POST", "/v1/contexts", {}),
        ("DELETE", "/v1/contexts", {}),
        ("GET", "/v1/nothing", {}),
        ("GET", "/v1/", {}),
    ],
)
async def test_without_credentials_a_challenge_without_error(
    server: ResourceServer, method: str, path: str, options: dict[str, Any]
) -> None:
    answer = await server.call(method, path, **options)
    assert answer.status == 401
    assert answer.challenge == (
        f'Bearer scope="mcp-api/read", resource_metadata="{metadata_url(server)}"'
    )
    assert "error" not in answer.document


@pytest.mark.requirement("RS15")
async def test_a_token_in_the_query_counts_for_nothing(server: ResourceServer) -> None:
    for path in ("/mcp", "/v1/contexts"):
        answer = await server.call("POST", f"{path}?access_token={server.mint()}")
        assert answer.status == 401
        assert "error" not in answer.challenge


@pytest.mark.requirement("RS16")
async def test_a_token_in_a_form_counts_for_nothing(server: ResourceServer) -> None:
    answer = await server.call("POST", "/mcp", data={"access_token": server.mint()})
    assert answer.status == 401
    assert "error" not in answer.challenge


@pytest.mark.requirement("RS16", "RS17")
async def test_two_credentials_are_a_bad_request(server: ResourceServer) -> None:
    token = server.mint()
    in_both = await server.call("POST", "/mcp", token=token, data={"access_token": token})
    assert (in_both.status, in_both.document["error"]) == (400, "invalid_request")
    twice = await server.http.post(
        server.resource,
        headers=[("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
    )
    assert (twice.status, (await twice.json())["error"]) == (400, "invalid_request")


@pytest.mark.requirement("RS17")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_has_no_case(server: ResourceServer, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {server.mint()}"}
    answer = await server.call("POST", "/mcp", headers=headers, json=PING)
    assert answer.status == 200


# --- tokens ---------------------------------------------------------------------------------


@pytest.mark.requirement("RS8")
@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        "a.b",
        "a.b.c",
        "....",
        "a.b.c.d",
        "e30.e30.",
        "x" * 6000,
        "not a token",
        '"quoted"',
        "caf\u00e9",
        "=",
    ],
)
async def test_garbage_is_an_invalid_token(server: ResourceServer, token: str) -> None:
    await assert_refused(server, token)


@pytest.mark.requirement("RS8")
async def test_an_empty_token_is_an_invalid_token(server: ResourceServer) -> None:
    answer = await server.call("POST", "/mcp", headers={"Authorization": "Bearer"})
    assert (answer.status, answer.document["error"]) == (401, "invalid_token")


@pytest.mark.requirement("RS8")
async def test_any_changed_part_breaks_the_token(server: ResourceServer) -> None:
    header, payload, signature = server.mint().split(".")
    flipped = "A" if signature[10] != "A" else "B"
    wider = encode(server.issuer.claims(server.resource, NOW, scope="mcp-api/write"))
    for token in (
        f"{header}.{payload}.{signature[:10]}{flipped}{signature[11:]}",
        f"{header}.{wider}.{signature}",
        f"{encode(header_of(kid='rsa-1', alg='ES256'))}.{payload}.{signature}",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload}.{signature[:-1]}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
    ):
        await assert_refused(server, token)


def hs256(header: object, claims: object, secret: bytes) -> str:
    signing_input = f"{encode(header)}.{encode(claims)}"
    mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{encode(mac)}"


@pytest.mark.requirement("RS9")
async def test_forged_signatures_are_refused(server: ResourceServer) -> None:
    claims = server.issuer.claims(server.resource, NOW)
    key = private_key("rsa-1")
    jwk = public_jwk("rsa-1", key)
    public = json.dumps(jwk, separators=(",", ":")).encode()
    other = private_key("rsa-other")
    for token in (
        f"{encode(header_of(alg='none'))}.{encode(claims)}.",
        f"{encode(header_of(alg='None'))}.{encode(claims)}.",
        hs256(header_of(alg="HS256"), claims, public),
        hs256(header_of(alg="HS256"), claims, base64.urlsafe_b64decode(jwk["n"] + "==")),
        hs256(header_of(alg="RS256"), claims, public),
        sign(header_of(), claims, other),
        sign(header_of(alg="RS512"), claims, key),
        sign(header_of(alg="PS256"), claims, key),
        sign(header_of(alg=None), claims, key),
        sign(header_of(alg=["RS256"]), claims, key),
        sign(header_of(crit=["exp"]), claims, key),
        sign(header_of(crit=[]), claims, key),
        sign(header_of(b64=False), claims, key),
        sign(header_of(jwk=public_jwk("rsa-1", other)), claims, other),
        sign(header_of(jku="https://evil.example/jwks.json"), claims, other),
        sign(header_of(x5u="https://evil.example/cert"), claims, key),
        sign(header_of(kid=None), claims, key),
        sign(header_of(kid=7), claims, key),
        sign(header_of(kid=""), claims, key),
        sign(header_of(kid="rsa-unknown"), claims, key),
    ):
        await assert_refused(server, token)


@pytest.mark.requirement("RS9")
@pytest.mark.parametrize(
    "claims",
    [
        b"",
        b"[]",
        b"null",
        b'{"exp":1,"exp":2}',
        b"\xef\xbb\xbf{}",
        '{"sub":"x"}'.encode("utf-16"),
        b'{"exp":NaN}',
        b'{"exp":1e999}',
        b'{"sub":"\\ud800"}',
        b"[" * 5000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)
async def test_a_payload_with_two_meanings_is_refused(
    server: ResourceServer, claims: bytes
) -> None:
    await assert_refused(server, sign(header_of(), claims, private_key("rsa-1")))


@pytest.mark.requirement("RS8", "RS11", "RS12", "RS13", "RS14", "RS24")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://evil.example"},
        {"iss": ["http://127.0.0.1"]},
        {"iss": 1},
        {"aud": None},
        {"aud": "https://other.example/mcp"},
        {"aud": []},
        {"aud": ["https://other.example"]},
        {"aud": [1]},
        {"aud": {}},
        {"exp": None},
        {"exp": NOW - 60},
        {"exp": str(NOW + 300)},
        {"exp": NOW + 300.5},
        {"exp": True},
        {"iat": None},
        {"iat": NOW + 61},
        {"iat": True},
        {"nbf": NOW + 61},
        {"nbf": "soon"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"client_id": None},
        {"client_id": []},
        {"jti": None},
        {"jti": 1},
        {"gid": None},
        {"scope": ["mcp-api/read"]},
        {"scope": "two  spaces"},
        {"cnf": {"jkt": "x"}},
    ],
)
async def test_claims_that_do_not_fit_are_refused(
    server: ResourceServer, changes: dict[str, object]
) -> None:
    await assert_refused(server, server.mint(**changes))


@pytest.mark.requirement("RS11")
async def test_an_issuer_in_another_spelling_is_another_issuer(server: ResourceServer) -> None:
    for iss in (f"{server.issuer.issuer}/", server.issuer.issuer.upper()):
        await assert_refused(server, server.mint(iss=iss))


@pytest.mark.requirement("RS12")
async def test_a_resource_in_another_spelling_is_another_resource(server: ResourceServer) -> None:
    for aud in (f"{server.resource}/", server.resource.removesuffix("/mcp")):
        await assert_refused(server, server.mint(aud=aud))


@pytest.mark.requirement("RS12")
async def test_one_audience_of_several_is_enough(server: ResourceServer) -> None:
    token = server.mint(aud=["https://other.example", server.resource])
    assert (await server.rpc("ping", token=token)).status == 200


@pytest.mark.requirement("RS13")
@pytest.mark.parametrize("typ", ["JWT", "jwt", "", None, "rt+jwt", "at+jwt ", 1, ["at+jwt"]])
async def test_another_kind_of_token_is_no_access_token(
    server: ResourceServer, typ: object
) -> None:
    claims = server.issuer.claims(server.resource, NOW)
    await assert_refused(server, sign(header_of(typ=typ), claims, private_key("rsa-1")))


@pytest.mark.requirement("RS13")
@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_the_type_of_an_access_token_has_no_case(server: ResourceServer, typ: str) -> None:
    claims = server.issuer.claims(server.resource, NOW)
    token = sign(header_of(typ=typ), claims, private_key("rsa-1"))
    assert (await server.rpc("ping", token=token)).status == 200


@pytest.mark.requirement("RS8", "RS14", "OP10")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"exp": NOW - 59}, 200),
        ({"exp": NOW - 60}, 401),
        ({"iat": NOW + 60}, 200),
        ({"iat": NOW + 61}, 401),
        ({"nbf": NOW + 60}, 200),
        ({"nbf": NOW + 61}, 401),
    ],
)
async def test_the_clocks_may_differ_by_a_minute(
    server: ResourceServer, changes: dict[str, object], status: int
) -> None:
    assert (await server.rpc("ping", token=server.mint(**changes))).status == status


@pytest.mark.requirement("RS9")
async def test_elliptic_keys_are_as_good(start: Starter, issuer: TokenIssuer) -> None:
    issuer.kids = ["rsa-1", "ec-1"]
    server = await start()
    assert (await server.rpc("ping", token=server.mint(kid="ec-1"))).status == 200


@pytest.mark.requirement("RS24")
async def test_a_stranger_with_the_right_audience_is_refused(server: ResourceServer) -> None:
    stranger = TokenIssuer(kids=["rsa-1"])
    await stranger.start()
    await assert_refused(server, stranger.mint(server.resource, NOW))
    assert not stranger.fetches
    await stranger.stop()


@pytest.mark.requirement("RS24")
async def test_every_listed_issuer_is_trusted_and_none_vouches_for_another(
    start: Starter, issuer: TokenIssuer
) -> None:
    second = TokenIssuer(kids=["rsa-2"])
    await second.start()
    server = await start(trusted_issuers=(issuer.issuer, second.issuer))
    for trusted, kid in ((issuer, "rsa-1"), (second, "rsa-2")):
        token = trusted.mint(server.resource, NOW, kid=kid)
        assert (await server.rpc("ping", token=token)).status == 200
    await assert_refused(server, issuer.mint(server.resource, NOW, kid="rsa-2"))
    metadata = await server.call("GET", "/.well-known/oauth-protected-resource")
    assert metadata.document["authorization_servers"] == [issuer.issuer, second.issuer]
    await second.stop()


# --- pages and names ------------------------------------------------------------------------


@pytest.mark.requirement("RS27", "RS35")
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example:3001",
        "http://localhost:3001.evil.example",
        "http://evil.example/http://localhost:3001",
        "http://localhost:3001/",
        "http://user@localhost:3001",
        "http://LOCALHOST:3001",
        "http://127.0.0.2",
        "http://0.0.0.0",
        "http://2130706433",
        "http://[::ffff:127.0.0.1]",
        "chrome-extension://localhost",
        "file://",
    ],
)
async def test_a_foreign_page_is_refused_before_its_token_is_looked_at(
    server: ResourceServer, origin: str
) -> None:
    for token in (None, server.mint(), "garbage"):
        answer = await server.call("POST", "/mcp", token=token, headers={"Origin": origin})
        assert (answer.status, answer.document["error"]) == (403, "access_denied")
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "WWW-Authenticate" not in answer.headers


@pytest.mark.requirement("RS27", "RS36")
@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:6274",
        "https://localhost:8443",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
    ],
)
async def test_a_page_of_this_computer_may_call(server: ResourceServer, origin: str) -> None:
    answer = await server.rpc("ping", token=server.mint(), headers={"Origin": origin})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_two_origins_are_foreign(server: ResourceServer) -> None:
    origin = ("Origin", "http://localhost")
    answer = await server.http.post(server.resource, headers=[origin, origin])
    assert answer.status == 403


@pytest.mark.requirement("RS27")
async def test_listed_origins_replace_those_of_this_computer(start: Starter) -> None:
    server = await start(allowed_origins=("https://app.example", "http://localhost:6274"))
    for origin, status in (
        ("https://app.example", 200),
        ("http://localhost:6274", 200),
        ("http://localhost:3000", 403),
        ("https://app.example:444", 403),
        ("http://app.example", 403),
    ):
        answer = await server.rpc("ping", token=server.mint(), headers={"Origin": origin})
        assert answer.status == status


@pytest.mark.requirement("RS27")
async def test_no_page_may_call_a_public_resource_by_default(start: Starter) -> None:
    server = await start(resource="https://mcp.example/mcp")
    host = {"Host": "mcp.example"}
    token = server.mint()
    assert (await server.rpc("ping", token=token, headers=host)).status == 200
    for origin in ("http://localhost", "https://mcp.example"):
        answer = await server.rpc("ping", token=token, headers={**host, "Origin": origin})
        assert answer.status == 403


@pytest.mark.requirement("RS27")
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "evil.example:{port}"]
)
async def test_another_name_is_not_served(server: ResourceServer, host: str) -> None:
    headers = {"Host": host.format(port=server.port)}
    for path in ("/mcp", "/v1/contexts"):
        answer = await server.call("POST", path, token=server.mint(), headers=headers)
        assert (answer.status, answer.document["error"]) == (403, "access_denied")


async def test_forwarded_names_change_nothing(server: ResourceServer) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert (await server.rpc("ping", token=server.mint(), headers=headers)).status == 200
    answer = await server.call("POST", "/mcp", headers=headers)
    assert metadata_url(server) in answer.challenge


@pytest.mark.requirement("RS36")
@pytest.mark.parametrize("path", ["/mcp", "/v1/contexts", "/v1/contexts/x"])
async def test_a_preflight_needs_no_token(server: ResourceServer, path: str) -> None:
    headers = {
        "Origin": "http://localhost:6274",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,mcp-protocol-version",
    }
    answer = await server.call("OPTIONS", path, headers=headers)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:6274"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "mcp-protocol-version", "mcp-method"} <= set(allowed)
    assert {"mcp-name", "mcp-session-id", "last-event-id"} <= set(allowed)
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.requirement("RS36")
async def test_a_page_can_read_the_challenge(server: ResourceServer) -> None:
    answer = await server.call("POST", "/mcp", headers={"Origin": "http://localhost:6274"})
    assert answer.status == 401
    exposed = set(answer.headers["Access-Control-Expose-Headers"].lower().split(", "))
    assert {"www-authenticate", "mcp-session-id", "mcp-protocol-version"} <= exposed


@pytest.mark.requirement("RS36")
async def test_a_foreign_preflight_allows_nothing(server: ResourceServer) -> None:
    answer = await server.call("OPTIONS", "/mcp", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


# --- everything else ------------------------------------------------------------------------


@pytest.mark.requirement("RS18")
async def test_every_route_but_metadata_and_management_is_guarded(
    server: ResourceServer,
) -> None:
    open_paths = {
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/livez",
        "/readyz",
        "/metrics",
        "/",
        "/static/{name}",
        "/brand/{name}",
    }
    routes = {
        (route.method, route.resource.canonical)
        for route in server.application.router.routes()
        if route.resource is not None and route.resource.canonical not in open_paths
    }
    assert ("POST", "/mcp") in routes
    for method, path in routes:
        answer = await server.call(method, path.replace("{id}", "x"))
        assert answer.status == 401, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/register",
        "/mcp/",
        "/MCP",
        "/v1",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/other",
    ],
)
@pytest.mark.requirement("RS2")
async def test_what_is_not_here_is_404(server: ResourceServer, path: str) -> None:
    assert (await server.call("GET", path)).status == 404


@pytest.mark.requirement("RS31")
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD"])
async def test_after_the_token_comes_the_method(server: ResourceServer, method: str) -> None:
    answer = await server.call(method, "/mcp", token=server.mint())
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.requirement("RS37")
async def test_descriptions_never_repeat_what_was_sent(server: ResourceServer) -> None:
    for token in ('x"\\', "x', error=\"y", "x" * 300):
        answer = await server.call("POST", "/mcp", headers={"Authorization": f"Bearer {token}"})
        assert answer.status == 401
        [challenge] = parse_challenges([answer.challenge])
        assert challenge.parameters["error_description"] == INVALID["error_description"]


@pytest.mark.requirement("OP1")
async def test_the_log_never_holds_what_opens_a_door(server: ResourceServer) -> None:
    good = server.mint(sub="canary@example.com", scope="mcp-api/write")
    bad = sign(header_of(kid="other"), {"sub": "canary@example.com"}, private_key("rsa-1"))
    draft = {"title": "canary-title", "content": "canary-content"}
    with capture_logs() as events:
        for token in (good, bad):
            await server.call("GET", "/v1/contexts?cursor=canary-cursor", token=token)
            await server.call("POST", "/v1/contexts", token=token, json=draft)
            await server.rpc("tools/call", {"name": "whoami"}, token=token)
    assert {"context_created", "refused"} <= {event["event"] for event in events}
    assert "iss is no trusted issuer" in {event.get("reason") for event in events}
    logged = json.dumps(events, default=str)
    for secret in ("canary", good, bad, good.rpartition(".")[2], bad.rpartition(".")[2]):
        assert secret not in logged


async def test_a_token_that_expires_is_forgotten(start: Starter) -> None:
    server = await start()
    token = server.mint()
    assert (await server.rpc("ping", token=token)).status == 200
    server.clock.now = NOW + 300 + 59
    assert (await server.rpc("ping", token=token)).status == 200
    server.clock.now = NOW + 300 + 60
    await assert_refused(server, token)
