"""What Cognito's tokens say (developer guide, "Understanding user pool JSON web tokens")."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cognito_emulator.rules.app_client import AppClient, User
from cognito_emulator.rules.errors import TokenError

EMAIL_ATTRIBUTES = frozenset({"email", "email_verified"})
PHONE_ATTRIBUTES = frozenset({"phone_number", "phone_number_verified"})
BOOLEAN_ATTRIBUTES = frozenset({"email_verified", "phone_number_verified"})


@dataclass(frozen=True, slots=True)
class Authentication:
    """One sign-in: who, when, for what. Every token that comes of it shares `origin_jti`."""

    pool_id: str
    client_id: str
    username: str
    sub: str
    scopes: tuple[str, ...]
    resource: str | None
    auth_time: int
    origin_jti: str
    event_id: str


def issuer(region: str, pool_id: str) -> str:
    """The `iss` of every token of the pool."""
    return f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"


def check_readable(scopes: Sequence[str], client: AppClient) -> None:
    """invalid_grant when the client may not read what a scope is for (token endpoint errors)."""
    if not client.read_attributes:
        return
    for scope, needed in (("email", EMAIL_ATTRIBUTES), ("phone", PHONE_ATTRIBUTES)):
        if scope in scopes and not needed <= client.read_attributes:
            raise TokenError("invalid_grant", f"the client may not read what {scope} is for")


def readable_attributes(user: User, scopes: Sequence[str], client: AppClient) -> dict[str, str]:
    """The user's attributes that these scopes open; openid alone and profile open all."""
    readable = client.read_attributes
    own = {
        name: value
        for name, value in user.attributes.items()
        if name != "sub" and (not readable or name in readable)
    }
    if "profile" in scopes or not {"email", "phone"}.intersection(scopes):
        return own
    wanted = (EMAIL_ATTRIBUTES if "email" in scopes else frozenset[str]()) | (
        PHONE_ATTRIBUTES if "phone" in scopes else frozenset[str]()
    )
    return {name: value for name, value in own.items() if name in wanted}


def access_token_claims(
    sign_in: Authentication, *, iss: str, now: int, seconds: int, jti: str
) -> dict[str, Any]:
    """An access token names its client in `client_id`; `aud` exists only with `resource`."""
    claims: dict[str, Any] = {
        "sub": sign_in.sub,
        "iss": iss,
        "version": 2,
        "client_id": sign_in.client_id,
        "origin_jti": sign_in.origin_jti,
        "event_id": sign_in.event_id,
        "token_use": "access",
        "scope": " ".join(sign_in.scopes),
        "auth_time": sign_in.auth_time,
        "exp": now + seconds,
        "iat": now,
        "jti": jti,
        "username": sign_in.username,
    }
    if sign_in.resource is not None:
        claims["aud"] = sign_in.resource
    return claims


def id_token_claims(
    sign_in: Authentication,
    attributes: Mapping[str, str],
    *,
    iss: str,
    now: int,
    seconds: int,
    jti: str,
    access_token: str,
    nonce: str | None,
) -> dict[str, Any]:
    """An ID token carries the attributes; verified flags are booleans here."""
    claims: dict[str, Any] = {
        name: value == "true" if name in BOOLEAN_ATTRIBUTES else value
        for name, value in attributes.items()
    }
    claims |= {
        "at_hash": at_hash(access_token),
        "sub": sign_in.sub,
        "iss": iss,
        "cognito:username": sign_in.username,
        "origin_jti": sign_in.origin_jti,
        "aud": sign_in.client_id,
        "event_id": sign_in.event_id,
        "token_use": "id",
        "auth_time": sign_in.auth_time,
        "exp": now + seconds,
        "iat": now,
        "jti": jti,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return claims


def client_credentials_claims(
    client_id: str, scopes: Sequence[str], *, iss: str, now: int, seconds: int, jti: str
) -> dict[str, Any]:
    """A machine's access token: the client is its own subject, there is no user."""
    return {
        "sub": client_id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": now,
        "iss": iss,
        "exp": now + seconds,
        "iat": now,
        "version": 2,
        "jti": jti,
        "client_id": client_id,
    }


def at_hash(access_token: str) -> str:
    """The left half of the token's SHA-256 (OpenID Connect Core §3.1.3.6, RS256)."""
    digest = hashlib.sha256(access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode("ascii")
