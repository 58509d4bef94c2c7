"""How many requests there were and how long they took, by route, method and class of status."""

from typing import Final

from aiohttp import web
from prometheus_client import Histogram

from oauth_kit.metrics import OTHER, Metrics

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
NO_ROUTE: Final = "none"


class RequestDurations:
    """The route is its template as our code spells it, never the path that was asked for."""

    def __init__(self, metrics: Metrics) -> None:
        self._histogram = metrics.histogram(
            "authstack_http_request_duration_seconds",
            "Requests and their duration",
            ("route", "method", "status"),
        )
        # labels() takes longer than all the rest of it
        self._series: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, request: web.Request, status: int, seconds: float) -> None:
        resource = request.match_info.route.resource
        route = NO_ROUTE if resource is None else resource.canonical
        method = request.method if request.method in METHODS else OTHER
        series = self._series.get((route, method, status))
        if series is None:
            series = self._histogram.labels(route, method, f"{status // 100}xx")
            self._series[route, method, status] = series
        series.observe(seconds)
