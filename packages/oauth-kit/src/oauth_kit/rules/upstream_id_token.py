"""The ID token in which the identity provider says who logged in (OIDC Core §3.1.3.7)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from oauth_kit.rules.errors import OAuthError

# OIDC Core §2 bounds `sub` by 255 characters; nothing longer is worth showing either.
_MAX_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Identity:
    """The person who logged in.

    subject: the provider's stable identifier
    email:   for display; only when the provider says that it is verified
    """

    subject: str
    email: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)


def check_id_token(
    header: Mapping[str, object],
    claims: Mapping[str, object],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: int,
    leeway_seconds: int = 60,
) -> Identity:
    """Judge the claims of an ID token whose signature has been verified.

    client_id, nonce: the upstream client and the nonce of our own authorization request
    Raises OAuthError("server_error"): a wrong ID token is never the user's fault.
    """
    token_type = header.get("typ", "JWT")
    if not isinstance(token_type, str) or token_type.lower() not in ("jwt", "application/jwt"):
        raise _refused("typ is not that of an ID token")
    if claims.get("token_use", "id") != "id":
        raise _refused("the token is for another use")
    if claims.get("iss") != issuer:
        raise _refused("iss is not the provider")
    _check_audience(claims, client_id)
    _check_times(claims, now, leeway_seconds)
    if not _same(claims.get("nonce"), nonce):
        raise _refused("nonce is not that of the request")
    subject = _text(claims.get("sub"))
    if subject is None:
        raise _refused("sub is missing or malformed")
    # Cognito writes the flag as a string in some flows.
    verified = claims.get("email_verified") in (True, "true")
    return Identity(
        subject=subject,
        email=_text(claims.get("email")) if verified else None,
        name=_text(claims.get("name")) or _text(claims.get("preferred_username")),
    )


def _check_audience(claims: Mapping[str, object], client_id: str) -> None:
    audience = claims.get("aud")
    several = isinstance(audience, list) and len(audience) != 1
    if audience != client_id and not (isinstance(audience, list) and client_id in audience):
        raise _refused("aud is not our client")
    # `azp` names the one that asked, once others may read the token as well (§3.1.3.7, 4 and 5).
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise _refused("azp is not our client")


def _check_times(claims: Mapping[str, object], now: int, leeway_seconds: int) -> None:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refused(f"{name} is not a number of seconds")
        if name != "exp" and value > now + leeway_seconds:
            raise _refused(f"{name} is in the future")
        if name == "exp" and now >= value + leeway_seconds:
            raise _refused("the token has expired")
    if not {"exp", "iat"} <= times.keys():
        raise _refused("exp or iat is missing")


def _same(value: object, expected: str) -> bool:
    if not isinstance(value, str) or not expected:
        return False
    return hmac.compare_digest(value.encode("utf-8", "replace"), expected.encode())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_CHARACTERS else None


def _refused(reason: str) -> OAuthError:
    return OAuthError(
        "server_error", "The identity provider gave an answer that cannot be used", reason=reason
    )
