"""Reading access tokens that we minted ourselves, for revocation and introspection."""

from dataclasses import dataclass

from jwt import PyJWK

from cimd_bridge.signing_keys import SigningKeys
from oauth_kit.clock import Clock
from oauth_kit.outbound.jws import check_signature, read_jws
from oauth_kit.rules.access_token import (
    MINTED,
    AccessTokenClaims,
    check_access_token,
    check_jose_header,
)
from oauth_kit.rules.errors import OAuthError

_ALGORITHMS = frozenset({"RS256", "ES256"})


@dataclass(frozen=True, slots=True)
class OwnTokens:
    issuer: str
    resource: str
    signing_keys: SigningKeys
    clock: Clock

    async def read(self, token: str, *, leeway_seconds: int = 0) -> AccessTokenClaims | None:
        """The claims of a token that is ours and has not expired; None for everything else.

        leeway_seconds: how much longer than its `exp` a token still counts
        """
        if token.count(".") != 2:
            return None
        now = self.clock()
        try:
            unverified = read_jws(token)
            kid = check_jose_header(unverified.unverified_header, _ALGORITHMS)
            key = await self.signing_keys.find(kid, now)
            if key is None:
                return None
            check_signature(unverified, PyJWK(key.to_jwk()))
            return check_access_token(
                unverified.unverified_header,
                unverified.unverified_claims,
                issuer=self.issuer,
                resource=self.resource,
                dialect=MINTED,
                now=now,
                leeway_seconds=leeway_seconds,
            )
        except OAuthError as error:
            if error.code == "temporarily_unavailable":
                raise
            return None
