"""GET /attacks, and a button for each of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from demo_clients.attacks.catalog import ATTACKS
from demo_clients.attacks.page import DETAILS, make_rows
from demo_clients.attacks.panel import ATTACKS_PATH, Panel
from demo_clients.handlers.home import About
from demo_clients.timeline.recorder import Recorder
from demo_clients.visitors import Visitors
from oauth_kit.web.answering import html_page, redirect
from oauth_kit.web.pages import Pages
from oauth_kit.web.rate_limits import RateLimits

ATTACK_PATHS: Final = (ATTACKS_PATH, *(f"{ATTACKS_PATH}/{name}" for name in ATTACKS))


@dataclass(frozen=True, slots=True)
class AttacksEndpoint:
    about: About
    pages: Pages
    panel: Panel
    visitors: Visitors
    recorder: Recorder
    rate_limits: RateLimits
    limit: str

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        page, *buttons = ATTACK_PATHS
        return [web.get(page, self.show), *(web.post(path, self.attack) for path in buttons)]

    async def show(self, request: web.Request) -> web.Response:
        session_id = self.visitors.recognise_or_welcome(request)
        lab = self.panel.lab
        session = await lab.sessions.read(session_id)
        rows = make_rows(
            session,
            scope_policy=lab.scope_policy,
            now=lab.clock(),
            asked_for=request.query.get(DETAILS, ""),
        )
        page = self.pages.render(
            "attacks.html",
            about=self.about,
            rows=rows,
            is_logged_in=session.tokens is not None,
            is_asked_for=DETAILS in request.query,
            form_token=self.visitors.form_token(session_id),
        )
        response = html_page(page, has_form=True)
        if self.visitors.recognise(request) is None:
            self.visitors.remember(response, session_id)
        return response

    async def attack(self, request: web.Request) -> web.Response:
        session_id, _ = await self.visitors.read_own_form(request)
        attack = ATTACKS[request.path.rpartition("/")[2]]
        await self.rate_limits.check("attacks", self.about.public_url, self.limit)
        async with self.recorder.recording(session_id, cause=f"Attack: {attack.title}"):
            return redirect(await self.panel.start(session_id, attack))
