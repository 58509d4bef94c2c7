"""What the registrar counts; docs/metrics.md says what for."""

from math import nan
from typing import Literal

from oauth_kit.metrics import Counter, Metrics
from oauth_kit.rules.errors import OAuthError

RegistrationOutcome = Literal["registered", "refused", "unauthorized", "limited", "unavailable"]
DirectoryOperation = Literal["create", "find", "exists", "update", "delete", "list"]
DirectoryFailure = Literal["full", "not_found", "failed"]
Bucket = Literal["register", "upstream-client"]


class RegistrarMetrics(Metrics):
    def __init__(self, *, upstream_client_budget: int) -> None:
        super().__init__()
        self.registrations: Counter[RegistrationOutcome] = self.counter(
            "authstack_registrations_total",
            "Clients that asked to be registered",
            outcome=RegistrationOutcome,
        )
        self.upstream_errors: Counter[DirectoryOperation, DirectoryFailure] = self.counter(
            "authstack_upstream_errors_total",
            "Calls to others that failed",
            operation=DirectoryOperation,
            kind=DirectoryFailure,
        )
        self.rate_limited: Counter[str] = self.counter(
            "authstack_rate_limited_total", "Requests refused for their number", bucket=Bucket
        )
        self.upstream_clients = self.gauge(
            "authstack_upstream_clients", "App clients at the provider, when last counted"
        )
        self.upstream_clients.set(nan)
        self.gauge("authstack_upstream_clients_budget", "App clients that may be there in all").set(
            upstream_client_budget
        )


def refused_registration(error: OAuthError) -> RegistrationOutcome:
    """Too many at once, not now (the cap or the store), or nothing that can be registered."""
    if error.status == 429:
        return "limited"
    return "unavailable" if error.status >= 500 else "refused"
