"""An app client and a user, as read from the API's answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TokenKind = Literal["AccessToken", "IdToken", "RefreshToken"]

UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
DEFAULT_UNITS: Mapping[TokenKind, str] = {
    "AccessToken": "hours",
    "IdToken": "hours",
    "RefreshToken": "days",
}
DEFAULT_LIFETIME_SECONDS: Mapping[TokenKind, int] = {
    "AccessToken": 3600,
    "IdToken": 3600,
    "RefreshToken": 30 * 86400,
}


def lifetime_seconds(client: Mapping[str, Any], kind: TokenKind) -> int:
    """How long a token of this client lives; 0 or absent means the default."""
    value = client.get(f"{kind}Validity")
    if not value:
        return DEFAULT_LIFETIME_SECONDS[kind]
    units = client.get("TokenValidityUnits") or {}
    return int(value) * UNIT_SECONDS[units.get(kind) or DEFAULT_UNITS[kind]]


@dataclass(frozen=True, slots=True)
class AppClient:
    """DescribeUserPoolClient, as far as the pool's domain cares."""

    pool_id: str
    client_id: str
    name: str
    secret: str | None = field(repr=False)
    callback_urls: tuple[str, ...]
    logout_urls: tuple[str, ...]
    flows: frozenset[str]
    scopes: tuple[str, ...]
    identity_providers: tuple[str, ...]
    explicit_auth_flows: frozenset[str]
    read_attributes: frozenset[str]
    writable: frozenset[str]
    hides_users: bool
    may_revoke: bool
    access_token_seconds: int
    id_token_seconds: int
    refresh_token_seconds: int

    @classmethod
    def parse(cls, answer: Mapping[str, Any], secret: str | None) -> "AppClient":
        """Read `UserPoolClient`; OAuth settings count only while OAuth is switched on."""
        oauth = answer.get("AllowedOAuthFlowsUserPoolClient") is True
        return cls(
            pool_id=answer["UserPoolId"],
            client_id=answer["ClientId"],
            name=answer["ClientName"],
            secret=secret,
            callback_urls=tuple(answer.get("CallbackURLs") or ()),
            logout_urls=tuple(answer.get("LogoutURLs") or ()),
            flows=frozenset(answer.get("AllowedOAuthFlows") or ()) if oauth else frozenset(),
            scopes=tuple(answer.get("AllowedOAuthScopes") or ()) if oauth else (),
            identity_providers=tuple(answer.get("SupportedIdentityProviders") or ()),
            explicit_auth_flows=frozenset(answer.get("ExplicitAuthFlows") or ()),
            read_attributes=frozenset(answer.get("ReadAttributes") or ()),
            writable=frozenset(answer.get("WriteAttributes") or ()),
            hides_users=answer.get("PreventUserExistenceErrors") == "ENABLED",
            may_revoke=answer.get("EnableTokenRevocation") is not False,
            access_token_seconds=lifetime_seconds(answer, "AccessToken"),
            id_token_seconds=lifetime_seconds(answer, "IdToken"),
            refresh_token_seconds=lifetime_seconds(answer, "RefreshToken"),
        )

    @property
    def has_local_users(self) -> bool:
        """May the pool's own users sign in and up, or only those of other providers?"""
        return "COGNITO" in self.identity_providers

    @property
    def may_refresh(self) -> bool:
        """ALLOW_REFRESH_TOKEN_AUTH is among the defaults when no flow is named."""
        legacy = not any(flow.startswith("ALLOW_") for flow in self.explicit_auth_flows)
        return legacy or "ALLOW_REFRESH_TOKEN_AUTH" in self.explicit_auth_flows


@dataclass(frozen=True, slots=True)
class User:
    """AdminGetUser, as far as tokens need it."""

    pool_id: str
    username: str
    sub: str
    enabled: bool
    status: str
    attributes: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, pool_id: str, answer: Mapping[str, Any]) -> "User":
        """Read an AdminGetUser answer."""
        attributes = {a["Name"]: a.get("Value", "") for a in answer.get("UserAttributes", ())}
        return cls(
            pool_id=pool_id,
            username=answer["Username"],
            sub=attributes.get("sub", ""),
            enabled=answer.get("Enabled") is True,
            status=answer.get("UserStatus", ""),
            attributes=attributes,
        )
