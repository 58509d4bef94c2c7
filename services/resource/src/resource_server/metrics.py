"""What the resource server counts; docs/metrics.md says what for."""

from typing import Literal

from oauth_kit.metrics import Counter, Metrics
from oauth_kit.outbound.signing_keys import KeyLookup

TokenLookup = Literal["hit", "miss"]
DenialKind = Literal["grant", "token"]
UpstreamOperation = Literal["signing_keys"]
UpstreamFailure = Literal["unavailable"]


class ResourceMetrics(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.token_lookups: Counter[TokenLookup] = self.counter(
            "authstack_token_cache_lookups_total",
            "Access tokens looked up among those that were verified before",
            outcome=TokenLookup,
        )
        self.key_lookups: Counter[KeyLookup] = self.counter(
            "authstack_signing_key_lookups_total",
            "Signing keys looked up in the issuers' JWK Sets",
            outcome=KeyLookup,
        )
        self.denials_loaded: Counter[DenialKind] = self.counter(
            "authstack_denials_loaded_total", "Denials read from the stream", kind=DenialKind
        )
        self.tokens_denied: Counter[()] = self.counter(
            "authstack_tokens_denied_total", "Good access tokens refused because of a denial"
        )
        self.upstream_errors: Counter[UpstreamOperation, UpstreamFailure] = self.counter(
            "authstack_upstream_errors_total",
            "Calls to others that failed",
            operation=UpstreamOperation,
            kind=UpstreamFailure,
        )
