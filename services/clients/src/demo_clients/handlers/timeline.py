"""GET /timeline and what belongs to it: the page, its events, its diagram, its export."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

from aiohttp import web

from demo_clients.handlers.home import About
from demo_clients.sessions import SessionId
from demo_clients.timeline.har import to_har
from demo_clients.timeline.live import LiveTimelines
from demo_clients.timeline.page import TimelinePage, make_page
from demo_clients.timeline.stream import MAX_EXCHANGES, Timelines, is_entry_id
from demo_clients.visitors import Visitors
from oauth_kit.web.answering import NO_STORE, empty, html_page, redirect
from oauth_kit.web.pages import Pages

TIMELINE_PATH = "/timeline"
CLEAR_PATH = "/timeline/clear"

# also from pages of ours on other ports, which a browser counts as the same site
_OURS_ALONE = {"Cross-Origin-Resource-Policy": "same-origin"}


@dataclass(frozen=True, slots=True)
class TimelineEndpoint:
    about: About
    pages: Pages
    timelines: Timelines
    visitors: Visitors

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get(TIMELINE_PATH, self.handle),
            web.get("/timeline/diagram", self.diagram),
            web.get("/timeline/export", self.export),
            web.post(CLEAR_PATH, self.clear),
        ]

    async def handle(self, request: web.Request) -> web.Response:
        session_id = self.visitors.recognise_or_welcome(request)
        page = self.pages.render(
            "timeline.html",
            about=self.about,
            timeline=await self._page(request, session_id),
            max_exchanges=MAX_EXCHANGES,
            form_token=self.visitors.form_token(session_id),
        )
        response = html_page(page, has_form=True, has_script=True)
        if self.visitors.recognise(request) is None:
            self.visitors.remember(response, session_id)
        return response

    async def diagram(self, request: web.Request) -> web.Response:
        """The drawing alone, for the live page."""
        self.visitors.refuse_other_pages(request)
        session_id = self.visitors.recognise_or_welcome(request)
        page = await self._page(request, session_id)
        return html_page(
            self.pages.render("diagram.html", diagram=page.diagram), headers=_OURS_ALONE
        )

    async def export(self, request: web.Request) -> web.Response:
        self.visitors.refuse_other_pages(request)
        session_id = self.visitors.recognise_or_welcome(request)
        document = to_har(
            await self.timelines.latest(session_id),
            creator=f"mcp-authstack {self.about.name}",
            version=version("demo-clients"),
        )
        name = f"timeline-{self.about.kind}-{urlsplit(self.about.public_url).port or 443}.har"
        return web.Response(
            text=json.dumps(document, indent=1, ensure_ascii=False),
            content_type="application/json",
            headers={
                **NO_STORE,
                **_OURS_ALONE,
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def clear(self, request: web.Request) -> web.Response:
        session_id, _ = await self.visitors.read_own_form(request)
        await self.timelines.clear(session_id)
        return redirect(TIMELINE_PATH)

    async def _page(self, request: web.Request, session_id: SessionId) -> TimelinePage:
        entries = await self.timelines.latest(session_id)
        return make_page(entries, self.pages, before=request.query.get("before", ""))


@dataclass(frozen=True, slots=True)
class TimelineEvents:
    live: LiveTimelines
    visitors: Visitors

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/timeline/events", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.visitors.refuse_other_pages(request)
        session_id = self.visitors.recognise(request)
        if session_id is None:
            return empty()  # tells the browser not to come back
        with self.live.seat(session_id):
            response = web.StreamResponse(
                headers={
                    **NO_STORE,
                    **_OURS_ALONE,
                    "Content-Type": "text/event-stream; charset=utf-8",
                    "X-Accel-Buffering": "no",
                }
            )
            await response.prepare(request)
            async for chunk in self.live.listen(session_id, _last_seen(request)):
                if request.transport is None or request.transport.is_closing():
                    break
                if chunk:
                    await response.write(chunk)
            return response


def _last_seen(request: web.Request) -> str:
    """What the browser had when its connection broke, else what the page was made with."""
    for candidate in (request.headers.get("Last-Event-ID", ""), request.query.get("after", "")):
        if is_entry_id(candidate):
            return candidate
    return ""
