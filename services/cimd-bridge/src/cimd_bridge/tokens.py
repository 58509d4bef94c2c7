"""Minting of access tokens (RFC 9068): signed, short-lived, for one resource."""

import secrets
from dataclasses import dataclass, field

import jwt

from cimd_bridge.records.grant import Grant
from cimd_bridge.signing_keys import SigningKeys
from oauth_kit.rules.access_token import AccessTokenClaims


@dataclass(frozen=True, slots=True)
class MintedToken:
    """An access token, and what it says."""

    access_token: str = field(repr=False)
    claims: AccessTokenClaims


@dataclass(frozen=True, slots=True)
class TokenMinter:
    """Makes access tokens of grants; `gid` in them is what a revocation denies."""

    issuer: str
    signing_keys: SigningKeys
    access_token_seconds: int = 300

    async def mint(self, grant: Grant, scopes: tuple[str, ...], *, now: int) -> MintedToken:
        """Sign a token for `scopes`, a subset of the grant's that the caller has checked."""
        key = await self.signing_keys.current(now)
        claims = AccessTokenClaims(
            issuer=self.issuer,
            subject=grant.subject,
            audience=(grant.resource,),
            client_id=grant.client_id,
            scopes=scopes,
            grant_id=grant.gid,
            token_id=secrets.token_urlsafe(16),
            issued_at=now,
            expires_at=now + self.access_token_seconds,
        )
        token = jwt.encode(
            claims.to_claims(),
            key.private_key,
            algorithm=key.alg,
            headers={"typ": "at+jwt", "kid": key.kid},
        )
        return MintedToken(token, claims)
