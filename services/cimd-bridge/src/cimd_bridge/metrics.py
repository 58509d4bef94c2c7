"""What the bridge counts; docs/metrics.md says what for."""

from typing import Literal

from oauth_kit.metrics import Counter, Metrics

GrantType = Literal["authorization_code", "refresh_token"]
RefreshOutcome = Literal[
    "rotated",
    "repeated",
    "reused",
    "wrong_client",
    "expired",
    "unknown",
    "ended",
    "refused",
    "unavailable",
]
Credential = Literal["code", "refresh_token"]
DenialKind = Literal["grant", "token"]
DocumentLookup = Literal["hit", "stale", "miss"]
UpstreamOperation = Literal[
    "authorize", "exchange", "refresh", "revoke", "client_document", "registrar"
]
UpstreamFailure = Literal["refused", "unavailable"]
Bucket = Literal[
    "authorize", "cimd-caller", "cimd-host", "cimd-new", "introspect-failures", "token-failures"
]


class BridgeMetrics(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.tokens_issued: Counter[GrantType] = self.counter(
            "authstack_tokens_issued_total", "Access tokens handed out", grant_type=GrantType
        )
        self.refreshes: Counter[RefreshOutcome] = self.counter(
            "authstack_refreshes_total", "Refresh tokens presented", outcome=RefreshOutcome
        )
        self.reuses: Counter[Credential] = self.counter(
            "authstack_reuse_detected_total", "Spent credentials presented", credential=Credential
        )
        self.denials_written: Counter[DenialKind] = self.counter(
            "authstack_denials_written_total", "Denials for resource servers", kind=DenialKind
        )
        self.document_lookups: Counter[DocumentLookup] = self.counter(
            "authstack_client_document_lookups_total",
            "Client metadata documents looked up",
            outcome=DocumentLookup,
        )
        self.upstream_errors: Counter[UpstreamOperation, UpstreamFailure] = self.counter(
            "authstack_upstream_errors_total",
            "Calls to others that failed",
            operation=UpstreamOperation,
            kind=UpstreamFailure,
        )
        self.rate_limited: Counter[str] = self.counter(
            "authstack_rate_limited_total", "Requests refused for their number", bucket=Bucket
        )
