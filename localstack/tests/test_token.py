"""The token endpoint: codes, refresh tokens, client authentication, the tokens themselves."""

import asyncio
import base64
import hashlib
from collections import Counter
from typing import Any

import jwt
import pytest

pytestmark = pytest.mark.integration

RESOURCE = "http://localhost:3001/mcp"


async def verified(visitor: Any, token: str, audience: str | None) -> dict[str, Any]:
    """The claims of a token, verified against the pool's JWKS."""
    keys = (await visitor.request("GET", visitor.emulator.provider["jwks_url"])).json()
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWK(next(each for each in keys["keys"] if each["kid"] == header["kid"]))
    options = {"verify_aud": audience is not None}
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=audience,
        issuer=visitor.emulator.provider["issuer"],
        options=options,  # type: ignore[arg-type]
    )
    return claims


async def test_a_code_is_spent_once_by_twenty_at_the_same_moment(public: Any) -> None:
    code = await public.code()
    answers = await asyncio.gather(*(public.redeem(code) for _ in range(20)))
    assert Counter(answer.status for answer in answers) == {200: 1, 400: 19}
    refused = {answer.json()["error"] for answer in answers if answer.status == 400}
    assert refused == {"invalid_grant"}


async def test_a_code_is_refused_when_it_comes_again(public: Any) -> None:
    code = await public.code()
    assert (await public.redeem(code)).status == 200
    again = await public.redeem(code)
    assert (again.status, again.json()["error"]) == (400, "invalid_grant")


async def test_another_clients_code_is_refused_and_stays_good(public: Any, bridge: Any) -> None:
    code = await public.code()
    stolen = await bridge.redeem(code)
    assert (stolen.status, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await public.redeem(code)).status == 200


@pytest.mark.parametrize("redirect_uri", ["https://evil.example", "", "http://localhost:3004/"])
async def test_a_code_needs_its_redirect_uri(public: Any, redirect_uri: str) -> None:
    answer = await public.redeem(await public.code(), redirect_uri=redirect_uri)
    assert answer.status == 400
    assert answer.json() == {
        "error": "unauthorized_client",
        "error_description": "invalid_redirect",
    }


@pytest.mark.parametrize("verifier", [None, "", "short", "A" * 43, "\u00e9" * 43, "a" * 200])
async def test_a_wrong_or_missing_verifier_is_refused(
    public: Any, pkce: tuple[str, str], verifier: str | None
) -> None:
    code = await public.code(code_challenge=pkce[1], code_challenge_method="S256")
    answer = await public.redeem(code, **({} if verifier is None else {"code_verifier": verifier}))
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


async def test_the_right_verifier_is_accepted(public: Any, pkce: tuple[str, str]) -> None:
    code = await public.code(code_challenge=pkce[1], code_challenge_method="S256")
    assert (await public.redeem(code, code_verifier=pkce[0])).status == 200


async def test_a_verifier_without_a_challenge_is_refused(
    public: Any, pkce: tuple[str, str]
) -> None:
    answer = await public.redeem(await public.code(), code_verifier=pkce[0])
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "unknown"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
    ],
)
async def test_a_bad_request_names_its_error(public: Any, form: dict[str, str], error: str) -> None:
    answer = await public.post("/oauth2/token", form)
    assert (answer.status, answer.json()["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"grant_type":"refresh_token"}', "application/json"),
        (b"grant_type=refresh_token", "text/plain"),
        (b"grant_type=refresh_token", "multipart/form-data; boundary=x"),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded"),
        (b"grant_type=%ff", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=b&" * 100, "application/x-www-form-urlencoded"),
        (b"a=" + b"b" * 100_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_that_is_no_clean_form_is_an_invalid_request(
    public: Any, body: bytes, content_type: str
) -> None:
    answer = await public.request(
        "POST", "/oauth2/token", data=body, headers={"Content-Type": content_type}
    )
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic " + base64.b64encode(b":secret").decode(),
        "Basic " + base64.b64encode(b"nobody:secret").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Bearer x",
    ],
)
async def test_a_malformed_or_unknown_client_is_invalid_client_with_400(
    public: Any, authorization: str
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    answer = await public.request(
        "POST", "/oauth2/token", data=form, headers={"Authorization": authorization}
    )
    assert (answer.status, answer.json()["error"]) == (400, "invalid_client")


@pytest.mark.parametrize("secret", [None, "", "wrong"])
async def test_a_confidential_client_needs_its_secret(bridge: Any, secret: str | None) -> None:
    code = await bridge.code()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": bridge.redirect_uri,
        "client_id": bridge.client_id,
    }
    if secret is not None:
        form["client_secret"] = secret
    answer = await bridge.request("POST", "/oauth2/token", data=form)
    assert (answer.status, answer.json()["error"]) == (400, "invalid_client")
    assert (await bridge.redeem(code)).status == 200


async def test_a_secret_works_in_the_header_or_in_the_form_but_not_in_both(bridge: Any) -> None:
    in_form = {"client_id": bridge.client_id, "client_secret": bridge.secret}
    base = {"grant_type": "authorization_code", "redirect_uri": bridge.redirect_uri}
    by_form = {**base, "code": await bridge.code(), **in_form}
    assert (await bridge.request("POST", "/oauth2/token", data=by_form)).status == 200
    named = await bridge.redeem(await bridge.code(), client_id=bridge.client_id)
    assert named.status == 200
    both = await bridge.redeem(await bridge.code(), **in_form)
    assert (both.status, both.json()["error"]) == (400, "invalid_request")
    other = await bridge.redeem(await bridge.code(), client_id="other")
    assert (other.status, other.json()["error"]) == (400, "invalid_request")


async def test_a_public_client_must_not_bring_a_secret(public: Any) -> None:
    answer = await public.redeem(await public.code(), client_secret="made-up")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_client")


async def test_a_secret_of_ones_own_choice_may_be_percent_encoded(
    public: Any, make_client: Any, basic: Any
) -> None:
    secret = "abc+def+ghi_jkl_mno_pqr_stu"
    client = make_client(ClientSecret=secret)
    assert client["ClientSecret"] == secret
    public.client_id = client["ClientId"]
    for sent in (secret, secret.replace("+", "%2B")):
        code = await public.code(prompt="login")
        answer = await public.request(
            "POST",
            "/oauth2/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": public.redirect_uri,
            },
            headers={"Authorization": basic(public.client_id, sent)},
        )
        assert answer.status == 200


async def test_the_answer_has_cognitos_shape_and_no_scope(public: Any) -> None:
    answer = await public.redeem(await public.code())
    tokens = answer.json()
    assert tokens.keys() == {
        "access_token",
        "id_token",
        "refresh_token",
        "expires_in",
        "token_type",
    }
    assert (tokens["expires_in"], tokens["token_type"]) == (3600, "Bearer")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "." not in tokens["refresh_token"]


async def test_a_browser_app_may_call_the_token_endpoint(public: Any) -> None:
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    answer = await public.request("OPTIONS", "/oauth2/token", headers=headers)
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_id_token_says_who_signed_in(bridge: Any) -> None:
    tokens = await bridge.tokens(nonce="a nonce", scope="openid profile email")
    claims = await verified(bridge, tokens["id_token"], bridge.client_id)
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert claims["nonce"] == "a nonce"
    assert claims["token_use"] == "id"
    assert claims["cognito:username"] == claims["sub"]  # people sign in by e-mail
    assert claims["email"] == "demo@example.com"
    assert claims["email_verified"] is True
    assert claims["exp"] - claims["iat"] == 3600
    for name in ("sub", "jti", "origin_jti", "auth_time", "event_id"):
        assert claims[name]


async def test_the_access_token_has_no_audience_without_resource(public: Any) -> None:
    tokens = await public.tokens(scope="openid mcp-api/read")
    claims = await verified(public, tokens["access_token"], None)
    assert "aud" not in claims
    assert claims["token_use"] == "access"
    assert claims["client_id"] == public.client_id
    assert claims["scope"] == "openid mcp-api/read"
    assert claims["username"] == claims["sub"]
    assert claims["version"] == 2
    assert "email" not in claims


@pytest.mark.parametrize("resource", [RESOURCE, "https://mcp.example.com/a?b=c", "myapp://mcp"])
async def test_resource_becomes_the_audience_and_refresh_keeps_it(
    public: Any, resource: str
) -> None:
    tokens = await public.tokens(resource=resource)
    assert (await verified(public, tokens["access_token"], resource))["aud"] == resource
    refreshed = (await public.refresh(tokens["refresh_token"])).json()
    assert (await verified(public, refreshed["access_token"], resource))["aud"] == resource


async def test_without_openid_there_is_no_id_token(public: Any) -> None:
    tokens = await public.tokens(scope="mcp-api/read")
    assert "id_token" not in tokens
    refreshed = (await public.refresh(tokens["refresh_token"])).json()
    assert "id_token" not in refreshed


async def test_without_scope_all_scopes_of_the_client_are_granted(public: Any) -> None:
    claims = await verified(public, (await public.tokens())["access_token"], None)
    assert claims["scope"].split() == ["openid", "email", "profile", "mcp-api/read"]


async def test_the_email_scope_opens_nothing_else(public: Any, make_user: Any) -> None:
    public.username = make_user(name="A Name")
    tokens = await public.tokens(scope="openid email")
    claims = await verified(public, tokens["id_token"], public.client_id)
    assert claims["email"] == public.username
    assert "name" not in claims


async def test_groups_of_the_user_are_in_both_tokens(
    public: Any, cognito: Any, emulator: Any, make_user: Any
) -> None:
    pool, public.username = emulator.provider["pool_id"], make_user()
    cognito.create_group(UserPoolId=pool, GroupName="staff")
    cognito.admin_add_user_to_group(UserPoolId=pool, GroupName="staff", Username=public.username)
    tokens = await public.tokens()
    for name, audience in (("id_token", public.client_id), ("access_token", None)):
        assert (await verified(public, tokens[name], audience))["cognito:groups"] == ["staff"]


async def test_the_clients_own_lifetimes_count(public: Any, make_client: Any) -> None:
    public.client_id = make_client(
        AccessTokenValidity=5,
        IdTokenValidity=10,
        RefreshTokenValidity=2,
        TokenValidityUnits={
            "AccessToken": "minutes",
            "IdToken": "minutes",
            "RefreshToken": "hours",
        },
    )["ClientId"]
    tokens = await public.tokens()
    assert tokens["expires_in"] == 300
    claims = await verified(public, tokens["id_token"], public.client_id)
    assert claims["exp"] - claims["iat"] == 600


async def test_a_client_that_may_not_read_email_gets_no_token_for_it(
    public: Any, make_client: Any
) -> None:
    public.client_id = make_client(ReadAttributes=["email", "name"])["ClientId"]
    answer = await public.redeem(await public.code(scope="openid email"))
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_machine_gets_a_token_for_custom_scopes_only(public: Any, make_client: Any) -> None:
    client = make_client(
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["mcp-api/read"],
        CallbackURLs=[],
    )
    public.client_id, public.secret = client["ClientId"], client["ClientSecret"]
    form = {"grant_type": "client_credentials"}
    tokens = (await public.post("/oauth2/token", form)).json()
    assert tokens.keys() == {"access_token", "expires_in", "token_type"}
    claims = await verified(public, tokens["access_token"], None)
    assert claims["sub"] == claims["client_id"] == public.client_id
    assert claims["scope"] == "mcp-api/read"
    for scope in ("openid", "mcp-api/write", "x"):
        answer = await public.post("/oauth2/token", {**form, "scope": scope})
        assert (answer.status, answer.json()["error"]) == (400, "invalid_scope")
