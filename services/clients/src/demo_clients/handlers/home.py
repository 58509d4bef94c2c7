"""GET /: who this client is, what it holds, and what can be done with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from demo_clients.advice import advice_about
from demo_clients.credentials import IdentityKind
from demo_clients.sessions import HOME, SessionId, Sessions
from demo_clients.timeline.exchange import Entry
from demo_clients.timeline.page import MAX_HOME_EXCHANGES
from demo_clients.timeline.presented import present_all
from demo_clients.timeline.stream import Timelines
from demo_clients.view import logged_in, may_register_again
from demo_clients.visitors import Visitors
from oauth_kit.clock import Clock
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.web_url import LOOPBACK_HOSTS
from oauth_kit.web.answering import html_page, redirect
from oauth_kit.web.pages import Pages


@dataclass(frozen=True, slots=True)
class About:
    """What the page says about this client, whoever looks at it."""

    kind: IdentityKind
    name: str
    client_id: str | None
    public_url: str
    redirect_uri: str
    resource: str
    contexts_url: str


@dataclass(frozen=True, slots=True)
class HomePage:
    about: About
    pages: Pages
    sessions: Sessions
    timelines: Timelines
    visitors: Visitors
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        if self._is_other_loopback_name(request):
            return redirect(f"{self.about.public_url}/")
        session_id = self.visitors.recognise_or_welcome(request)
        session = await self.sessions.read(session_id)
        page = self.pages.render(
            "home.html",
            about=self.about,
            login=logged_in(session, self.clock()),
            may_register_again=may_register_again(self.about.kind, session),
            outcome=session.outcome if session.outcome and session.outcome.page == HOME else None,
            tools=session.tools,
            latest=present_all(await self._latest(session_id)),
            form_token=self.visitors.form_token(session_id),
        )
        response = html_page(page, has_form=True)
        if self.visitors.recognise(request) is None:
            self.visitors.remember(response, session_id)
        return response

    async def _latest(self, session_id: SessionId) -> list[Entry]:
        """What went over the wire: a note did not."""
        latest = await self.timelines.latest(session_id, count=MAX_HOME_EXCHANGES)
        return [entry for entry in latest if not entry.exchange.is_note]

    def _is_other_loopback_name(self, request: web.Request) -> bool:
        """127.0.0.1 for localhost: the cookie set there would be missing at the callback."""
        ours = urlsplit(self.about.public_url).netloc
        asked, ours_host = request.host.rpartition(":")[0], ours.rpartition(":")[0]
        return asked != ours_host and {asked, ours_host} <= LOOPBACK_HOSTS


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """Refusals for people (see `oauth_kit.web.middleware`)."""

    about: About
    pages: Pages

    def __call__(
        self, request: web.Request, error: OAuthError, reference: str
    ) -> web.StreamResponse:
        page = self.pages.render(
            "problem.html",
            about=self.about,
            message=error.description,
            advice=advice_about(error),
            reference=reference,
        )
        return html_page(page, status=error.status)
