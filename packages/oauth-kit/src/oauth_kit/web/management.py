"""The management port: is the process alive, is it ready, what has it counted?"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from oauth_kit.metrics import CONTENT_TYPE, Metrics
from oauth_kit.web.answering import json_answer

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""None when ready, else the reason."""

Measurement = Callable[[], Awaitable[None]]
"""Sets a gauge of something that is not known without asking; it must not raise."""

MANAGEMENT_PATHS = frozenset({"/livez", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class ManagementEndpoint:
    service: str
    readiness: Sequence[ReadinessCheck]
    metrics: Metrics
    measurements: Sequence[Measurement] = ()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/livez", self.livez),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.render),
        ]

    async def livez(self, request: web.Request) -> web.Response:
        return json_answer({"service": self.service, "alive": True})

    async def readyz(self, request: web.Request) -> web.Response:
        reasons = [reason for check in self.readiness if (reason := await check())]
        return json_answer(
            {"service": self.service, "ready": not reasons, "reasons": reasons},
            status=503 if reasons else 200,
        )

    async def render(self, request: web.Request) -> web.Response:
        for measure in self.measurements:
            await measure()
        # beside the loop: with several workers there are files to read and add up
        body = await asyncio.to_thread(self.metrics.render)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
