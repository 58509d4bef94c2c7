"""POST /actions/<name>: one button each, and always a redirect to a page afterwards."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from demo_clients.actions import RESUMABLE, read_action
from demo_clients.journey import Journey
from demo_clients.sessions import HOME, SessionId
from demo_clients.timeline.recorder import Recorder
from demo_clients.visitors import Visitors
from oauth_kit.web.answering import redirect
from oauth_kit.web.reading import Form

ACTION_NAMES = (*sorted(RESUMABLE), "refresh", "log-out", "forget")


@dataclass(frozen=True, slots=True)
class ActionEndpoint:
    journey: Journey
    visitors: Visitors
    recorder: Recorder

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(f"/actions/{name}", self.handle) for name in ACTION_NAMES]

    async def handle(self, request: web.Request) -> web.Response:
        session_id, form = await self.visitors.read_own_form(request)
        name = request.path.rpartition("/")[2]
        async with self.recorder.recording(session_id, cause=name):
            if name == "log-out":
                return await self._log_out(session_id)
            return redirect(await self._location(name, session_id, form))

    async def _location(self, name: str, session_id: SessionId, form: Form) -> str:
        match name:
            case "refresh":
                return await self.journey.refresh(session_id)
            case "forget":
                return await self.journey.register_again(session_id)
            case _:
                return await self.journey.act(session_id, read_action(name, form))

    async def _log_out(self, session_id: SessionId) -> web.Response:
        # finished even when the visitor closes the page: the grant must not outlive the session
        renewed = await asyncio.shield(asyncio.ensure_future(self.journey.log_out(session_id)))
        response = redirect(HOME)
        self.visitors.remember(response, renewed)
        return response
