"""Refresh tokens: bound to their client, ended by every way that Cognito has."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import jwt
import pytest

pytestmark = pytest.mark.integration


def refused(answer: Any, error: str, status: int = 400) -> bool:
    return bool(answer.status == status and answer.json()["error"] == error)


async def test_another_client_cannot_use_a_refresh_token(public: Any, bridge: Any) -> None:
    mine, theirs = await public.tokens(), await bridge.tokens()
    assert refused(await bridge.refresh(mine["refresh_token"]), "invalid_grant")
    assert refused(await public.refresh(theirs["refresh_token"]), "invalid_grant")
    assert (await public.refresh(mine["refresh_token"])).status == 200
    assert (await bridge.refresh(theirs["refresh_token"])).status == 200


@pytest.mark.parametrize("secret", [None, "", "wrong"])
async def test_a_confidential_client_cannot_refresh_without_its_secret(
    bridge: Any, secret: str | None
) -> None:
    tokens = await bridge.tokens()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": bridge.client_id,
    }
    if secret is not None:
        form["client_secret"] = secret
    assert refused(await bridge.request("POST", "/oauth2/token", data=form), "invalid_client")
    assert (await bridge.refresh(tokens["refresh_token"])).status == 200


@pytest.mark.parametrize("client_id", [None, "", "nobody"])
async def test_a_refresh_needs_a_client(public: Any, client_id: str | None) -> None:
    tokens = await public.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    if client_id is not None:
        form["client_id"] = client_id
    assert refused(await public.request("POST", "/oauth2/token", data=form), "invalid_client")


async def test_other_tokens_are_no_refresh_tokens(public: Any) -> None:
    tokens = await public.tokens()
    for name in ("access_token", "id_token"):
        assert refused(await public.refresh(tokens[name]), "invalid_grant")
    code = await public.code()
    assert refused(await public.refresh(code), "invalid_grant")


async def test_a_refresh_keeps_the_sign_in_and_gives_no_new_refresh_token(bridge: Any) -> None:
    tokens = await bridge.tokens(nonce="n", scope="openid email")
    refreshed = (await bridge.refresh(tokens["refresh_token"])).json()
    assert refreshed.keys() == {"access_token", "id_token", "expires_in", "token_type"}
    options: Any = {"verify_signature": False}
    for name in ("access_token", "id_token"):
        old = jwt.decode(tokens[name], options=options)
        new = jwt.decode(refreshed[name], options=options)
        for claim in ("sub", "origin_jti", "auth_time", "token_use", "iss"):
            assert new[claim] == old[claim]
        assert new["jti"] != old["jti"]
    assert "nonce" not in jwt.decode(refreshed["id_token"], options=options)


async def test_many_refreshes_at_once_all_succeed(public: Any) -> None:
    tokens = await public.tokens()
    refreshes = (public.refresh(tokens["refresh_token"]) for _ in range(20))
    answers = await asyncio.gather(*refreshes)
    assert Counter(answer.status for answer in answers) == {200: 20}


async def test_a_client_without_the_refresh_flow_cannot_refresh(
    public: Any, make_client: Any
) -> None:
    public.client_id = make_client(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])["ClientId"]
    tokens = await public.tokens()
    assert refused(await public.refresh(tokens["refresh_token"]), "unauthorized_client")


Ending = Callable[[Any, str, str], object]

ENDINGS: dict[str, Ending] = {
    "AdminUserGlobalSignOut": lambda cognito, pool, user: cognito.admin_user_global_sign_out(
        UserPoolId=pool, Username=user
    ),
    "AdminDisableUser": lambda cognito, pool, user: cognito.admin_disable_user(
        UserPoolId=pool, Username=user
    ),
    "AdminDeleteUser": lambda cognito, pool, user: cognito.admin_delete_user(
        UserPoolId=pool, Username=user
    ),
}


@pytest.mark.parametrize("operation", ENDINGS)
async def test_an_administrator_can_end_all_sign_ins_of_a_user(
    public: Any, cognito: Any, emulator: Any, make_user: Any, operation: str
) -> None:
    public.username = make_user()
    tokens, code = await public.tokens(), await public.code()
    ENDINGS[operation](cognito, emulator.provider["pool_id"], public.username)
    assert refused(await public.refresh(tokens["refresh_token"]), "invalid_grant")
    assert refused(await public.redeem(code), "invalid_grant")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await public.request("GET", "/oauth2/userInfo", headers=headers)).status == 401


async def test_enabling_a_user_again_does_not_bring_tokens_back(
    public: Any, cognito: Any, emulator: Any, make_user: Any
) -> None:
    public.username = make_user()
    named = {"UserPoolId": emulator.provider["pool_id"], "Username": public.username}
    tokens = await public.tokens()
    cognito.admin_disable_user(**named)
    cognito.admin_enable_user(**named)
    assert refused(await public.refresh(tokens["refresh_token"]), "invalid_grant")


async def test_a_new_user_of_an_old_name_does_not_inherit_tokens(
    public: Any, cognito: Any, emulator: Any, make_user: Any
) -> None:
    public.username = make_user()
    pool = emulator.provider["pool_id"]
    tokens = await public.tokens()
    cognito.admin_delete_user(UserPoolId=pool, Username=public.username)
    cognito.admin_create_user(UserPoolId=pool, Username=public.username, MessageAction="SUPPRESS")
    assert refused(await public.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (await public.authorize(prompt="none")).query["error"] == "login_required"


async def test_a_user_can_end_all_of_their_own_sign_ins(
    public: Any, cognito: Any, make_client: Any, make_user: Any
) -> None:
    scopes = ["openid", "aws.cognito.signin.user.admin"]
    public.client_id = make_client(AllowedOAuthScopes=scopes)["ClientId"]
    public.username = make_user()
    tokens, others = await public.tokens(), await public.tokens()
    cognito.global_sign_out(AccessToken=tokens["access_token"])
    assert refused(await public.refresh(tokens["refresh_token"]), "invalid_grant")
    assert refused(await public.refresh(others["refresh_token"]), "invalid_grant")
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.get_user(AccessToken=others["access_token"])


async def test_self_service_needs_its_scope(public: Any, cognito: Any) -> None:
    tokens = await public.tokens()
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.get_user(AccessToken=tokens["access_token"])
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.global_sign_out(AccessToken=tokens["access_token"])
    assert (await public.refresh(tokens["refresh_token"])).status == 200


async def test_a_deleted_client_is_an_invalid_client(
    public: Any, cognito: Any, emulator: Any
) -> None:
    tokens = await public.tokens()
    cognito.delete_user_pool_client(
        UserPoolId=emulator.provider["pool_id"], ClientId=public.client_id
    )
    assert refused(await public.refresh(tokens["refresh_token"]), "invalid_client")
    assert (await public.authorize()).location.startswith("/error?")
    revoked = await public.post("/oauth2/revoke", {"token": tokens["refresh_token"]})
    assert refused(revoked, "invalid_client", 401)


async def test_revoking_through_the_api_needs_the_clients_secret(bridge: Any, cognito: Any) -> None:
    token = (await bridge.tokens())["refresh_token"]
    with pytest.raises(cognito.exceptions.UnauthorizedException):
        cognito.revoke_token(Token=token, ClientId=bridge.client_id)
    assert (await bridge.refresh(token)).status == 200
    cognito.revoke_token(Token=token, ClientId=bridge.client_id, ClientSecret=bridge.secret)
    assert refused(await bridge.refresh(token), "invalid_grant")


async def test_revoking_another_clients_token_does_nothing(
    public: Any, bridge: Any, cognito: Any
) -> None:
    token = (await bridge.tokens())["refresh_token"]
    answer = await public.post("/oauth2/revoke", {"token": token})
    assert (answer.status, answer.text) == (200, "")
    cognito.revoke_token(Token=token, ClientId=public.client_id)
    assert (await bridge.refresh(token)).status == 200


@pytest.mark.parametrize(
    ("secret", "error", "status"),
    [(None, "invalid_client", 401), ("wrong", "invalid_client", 401)],
)
async def test_revoking_needs_client_authentication(
    bridge: Any, basic: Any, secret: str | None, error: str, status: int
) -> None:
    token = (await bridge.tokens())["refresh_token"]
    headers = {"Authorization": basic(bridge.client_id, secret)} if secret else {}
    form = {"token": token} if secret else {"token": token, "client_id": bridge.client_id}
    answer = await bridge.request("POST", "/oauth2/revoke", data=form, headers=headers)
    assert refused(answer, error, status)
    assert (await bridge.refresh(token)).status == 200


async def test_only_refresh_tokens_can_be_revoked(public: Any) -> None:
    tokens = await public.tokens()
    for name in ("access_token", "id_token"):
        answer = await public.post("/oauth2/revoke", {"token": tokens[name]})
        assert refused(answer, "unsupported_token_type")
    assert (await public.refresh(tokens["refresh_token"])).status == 200


async def test_revoking_nothing_is_an_invalid_request(public: Any) -> None:
    assert refused(await public.post("/oauth2/revoke", {}), "invalid_request")
    assert refused(await public.post("/oauth2/revoke", {"token": ""}), "invalid_request")


async def test_revoking_an_unknown_token_is_200(public: Any) -> None:
    answer = await public.post("/oauth2/revoke", {"token": "unknown"})
    assert (answer.status, answer.text) == (200, "")


async def test_a_client_with_revocation_switched_off_cannot_revoke(
    public: Any, make_client: Any
) -> None:
    public.client_id = make_client(EnableTokenRevocation=False)["ClientId"]
    token = (await public.tokens())["refresh_token"]
    assert refused(await public.post("/oauth2/revoke", {"token": token}), "invalid_request")
    assert (await public.refresh(token)).status == 200


async def test_revocation_ends_the_refresh_token_and_its_access_tokens_here(bridge: Any) -> None:
    tokens, others = await bridge.tokens(), await bridge.tokens()
    answer = await bridge.post("/oauth2/revoke", {"token": tokens["refresh_token"]})
    assert (answer.status, answer.text) == (200, "")
    assert refused(await bridge.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (await bridge.refresh(others["refresh_token"])).status == 200
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await bridge.request("GET", "/oauth2/userInfo", headers=headers)).status == 401


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", "Bearer a.b.c", "Basic x", "Bearer \u00e9", "Bearer " * 500],
)
async def test_user_info_needs_an_access_token(public: Any, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await public.request("GET", "/oauth2/userInfo", headers=headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_user_info_refuses_tampered_id_and_foreign_tokens(public: Any) -> None:
    tokens = await public.tokens()
    head, payload, signature = tokens["access_token"].split(".")
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    unsigned = jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]
    by_secret = jwt.encode(claims, "x" * 32, algorithm="HS256")
    for token in (
        tokens["id_token"],
        f"{head}.{payload}.{signature[:-4]}AAAA",
        unsigned,
        by_secret,
        f"{head}.{payload}.",
    ):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await public.request("GET", "/oauth2/userInfo", headers=headers)).status == 401


async def test_user_info_gives_what_the_scopes_open(public: Any, make_user: Any) -> None:
    public.username = make_user(name="A Name")
    tokens = await public.tokens(scope="openid email")
    for method in ("GET", "POST"):
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        info = (await public.request(method, "/oauth2/userInfo", headers=headers)).json()
        assert info["email"] == public.username
        assert info["username"] == info["sub"]  # people sign in by e-mail
        assert info["email_verified"] == "true"
        assert "name" not in info
    machine = await public.tokens(scope="mcp-api/read")
    headers = {"Authorization": f"Bearer {machine['access_token']}"}
    assert (await public.request("GET", "/oauth2/userInfo", headers=headers)).status == 401
