"""Mints and reads the pool's tokens (developer guide, "The token issuer endpoint")."""

import uuid
from dataclasses import dataclass
from typing import Any

import jwt

from cognito_emulator.clock import Clock
from cognito_emulator.rules import claims as rules
from cognito_emulator.rules.app_client import AppClient, User
from cognito_emulator.rules.claims import Authentication
from cognito_emulator.signing_keys import SigningKeys, sign
from cognito_emulator.user_pools import UserPools


@dataclass(frozen=True, slots=True)
class TokenMinter:
    """Signs with the pool's keys; the JWKS of the same pool verifies."""

    keys: SigningKeys
    pools: UserPools
    region: str
    clock: Clock

    async def user_tokens(
        self, sign_in: Authentication, user: User, client: AppClient, nonce: str | None
    ) -> dict[str, Any]:
        """Access token, and ID token when the scope openid was granted; no `scope` member."""
        iss, now = rules.issuer(self.region, sign_in.pool_id), self.clock()
        groups = await self.pools.groups(user)
        claims = rules.access_token_claims(
            sign_in, iss=iss, now=now, seconds=client.access_token_seconds, jti=str(uuid.uuid4())
        )
        access_token = await self._sign("access", sign_in.pool_id, _with_groups(claims, groups))
        answer = {
            "access_token": access_token,
            "expires_in": client.access_token_seconds,
            "token_type": "Bearer",
        }
        if "openid" in sign_in.scopes:
            claims = rules.id_token_claims(
                sign_in,
                rules.readable_attributes(user, sign_in.scopes, client),
                iss=iss,
                now=now,
                seconds=client.id_token_seconds,
                jti=str(uuid.uuid4()),
                access_token=access_token,
                nonce=nonce,
            )
            answer["id_token"] = await self._sign(
                "id", sign_in.pool_id, _with_groups(claims, groups)
            )
        return answer

    async def machine_token(self, client: AppClient, scopes: tuple[str, ...]) -> dict[str, Any]:
        """The answer to a client_credentials grant: an access token alone."""
        claims = rules.client_credentials_claims(
            client.client_id,
            scopes,
            iss=rules.issuer(self.region, client.pool_id),
            now=self.clock(),
            seconds=client.access_token_seconds,
            jti=str(uuid.uuid4()),
        )
        return {
            "access_token": await self._sign("access", client.pool_id, claims),
            "expires_in": client.access_token_seconds,
            "token_type": "Bearer",
        }

    async def verified_access_claims(self, token: str) -> dict[str, Any] | None:
        """The claims of a user's access token that this emulator signed and that is valid now."""
        try:
            unverified = jwt.decode(token, options={"verify_signature": False})
            pool_id = str(unverified.get("iss", "")).rpartition("/")[2]
            if pool_id not in await self.pools.pool_ids():
                return None
            key = await self.keys.key(pool_id, "access")
            claims: dict[str, Any] = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=["RS256"],
                issuer=rules.issuer(self.region, pool_id),
                options={"verify_aud": False, "require": ["exp", "iat", "sub", "origin_jti"]},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return claims if claims.get("token_use") == "access" else None

    async def _sign(self, use: Any, pool_id: str, claims: dict[str, Any]) -> str:
        return sign(await self.keys.key(pool_id, use), claims)


def _with_groups(claims: dict[str, Any], groups: list[str]) -> dict[str, Any]:
    return {**claims, "cognito:groups": groups} if groups else claims
