"""What a service is made of: endpoints that name their own routes."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint(Protocol):
    """Usually a frozen dataclass whose fields are what it needs."""

    def routes(self) -> Iterable[web.AbstractRouteDef]: ...
