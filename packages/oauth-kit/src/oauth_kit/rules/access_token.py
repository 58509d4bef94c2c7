"""JWT access tokens: the claims to mint, and the checks of a resource server (RFC 9068 §2, §4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import parse_scope, render_scope

_KID = re.compile(r"[\x21-\x7E]{1,256}")
# `crit` and `b64` change what is signed, the others bring their own key (RFC 8725 §3.10).
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5c", "x5u"})


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """What an access token says.

    grant_id:   our private claim `gid`; empty in tokens of other issuers
    token_id:   `jti`; empty when the issuer gives none
    issued_at, expires_at: Unix seconds; issued_at is 0 when the issuer does not say
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    client_id: str
    scopes: tuple[str, ...]
    grant_id: str
    token_id: str
    issued_at: int
    expires_at: int

    def to_claims(self) -> dict[str, object]:
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.audience[0] if len(self.audience) == 1 else list(self.audience),
            "client_id": self.client_id,
            "gid": self.grant_id,
            "jti": self.token_id,
            "iat": self.issued_at,
            "exp": self.expires_at,
        }
        if self.scopes:
            claims["scope"] = render_scope(self.scopes)
        return claims


@dataclass(frozen=True, slots=True)
class TokenDialect:
    """How an issuer spells an access token: data, so that every issuer is judged by one function.

    token_types: accepted JOSE `typ` values in lower case, "" for a header without one
    required:    claims that must be there, beside `iss`, `exp` and the audience
    token_use:   the value of `token_use_claim` in access tokens, None when there is no such claim
    """

    name: str
    token_types: frozenset[str]
    audience_claim: str = "aud"
    client_claim: str = "client_id"
    scope_claim: str = "scope"
    required: tuple[str, ...] = ("sub", "client_id", "iat", "jti")
    token_use: str | None = None
    token_use_claim: str = "token_use"


MINTED: Final = TokenDialect(
    name="minted",
    token_types=frozenset({"at+jwt", "application/at+jwt"}),
    required=("sub", "client_id", "iat", "jti", "gid"),
)


def check_jose_header(header: Mapping[str, object], algorithms: frozenset[str]) -> str:
    """The key id in the header of a JWS that we are willing to verify (RFC 8725 §3).

    Raises OAuthError("invalid_token").
    """
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise _refused("the header has a parameter that is refused")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise _refused("alg is not allowed")
    kid = header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise _refused("kid is missing or malformed")
    return kid


def check_access_token(
    header: Mapping[str, object],
    claims: Mapping[str, object],
    *,
    issuer: str,
    resource: str,
    dialect: TokenDialect,
    now: int,
    leeway_seconds: int = 60,
) -> AccessTokenClaims:
    """Judge the claims of a token whose signature has been verified.

    issuer, resource: compared byte for byte
    now:              Unix seconds
    Raises OAuthError("invalid_token").
    """
    _check_kind(header, claims, dialect)
    if claims.get("iss") != issuer:
        raise _refused("iss is not the issuer")
    for name in dialect.required:
        if name not in claims:
            raise _refused(f"{name} is missing")
    audience = _audience(claims.get(dialect.audience_claim))
    if resource not in audience:
        raise _refused("the audience is another one")
    expires_at = _seconds(claims, "exp")
    if expires_at is None or now >= expires_at + leeway_seconds:
        raise _refused("the token has expired, or never does")
    issued_at, not_before = _seconds(claims, "iat"), _seconds(claims, "nbf")
    if max(issued_at or 0, not_before or 0) > now + leeway_seconds:
        raise _refused("the token is not valid yet")
    return AccessTokenClaims(
        issuer=issuer,
        subject=_text(claims, "sub"),
        audience=audience,
        client_id=_text(claims, dialect.client_claim),
        scopes=_scopes(claims, dialect.scope_claim),
        grant_id=_text(claims, "gid"),
        token_id=_text(claims, "jti"),
        issued_at=issued_at or 0,
        expires_at=expires_at,
    )


def _check_kind(
    header: Mapping[str, object], claims: Mapping[str, object], dialect: TokenDialect
) -> None:
    """An ID token or a refresh token is not an access token, however well it is signed."""
    token_type = header.get("typ", "")
    if not isinstance(token_type, str) or token_type.lower() not in dialect.token_types:
        raise _refused("typ is not that of an access token")
    if dialect.token_use is not None and claims.get(dialect.token_use_claim) != dialect.token_use:
        raise _refused("the token is for another use")
    if "cnf" in claims:
        raise _refused("the token is bound to a key and cannot be used as a bearer token")


def _audience(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise _refused("the audience is missing or malformed")


def _seconds(claims: Mapping[str, object], name: str) -> int | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refused(f"{name} is not a number of seconds")
    return value


def _text(claims: Mapping[str, object], name: str) -> str:
    """A string claim: "" when absent, never empty when present."""
    if name not in claims:
        return ""
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise _refused(f"{name} is not a string")
    return value


def _scopes(claims: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise _refused("the scope is not a string")
    try:
        return parse_scope(value) if value else ()
    except OAuthError as error:
        raise _refused("the scope is malformed") from error


def _refused(reason: str) -> OAuthError:
    """One sentence for all causes: a prober learns nothing."""
    return OAuthError("invalid_token", "The access token is not valid", reason=reason)
