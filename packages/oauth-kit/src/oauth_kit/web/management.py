"""The management port: is the process alive, is it ready?"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from aiohttp import web

from oauth_kit.web.answering import json_answer

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""None when ready, else the reason."""

MANAGEMENT_PATHS = frozenset({"/livez", "/readyz"})


@dataclass(frozen=True, slots=True)
class ManagementEndpoint:
    service: str
    readiness: Sequence[ReadinessCheck]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/livez", self.livez), web.get("/readyz", self.readyz)]

    async def livez(self, request: web.Request) -> web.Response:
        return json_answer({"service": self.service, "alive": True})

    async def readyz(self, request: web.Request) -> web.Response:
        reasons = [reason for check in self.readiness if (reason := await check())]
        return json_answer(
            {"service": self.service, "ready": not reasons, "reasons": reasons},
            status=503 if reasons else 200,
        )
