"""What attacks are made with: the client's own parts, and requests as nobody should send them."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo_clients.access import Access
from demo_clients.credentials import ClientCredentials
from demo_clients.flow import LoginFlow
from demo_clients.outgoing import Answer, Outgoing
from demo_clients.server_metadata import AuthorizationServer
from demo_clients.sessions import Session, SessionId, Sessions
from demo_clients.timeline.exchange import Step
from demo_clients.timeline.recorder import described
from demo_clients.timeline.stream import Timelines
from demo_clients.tokens import TokenEndpoint
from oauth_kit.clock import Clock
from oauth_kit.rules.scopes import ScopePolicy


@dataclass(frozen=True, slots=True)
class Lab:
    """cookie_name: what our own callback knows a browser by"""

    outgoing: Outgoing
    sessions: Sessions
    timelines: Timelines
    access: Access
    flow: LoginFlow
    tokens: TokenEndpoint
    contexts_url: str
    cookie_name: str
    scope_policy: ScopePolicy
    clock: Clock

    async def server(self, session: Session) -> tuple[AuthorizationServer, ClientCredentials]:
        """Where this visitor is logged in, else where he would be."""
        if session.tokens is not None:
            return session.tokens.server, session.tokens.credentials
        met = await self.flow.meet()
        return met.server, met.credentials

    async def authorize(self, url: str, what: str, *, step: Step = "attack") -> Answer:
        """An authorization request, as a browser sends it that nobody has used before.

        what: which request it is, for whoever reads the exchanges
        """
        return await self._open(url, step, what)

    async def call_back(
        self, url: str, browser: SessionId, what: str, *, step: Step = "attack_on_client"
    ) -> Answer:
        """A request to our own callback, with the cookie of a browser that we know."""
        return await self._open(url, step, what, {"Cookie": f"{self.cookie_name}={browser}"})

    async def contexts(
        self,
        token: str,
        what: str,
        draft: Mapping[str, str] | None = None,
        *,
        step: Step = "attack_on_resource",
    ) -> Answer:
        """Read the REST collection, or add to it."""
        answer = await self.outgoing.send(
            "GET" if draft is None else "POST",
            self.contexts_url,
            step=step,
            headers={"Accept": "application/json", "Authorization": f"Bearer {token}"},
            json=draft,
        )
        described(what)
        return answer

    async def ask_for_tokens(
        self,
        server: AuthorizationServer,
        credentials: ClientCredentials,
        form: Mapping[str, str],
        what: str,
    ) -> Answer:
        answer = await self.tokens.send("attack", server, credentials, form)
        described(what)
        return answer

    async def _open(
        self, url: str, step: Step, what: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = await self.outgoing.send(
            "GET",
            url,
            step=step,
            headers={"Accept": "text/html", **(headers or {})},
            redirects_are_answers=True,
        )
        described(what)
        return answer
