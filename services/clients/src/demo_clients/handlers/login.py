"""POST /login and GET /callback: to the authorization server and back (RFC 6749 §4.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from demo_clients.flow import StrayResponse
from demo_clients.journey import Journey
from demo_clients.sessions import HOME, SessionId
from demo_clients.timeline.masking import RawAnswer
from demo_clients.timeline.recorder import Recorder, answered
from demo_clients.visitors import CookieMissing, Visitors
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import redirect
from oauth_kit.web.reading import query_parameters


@dataclass(frozen=True, slots=True)
class LoginEndpoint:
    journey: Journey
    visitors: Visitors
    recorder: Recorder

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/login", self.handle), web.get("/login", self.home)]

    async def handle(self, request: web.Request) -> web.Response:
        session_id, _ = await self.visitors.read_own_form(request)
        async with self.recorder.recording(session_id, cause="log-in"):
            return redirect(await self.journey.log_in(session_id))

    async def home(self, request: web.Request) -> web.Response:
        """A link cannot start a log-in: another site could follow it in our visitor's place."""
        return redirect(HOME)


@dataclass(frozen=True, slots=True)
class CallbackEndpoint:
    journey: Journey
    visitors: Visitors
    recorder: Recorder

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get("/callback", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        if _is_prefetch(request):
            raise OAuthError(
                "temporarily_unavailable", "This page cannot be prefetched", reason="prefetch"
            )
        session_id = self.visitors.recognise(request)
        if session_id is None:
            raise CookieMissing(status=400)
        try:
            async with self.recorder.recording(session_id, cause="callback"):
                current, response = await self._come_back(session_id, query_parameters(request))
        except StrayResponse as stray:
            raise _stray(stray.reason) from stray
        if current != session_id:
            self.visitors.remember(response, current)
        return response

    async def _come_back(
        self, session_id: SessionId, parameters: list[tuple[str, str]]
    ) -> tuple[SessionId, web.Response]:
        """Raises StrayResponse. The timeline has the answer in either case."""
        try:
            current, location = await self.journey.come_back(session_id, parameters)
        except StrayResponse as stray:
            await answered(RawAnswer(_stray(stray.reason).status))
            raise
        response = redirect(location)
        await answered(RawAnswer(response.status, tuple(response.headers.items())))
        return current, response


def _is_prefetch(request: web.Request) -> bool:
    """Browsers that look ahead must not spend the code."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return any("prefetch" in purpose.lower() for purpose in purposes)


def _stray(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_request",
        "This answer does not belong to a log-in that this browser has started. "
        "Nothing of it was used",
        reason=reason,
    )
