"""GET /console and its forms: call tools and read data, with what goes over the wire beside it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from demo_clients.actions import CALL_TOOL, RESUMABLE, read_action
from demo_clients.console.arguments import Typed, read_typed
from demo_clients.console.page import (
    CONSOLE_PATH,
    find_tool,
    make_page,
    tool_form,
    tool_path,
)
from demo_clients.handlers.home import About
from demo_clients.journey import Journey
from demo_clients.sessions import Resume, SessionId, Sessions
from demo_clients.timeline.presented import present
from demo_clients.timeline.recorder import Recorder
from demo_clients.visitors import Visitors
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import html_page, redirect
from oauth_kit.web.pages import Pages
from oauth_kit.web.reading import Form

CONSOLE_PATHS = (CONSOLE_PATH, *(f"{CONSOLE_PATH}/{name}" for name in sorted(RESUMABLE)))


@dataclass(frozen=True, slots=True)
class ConsoleEndpoint:
    """The actions of the start page, asked for here and answered here."""

    about: About
    pages: Pages
    sessions: Sessions
    journey: Journey
    visitors: Visitors
    recorder: Recorder

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        page, *actions = CONSOLE_PATHS
        return [web.get(page, self.show), *(web.post(path, self.act) for path in actions)]

    async def show(self, request: web.Request) -> web.Response:
        session_id = self.visitors.recognise_or_welcome(request)
        response = await self._page(
            session_id,
            tool=request.query.get("tool", ""),
            as_json=request.query.get("as") == "json",
        )
        if self.visitors.recognise(request) is None:
            self.visitors.remember(response, session_id)
        return response

    async def act(self, request: web.Request) -> web.Response:
        session_id, form = await self.visitors.read_own_form(request)
        name = request.path.rpartition("/")[2]
        if name == CALL_TOOL:
            return await self._call(session_id, form)
        return await self._do(session_id, read_action(name, form, page=CONSOLE_PATH))

    async def _call(self, session_id: SessionId, form: Form) -> web.Response:
        tool = find_tool((await self.sessions.read(session_id)).tools, form.get("tool", ""))
        if tool is None:
            raise OAuthError(
                "invalid_request",
                "This tool is not listed any more. List the tools again",
                reason="console: unknown tool",
            )
        as_json = form.get("as") == "json"
        typed = read_typed(tool_form(tool, as_json=as_json), form)
        if typed.problems:
            return await self._page(
                session_id, tool=tool.name, as_json=as_json, typed=typed, status=422
            )
        fields = {"tool": tool.name, "arguments": json.dumps(typed.arguments, ensure_ascii=False)}
        page = tool_path(tool.name, as_json=as_json)
        return await self._do(session_id, Resume(CALL_TOOL, fields, page))

    async def _do(self, session_id: SessionId, asked: Resume) -> web.Response:
        async with self.recorder.recording(session_id, cause=asked.action):
            return redirect(await self.journey.act(session_id, asked))

    async def _page(
        self,
        session_id: SessionId,
        *,
        tool: str,
        as_json: bool,
        typed: Typed | None = None,
        status: int = 200,
    ) -> web.Response:
        session = await self.sessions.read(session_id)
        console = make_page(session, asked_for=tool, as_json=as_json, typed=typed)
        page = self.pages.render(
            "console.html",
            about=self.about,
            console=console,
            is_logged_in=session.tokens is not None,
            exchanges=[present(one) for one in console.outcome.exchanges]
            if console.outcome
            else [],
            form_token=self.visitors.form_token(session_id),
        )
        return html_page(page, status=status, has_form=True)
