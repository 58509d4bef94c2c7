"""How providers differ, as data."""

from dataclasses import dataclass
from typing import Literal

ProviderName = Literal["cognito", "keycloak", "oidc"]


@dataclass(frozen=True, slots=True)
class LogoutDialect:
    """The log-out of a browser (OpenID Connect RP-Initiated Logout 1.0 §2), where it differs.

    return_parameter: names the page that the browser returns to, one that is registered there
    returns_state:    our `state` comes back with the browser (§3)
    ends_grants:      what the browser's log-ins gave us to ask again with ends too; None where
                      nobody can say
    """

    return_parameter: str = "post_logout_redirect_uri"
    returns_state: bool = True
    ends_grants: bool | None = None


@dataclass(frozen=True, slots=True)
class ProviderDialect:
    """What discovery does not say.

    always_sends_iss:       the authorization response must carry RFC 9207's `iss`
    session_claim:          the ID token's claim that names the provider's session
    revoking_ends_session:  one revoked refresh token ends the client's whole session there, so it
                            is revoked only when no other live grant shares that session
    """

    name: ProviderName
    always_sends_iss: bool
    session_claim: str
    revoking_ends_session: bool
    logout: LogoutDialect


DIALECTS: dict[ProviderName, ProviderDialect] = {
    "cognito": ProviderDialect(
        "cognito",
        always_sends_iss=False,
        session_claim="origin_jti",
        revoking_ends_session=False,
        logout=LogoutDialect("logout_uri", returns_state=False, ends_grants=False),
    ),
    "keycloak": ProviderDialect(
        "keycloak",
        always_sends_iss=True,
        session_claim="sid",
        revoking_ends_session=True,
        logout=LogoutDialect(ends_grants=True),
    ),
    "oidc": ProviderDialect(
        "oidc",
        always_sends_iss=False,
        session_claim="sid",
        revoking_ends_session=True,
        logout=LogoutDialect(),
    ),
}
