"""An OpenID provider: what is a no, what is no answer, and what may never be believed."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from structlog.testing import capture_logs

from oauth_kit.providers.oidc import OidcProvider
from oauth_kit.providers.port import (
    UpstreamCredentials,
    UpstreamLogin,
    UpstreamRefusedError,
    UpstreamTokens,
    UpstreamUnavailableError,
)
from oauth_kit.rules.pkce import challenge_of

US = UpstreamCredentials("shared", "shared-secret")
GZIP = {"Content-Encoding": "gzip"}
CALLBACK = "http://localhost:3004/callback"
VERIFIER = "v" * 43
TOKENS = UpstreamTokens("upstream-refresh-canary")


async def log_in(world: Any, provider: OidcProvider, **changes: str) -> UpstreamLogin:
    location = await provider.authorization_url(
        "shared",
        redirect_uri=CALLBACK,
        state="the state",
        nonce="n1",
        code_challenge=challenge_of(VERIFIER),
    )
    code = world.fake.log_in(location)
    return await provider.exchange(
        changes.get("code", code),
        UpstreamCredentials("shared", changes.get("secret", "shared-secret")),
        redirect_uri=CALLBACK,
        code_verifier=changes.get("verifier", VERIFIER),
        nonce=changes.get("nonce", "n1"),
    )


def answer(body: bytes, status: int = 200, **headers: str) -> Callable[[], web.Response]:
    return lambda: web.Response(body=body, status=status, headers=headers)


def signed(algorithm: str, key: str) -> str:
    return jwt.encode({"sub": "user-1"}, key, algorithm=algorithm, headers={"kid": "idp-1"})


def json_text(**members: object) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.requirement("CB5", "TK24", "B16")
@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, b"", {}),
        (502, b"<html>", {}),
        *((status, json_text(error="invalid_grant"), {}) for status in (404, 429, 500, 503)),
        (400, json_text(error="temporarily_unavailable"), {}),
        (400, json_text(error="server_error"), {}),
        (403, json_text(error="slow_down"), {}),
        (403, b"<html>blocked by a firewall</html>", {}),
        (400, b"", {}),
        (400, b"{}", {}),
        (400, b"[]", {}),
        (401, json_text(error=1), {}),
        (400, b'{"error": "invalid_grant", "error": "x"}', {}),
        (200, b"<html>a log-in page</html>", {}),
        (200, b"", {}),
        (200, b"null", {}),
        (200, b'{"access_token": "a", "access_token": "b"}', {}),
        (201, json_text(access_token="x"), {}),
        (302, b"", {"Location": "/elsewhere"}),
        (307, b"", {"Location": "/token"}),
        pytest.param(200, b'{"x": "' + b"y" * 600_000 + b'"}', {}, id="too large"),
        pytest.param(200, gzip.compress(b" " * 5_000_000), GZIP, id="bomb"),
        pytest.param(200, b"not gzip", GZIP, id="not gzip"),
    ],
)
async def test_an_answer_that_decides_nothing_is_no_refusal(
    world: Any, status: int, body: bytes, headers: dict[str, str]
) -> None:
    provider = world.provider()
    world.fake.answers_with = answer(body, status, **headers)
    with pytest.raises(UpstreamUnavailableError) as failed:
        await provider.refresh(TOKENS, US)
    assert "canary" not in str(failed.value)
    with pytest.raises(UpstreamUnavailableError):
        await log_in(world, provider)
    assert world.fake.calls.count("refresh_token") == 1


@pytest.mark.requirement("CB5", "TK24")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_grant"),
        (400, "unauthorized_client"),
        (401, "invalid_client"),
        (403, "access_denied"),
        (400, "e" * 64),
    ],
)
async def test_a_no_is_a_no(world: Any, status: int, code: str) -> None:
    world.fake.answers_with = answer(
        json_text(error=code, error_description="text of the provider"), status
    )
    with pytest.raises(UpstreamRefusedError) as refused:
        await world.provider().refresh(TOKENS, US)
    assert refused.value.code == str(refused.value) == code


@pytest.mark.requirement("A19")
async def test_a_long_error_code_is_cut(world: Any) -> None:
    world.fake.answers_with = answer(json_text(error="e" * 5000), 400)
    with pytest.raises(UpstreamRefusedError) as refused:
        await world.provider().refresh(TOKENS, US)
    assert len(refused.value.code) == 64


@pytest.mark.requirement("CB5", "TK24")
async def test_a_provider_that_is_not_there_is_unavailable(world: Any) -> None:
    nowhere = world.provider(issuer="http://127.0.0.1:1")
    with pytest.raises(UpstreamUnavailableError):
        await log_in(world, nowhere)
    for call in (nowhere.refresh, nowhere.revoke):
        with pytest.raises(UpstreamUnavailableError):
            await call(TOKENS, US)
    with pytest.raises(UpstreamUnavailableError):
        await nowhere.accepts_issuer(None)


@pytest.mark.requirement("CB7")
@pytest.mark.parametrize(
    "changes", [{"code": "x"}, {"verifier": "w" * 43}, {"secret": "other"}], ids=str
)
async def test_the_exchange_is_ours_alone(world: Any, changes: dict[str, str]) -> None:
    with pytest.raises(UpstreamRefusedError):
        await log_in(world, world.provider(), **changes)


@pytest.mark.requirement("CB8", "A6")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"nonce": "other"},
        {"nonce": None},
        {"exp": 1},
        {"sub": None},
    ],
    ids=str,
)
async def test_a_wrong_id_token_is_a_refusal(world: Any, changes: dict[str, object]) -> None:
    def change(claims: dict[str, Any]) -> None:
        for name, value in changes.items():
            claims.pop(name)
            if value is not None:
                claims[name] = value

    world.fake.change_claims = change
    with pytest.raises(UpstreamRefusedError, match="id_token"):
        await log_in(world, world.provider())


@pytest.mark.requirement("CB8")
async def test_an_id_token_of_another_key_is_a_refusal(world: Any) -> None:
    world.fake.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(UpstreamRefusedError, match="id_token"):
        await log_in(world, world.provider())


@pytest.mark.requirement("CB8")
@pytest.mark.parametrize(
    "id_token",
    [
        None,
        1,
        "",
        "x",
        pytest.param(signed("HS256", "k" * 32), id="HS256"),
        pytest.param(signed("none", ""), id="none"),
    ],
)
async def test_no_id_token_is_a_refusal(world: Any, id_token: object) -> None:
    world.fake.answers_with = answer(json_text(access_token="a", id_token=id_token))
    with pytest.raises(UpstreamRefusedError, match=r"id_token"):
        await log_in(world, world.provider())


@pytest.mark.requirement("CB5", "CB8")
async def test_without_the_provider_s_keys_nothing_is_decided(world: Any) -> None:
    provider = world.provider(jwks_url=f"{world.origin}/nothing")
    with pytest.raises(UpstreamUnavailableError):
        await log_in(world, provider)


@pytest.mark.requirement("CB7", "CB8")
@pytest.mark.parametrize(
    ("name", "session_id"), [("cognito", "session-1"), ("keycloak", None), ("oidc", None)]
)
async def test_a_log_in_gives_who_it_was_and_one_token_to_keep(
    world: Any, name: Any, session_id: str | None
) -> None:
    login = await log_in(world, world.provider(name))
    assert (login.identity.subject, login.session_id) == ("user-1", session_id)
    assert login.tokens.refresh_token in world.fake.refresh_tokens
    assert (login.tokens.access_token, login.tokens.id_token) == (None, None)
    assert "canary" not in repr(login.tokens)


async def test_a_provider_may_give_no_refresh_token(world: Any) -> None:
    world.fake.gives_refresh_token = False
    login = await log_in(world, world.provider())
    assert login.tokens == UpstreamTokens()
    with pytest.raises(UpstreamRefusedError, match="no_refresh_token"):
        await world.provider().refresh(login.tokens, US)
    await world.provider().revoke(login.tokens, US)
    assert world.fake.revoked == []


@pytest.mark.requirement("TK24")
@pytest.mark.parametrize("rotates", [True, False])
async def test_the_token_to_keep_is_the_last_one_given(world: Any, rotates: bool) -> None:
    provider = world.provider()
    first = (await log_in(world, provider)).tokens
    world.fake.rotates_refresh_tokens = rotates
    second = await provider.refresh(first, US)
    assert (second == first) is not rotates
    third = await provider.refresh(second, US)
    assert third.refresh_token in world.fake.refresh_tokens
    if rotates:
        with pytest.raises(UpstreamRefusedError, match="invalid_grant"):
            await provider.refresh(first, US)


@pytest.mark.requirement("RV6")
@pytest.mark.parametrize("body", [b"", b"OK", b"{}", b"<html>"])
async def test_a_revocation_counts_whatever_its_answer_says(world: Any, body: bytes) -> None:
    world.fake.answers_with = answer(body)
    await world.provider().revoke(TOKENS, US)
    world.fake.answers_with = None
    await world.provider().revoke(TOKENS, US)
    assert world.fake.revoked == [TOKENS.refresh_token]


@pytest.mark.requirement("RV6")
@pytest.mark.parametrize("status", [302, 400, 401, 404, 503])
async def test_a_revocation_that_failed_is_told(world: Any, status: int) -> None:
    world.fake.answers_with = answer(b"", status)
    with pytest.raises(UpstreamUnavailableError, match=str(status)):
        await world.provider().revoke(TOKENS, US)


@pytest.mark.requirement("RV6")
async def test_a_provider_without_revocation_is_told(world: Any) -> None:
    world.fake.metadata = {"revocation_endpoint": None}
    with pytest.raises(UpstreamUnavailableError, match="revocation_endpoint"):
        await world.provider().revoke(TOKENS, US)


@pytest.mark.requirement("CB6", "A14")
@pytest.mark.parametrize(
    ("name", "announced", "iss", "accepted"),
    [
        ("keycloak", None, None, False),
        ("keycloak", None, "own", True),
        ("keycloak", None, "other", False),
        ("oidc", None, None, True),
        ("oidc", True, None, False),
        ("oidc", False, None, True),
        ("oidc", "true", None, True),
        ("oidc", True, "own", True),
        ("oidc", None, "own", True),
        ("oidc", None, "other", False),
        ("oidc", None, "", False),
        ("cognito", None, None, True),
        ("cognito", None, "other", False),
    ],
)
async def test_the_issuer_of_a_response_is_the_provider_s(
    world: Any, name: Any, announced: object, iss: str | None, accepted: bool
) -> None:
    if announced is not None:
        world.fake.metadata = {"authorization_response_iss_parameter_supported": announced}
    sent = {"own": world.origin, "other": f"{world.origin}/"}.get(iss or "", iss)
    assert await world.provider(name).accepts_issuer(sent) is accepted


async def test_where_the_operator_names_the_endpoints_discovery_is_not_asked(world: Any) -> None:
    provider = world.provider(
        authorize_url="https://login.example/authorize?theme=a",
        token_url=f"{world.origin}/token",
        jwks_url=f"{world.origin}/jwks",
        revoke_url=f"{world.origin}/revoke",
    )
    login = await log_in(world, provider)
    await provider.refresh(login.tokens, US)
    await provider.revoke(login.tokens, US)
    assert await provider.accepts_issuer(None)
    assert "discovery" not in world.fake.calls


@pytest.mark.requirement("CB7")
async def test_the_authorization_request_is_complete(world: Any) -> None:
    provider = world.provider(
        authorize_url="https://login.example/authorize?theme=a",
        authorize_params="access_type=offline&prompt=",
    )
    location = await provider.authorization_url(
        "shared",
        redirect_uri=CALLBACK,
        state="a b&c",
        nonce="n1",
        code_challenge=challenge_of(VERIFIER),
    )
    parts = urlsplit(location)
    assert location.startswith("https://login.example/authorize?theme=a&")
    assert parse_qsl(parts.query, keep_blank_values=True) == [
        ("theme", "a"),
        ("response_type", "code"),
        ("client_id", "shared"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile email"),
        ("state", "a b&c"),
        ("nonce", "n1"),
        ("code_challenge", challenge_of(VERIFIER)),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", ""),
    ]


@pytest.mark.requirement("ASM16", "D6", "CL18")
@pytest.mark.parametrize(
    ("issuer", "endpoint", "usable"),
    [
        ("https://idp.example", "http://idp.example/token", False),
        ("https://idp.example", "javascript:alert(1)", False),
        ("https://idp.example", "file:///etc/passwd", False),
        ("https://idp.example", "//idp.example/token", False),
        ("https://idp.example", "", False),
        ("https://idp.example", ["https://idp.example/token"], False),
        ("https://idp.example", "https://login.example/token", True),
        ("http://localhost:8080", "http://localhost:8080/token", True),
    ],
)
async def test_secrets_go_to_https_endpoints_only(
    world: Any, issuer: str, endpoint: object, usable: bool
) -> None:
    provider = world.provider(issuer=issuer)

    async def discovered() -> dict[str, object]:
        return {"issuer": issuer, "authorization_endpoint": endpoint}

    provider._metadata = discovered
    asking = provider.authorization_url(
        "shared", redirect_uri=CALLBACK, state="s", nonce="n", code_challenge="c"
    )
    if usable:
        assert (await asking).startswith(f"{endpoint}?response_type=code&")
    else:
        with pytest.raises(UpstreamUnavailableError, match="authorization_endpoint"):
            await asking


@pytest.mark.parametrize(
    ("name", "returned"),
    [
        ("cognito", [("logout_uri", "http://localhost:3004/logout")]),
        *(
            (
                name,
                [
                    ("post_logout_redirect_uri", "http://localhost:3004/logout"),
                    ("state", "a b&c"),
                ],
            )
            for name in ("keycloak", "oidc")
        ),
    ],
)
async def test_the_log_out_is_the_providers_own(
    world: Any, name: Any, returned: list[tuple[str, str]]
) -> None:
    asked = {"return_to": "http://localhost:3004/logout", "state": "a b&c"}
    by_hand = world.provider(name, logout_url="https://login.example/logout?theme=a")
    location = await by_hand.logout_url("shared", **asked)
    assert location is not None
    assert location.startswith("https://login.example/logout?theme=a&")
    sent = parse_qsl(urlsplit(location).query)
    assert sent == [("theme", "a"), ("client_id", "shared"), *returned]
    assert world.fake.calls == []
    world.fake.metadata = {"end_session_endpoint": f"{world.origin}/bye"}
    discovered = await world.provider(name).logout_url("shared", **asked)
    assert discovered.startswith(f"{world.origin}/bye?client_id=shared&")


@pytest.mark.parametrize("advertised", [None, 1, ["https://idp.example/logout"]])
async def test_a_provider_may_have_no_log_out(world: Any, advertised: object) -> None:
    world.fake.metadata = {"end_session_endpoint": advertised}
    assert await world.provider().logout_url("shared", return_to="x", state="s") is None


@pytest.mark.parametrize("endpoint", ["javascript:alert(1)", "//idp.example/logout", ""])
async def test_a_browser_is_sent_to_a_web_page_only(world: Any, endpoint: str) -> None:
    world.fake.metadata = {"end_session_endpoint": endpoint}
    with pytest.raises(UpstreamUnavailableError, match="end_session_endpoint"):
        await world.provider().logout_url("shared", return_to="x", state="s")


@pytest.mark.requirement("TK14")
async def test_credentials_are_form_encoded_before_base64(world: Any) -> None:
    world.fake.clients["a:b %"] = "s+e:c r%t"
    login = await log_in(world, world.provider())
    world.fake.refresh_tokens[login.tokens.refresh_token] = "a:b %"
    credentials = UpstreamCredentials("a:b %", "s+e:c r%t")
    refreshed = await world.provider().refresh(login.tokens, credentials)
    assert world.fake.refresh_tokens[refreshed.refresh_token] == "a:b %"


@pytest.mark.requirement("OP1", "CB9")
async def test_the_log_has_no_token_address_or_secret(world: Any) -> None:
    with capture_logs() as lines:
        login = await log_in(world, world.provider())
        await world.provider().refresh(login.tokens, US)
        await world.provider().revoke(login.tokens, US)
    assert [line["event"] for line in lines] == ["provider_answered"] * 3
    for forbidden in ("canary", "shared", "http", "user-1"):
        assert forbidden not in str(lines)
    assert "shared-secret" not in repr(US)
    assert "shared-secret" not in repr(world.config)
