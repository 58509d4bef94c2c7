"""The management port: /livez says that the process runs, /readyz that it can be used."""

from dataclasses import dataclass, field

from aiohttp import web

from cognito_emulator.ministack_client import MiniStackClient


@dataclass(slots=True)
class Readiness:
    """Ready from the end of the seed until the stop begins."""

    seeded: bool = False
    ministack: MiniStackClient | None = field(default=None)

    async def is_ready(self) -> bool:
        """Seeded, and MiniStack answers."""
        return self.seeded and self.ministack is not None and await self.ministack.is_ready()


def build_management(readiness: Readiness) -> web.Application:
    """An application of its own, on a port of its own."""

    async def livez(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        if await readiness.is_ready():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "starting or stopping"}, status=503)

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz)])
    return app
