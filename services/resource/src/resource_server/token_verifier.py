"""One verifier for every trusted issuer: signature, claims, denials (RFC 9068 §4)."""

import hashlib
from collections.abc import Callable, Sequence

from oauth_kit.clock import Clock
from oauth_kit.metrics import uncounted
from oauth_kit.outbound.jws import read_jws
from oauth_kit.outbound.signing_keys import verify_read_jws
from oauth_kit.rules.access_token import check_access_token
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import ScopePolicy
from resource_server.denials import Denials
from resource_server.issuers import TrustedIssuer
from resource_server.metrics import TokenLookup
from resource_server.principal import Principal
from resource_server.token_cache import TokenCache, TokenKey

LEEWAY_SECONDS = 60


class TokenVerifier:
    """Turns access tokens for `resource` into principals."""

    def __init__(
        self,
        issuers: Sequence[TrustedIssuer],
        *,
        resource: str,
        scope_policy: ScopePolicy,
        denials: Denials,
        cache: TokenCache,
        clock: Clock,
        count_lookup: Callable[[TokenLookup], None] = uncounted,
        count_denied: Callable[[], None] = uncounted,
    ) -> None:
        self._issuers = {trusted.remote.issuer: trusted for trusted in issuers}
        self._resource = resource
        self._scope_policy = scope_policy
        self._denials = denials
        self._cache = cache
        self._clock = clock
        self._count_lookup = count_lookup
        self._count_denied = count_denied
        for trusted in issuers:
            # a key is withdrawn because it may be stolen: nothing it signed is worth keeping
            trusted.remote.on_key_removed = cache.clear

    def recall(self, token: str) -> Principal | None:
        """The principal of a token that was verified before; no waiting, nothing but memory.

        Raises OAuthError("invalid_token") when the token has been denied since.
        """
        return self._recall(self._key(token))

    async def verify(self, token: str) -> Principal:
        """Raises OAuthError: invalid_token, or temporarily_unavailable while the issuer's keys
        cannot be had (a 401 would send every client to log in again).
        """
        key = self._key(token)
        remembered = self._recall(key)
        if remembered is not None:
            return remembered
        self._count_lookup("miss")
        principal = await self._judge(token)
        if self._denials.denies(principal.claims):
            raise self._denied()
        self._cache.keep(key, principal)
        return principal

    async def _judge(self, token: str) -> Principal:
        unverified = read_jws(token)
        unverified_issuer = unverified.unverified_claims.get("iss")
        if not isinstance(unverified_issuer, str) or unverified_issuer not in self._issuers:
            raise _refused("iss is no trusted issuer")
        trusted = self._issuers[unverified_issuer]
        header, claims = await verify_read_jws(unverified, trusted.remote)
        checked = check_access_token(
            header,
            claims,
            issuer=trusted.remote.issuer,
            resource=self._resource,
            dialect=trusted.dialect,
            now=self._clock(),
            leeway_seconds=LEEWAY_SECONDS,
        )
        return Principal.from_claims(checked, self._scope_policy)

    def _recall(self, key: TokenKey) -> Principal | None:
        principal = self._cache.find(key)
        if principal is None:
            return None
        if self._denials.denies(principal.claims):
            self._cache.drop(key)
            raise self._denied()
        self._count_lookup("hit")
        return principal

    def _denied(self) -> OAuthError:
        self._count_denied()
        return _refused("denied: its grant or itself was revoked")

    def _key(self, token: str) -> TokenKey:
        return hashlib.sha256(token.encode("ascii")).digest(), self._resource


def _refused(reason: str) -> OAuthError:
    return OAuthError("invalid_token", "The access token is not valid", reason=reason)
