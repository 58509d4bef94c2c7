"""What a demo client counts; docs/metrics.md says what for."""

from typing import Literal

from oauth_kit.metrics import Counter, Metrics

RefreshOutcome = Literal["renewed", "ended", "failed"]
UpstreamOperation = Literal["discovery", "registration", "token", "resource"]
UpstreamFailure = Literal["unavailable"]


class ClientMetrics(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.refreshes: Counter[RefreshOutcome] = self.counter(
            "authstack_refreshes_total", "Refresh tokens presented", outcome=RefreshOutcome
        )
        self.upstream_errors: Counter[UpstreamOperation, UpstreamFailure] = self.counter(
            "authstack_upstream_errors_total",
            "Calls to others that failed",
            operation=UpstreamOperation,
            kind=UpstreamFailure,
        )
