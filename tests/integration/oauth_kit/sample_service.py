"""A service of the kit as a process of its own, with the mistakes that a handler can make."""

import asyncio
import gc
import signal
from collections.abc import Iterable

from aiohttp import web

from oauth_kit.metrics import Metrics
from oauth_kit.settings import ServiceSettings, load_settings
from oauth_kit.web.answering import json_answer
from oauth_kit.web.reading import read_form
from oauth_kit.web.service import ServicePorts, build_service, run_service


class SampleEndpoint:
    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.post("/form", self.form),
            web.get("/long", self.long),
            web.get("/bug", self.bug),
            web.get("/forgotten-task", self.forgotten_task),
        ]

    async def form(self, request: web.Request) -> web.Response:
        return json_answer(dict(await read_form(request)))

    async def long(self, request: web.Request) -> web.StreamResponse:
        """Begins its answer, and ends it after SIGUSR1."""
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
        response = web.StreamResponse()
        await response.prepare(request)
        await told.wait()
        await response.write_eof(b"the end")
        return response

    async def bug(self, request: web.Request) -> web.Response:
        token = request.query["token"]
        raise ValueError(f"bad token {token}")

    async def forgotten_task(self, request: web.Request) -> web.Response:
        async def fail(token: str) -> None:
            raise ValueError(f"bad token {token}")

        task = asyncio.create_task(fail(request.query["token"]))
        await asyncio.wait([task])
        del task
        gc.collect()
        return json_answer({})


async def create_app() -> web.Application:
    ports = ServicePorts(SETTINGS.port, SETTINGS.effective_management_port)
    return build_service([SampleEndpoint()], name="sample", ports=ports, metrics=Metrics())


SETTINGS = load_settings(ServiceSettings)

if __name__ == "__main__":
    run_service(create_app, SETTINGS)
