"""Who a verified access token speaks for, and what it may do."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from oauth_kit.rules.access_token import AccessTokenClaims
from oauth_kit.rules.scopes import ScopePolicy


@dataclass(frozen=True, slots=True)
class Principal:
    """scopes:    what was granted and everything that includes
    user_hash: stands for the user in keys and logs; another issuer's equal `sub` is another user
    """

    claims: AccessTokenClaims
    scopes: frozenset[str]
    user_hash: str

    @classmethod
    def from_claims(cls, claims: AccessTokenClaims, policy: ScopePolicy) -> "Principal":
        user = f"{claims.issuer}\n{claims.subject}".encode()
        return cls(claims, policy.expand(claims.scopes), hashlib.sha256(user).hexdigest())

    def may(self, needed: Iterable[str]) -> bool:
        return self.scopes.issuperset(needed)
