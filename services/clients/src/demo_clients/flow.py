"""Authorization request out, authorization response in, tokens kept (RFC 6749 §4.1, RFC 7636)."""

import secrets
from dataclasses import dataclass, replace
from typing import Final

import structlog

from demo_clients.authorization_response import (
    issuer_mismatch,
    parameter,
    read_authorization_response,
)
from demo_clients.credentials import ClientCredentials
from demo_clients.discovery import Discovery
from demo_clients.identity.port import ClientIdentity
from demo_clients.mcp_calls import McpServer
from demo_clients.problems import Problem, TokenRefused
from demo_clients.scopes_to_ask import scopes_to_ask
from demo_clients.server_metadata import AuthorizationServer, ProtectedResource
from demo_clients.sessions import PendingLogin, Resume, Session, SessionId, Sessions
from demo_clients.timeline.explanations import STEP_UP, CheckName
from demo_clients.timeline.masking import RawAnswer, RawRequest
from demo_clients.timeline.recorder import described, moved, noted, now_ms, passed
from demo_clients.tokens import TokenEndpoint
from oauth_kit.clock import Clock
from oauth_kit.rules.bearer import Challenge
from oauth_kit.rules.pkce import challenge_of
from oauth_kit.rules.redirect_uris import with_parameters
from oauth_kit.rules.scopes import render_scope

log = structlog.get_logger()

MAX_PENDING: Final = 5
PENDING_SECONDS: Final = 600
# not even shown unless the issuer is right (MCP authorization response validation)
_ERROR_WORDS: Final = frozenset({"error", "error_description", "error_uri"})


class StrayResponse(Problem):
    """An authorization response that no log-in of this browser is waiting for."""


@dataclass(frozen=True, slots=True)
class Met:
    """Everything that an authorization request depends on."""

    challenge: Challenge | None
    resource: ProtectedResource
    server: AuthorizationServer
    credentials: ClientCredentials

    def scopes(self, *, already: tuple[str, ...]) -> tuple[str, ...]:
        return scopes_to_ask(self.challenge, self.resource, self.server, already=already)


@dataclass(frozen=True, slots=True)
class LoginFlow:
    """The same for all three clients; they differ in `identity` only."""

    sessions: Sessions
    discovery: Discovery
    identity: ClientIdentity
    mcp: McpServer
    tokens: TokenEndpoint
    redirect_uri: str
    clock: Clock

    async def begin(
        self,
        session_id: SessionId,
        *,
        challenge: Challenge | None = None,
        resume: Resume | None = None,
        restarted: bool = False,
    ) -> str:
        """Return where to send the browser. Raises Problem.

        challenge: what the resource server asked for; without it, it is asked now
        resume:    what to do when the visitor is back
        """
        anew = (await self.sessions.read(session_id)).registers_anew
        met = await self.meet(challenge, anew=anew)
        server, credentials = met.server, met.credentials
        now = self.clock()
        async with self.sessions.changing(session_id) as record:
            already = _already_asked(record.session, server.issuer)
            login = PendingLogin(
                state=secrets.token_urlsafe(32),
                verifier=secrets.token_urlsafe(64),
                server=server,
                credentials=credentials,
                asked=met.scopes(already=already),
                started_at=now,
                resume=resume,
                restarted=restarted,
                left_at_ms=now_ms(),
            )
            waiting = [
                one for one in record.session.pending if one.started_at + PENDING_SECONDS > now
            ]
            record.session = replace(
                record.session,
                pending=(*waiting[-(MAX_PENDING - 1) :], login),
                registers_anew=record.session.registers_anew and not anew,
            )
        log.info("login_started", issuer=server.issuer, client_id=credentials.client_id)
        return await self._send_away(login, already)

    async def meet(self, challenge: Challenge | None = None, *, anew: bool = False) -> Met:
        """Who guards the resource, and what they know us by. Raises Problem.

        anew: register again, where this client registers at all
        """
        challenge = challenge or await self._challenge()
        resource = await self.discovery.protected_resource(challenge)
        issuer = self.identity.choose_issuer(resource.authorization_servers)
        server = await self.discovery.authorization_server(issuer)
        credentials = await self.identity.credentials(server, anew=anew)
        return Met(challenge, resource, server, credentials)

    async def take(self, session_id: SessionId, parameters: list[tuple[str, str]]) -> PendingLogin:
        """Spend the log-in that these parameters answer. Raises StrayResponse."""
        state = parameter(parameters, "state")
        answered = RawRequest(
            "GET", with_parameters(self.redirect_uri, parameters), hidden=_ERROR_WORDS
        )
        async with self.sessions.changing(session_id) as record:
            pending = record.session.pending
            found = next((one for one in pending if state and one.state == state), None)
            if found is None or found.started_at + PENDING_SECONDS <= self.clock():
                await noted("authorization_response", answered)
                raise StrayResponse(
                    "This answer does not belong to a log-in that this browser has started. "
                    "Nothing of it was used.",
                    reason="state unknown or expired",
                )
            record.session = replace(
                record.session, pending=tuple(one for one in pending if one is not found)
            )
        if not issuer_mismatch(
            parameters, issuer=found.server.issuer, iss_promised=found.server.promises_iss
        ):
            answered = replace(answered, hidden=frozenset())
        await self._note_return(found, answered)
        return found

    async def finish(
        self, session_id: SessionId, login: PendingLogin, parameters: list[tuple[str, str]]
    ) -> SessionId:
        """Judge the response, swap the code, and move the visitor to a new session id.

        Raises Problem; ClientUnknown when another registration might help.
        """
        code = read_authorization_response(
            parameters, issuer=login.server.issuer, iss_promised=login.server.promises_iss
        )
        passed("code_present", *iss_check(parameters))
        tokens = await self.tokens.exchange(
            login.server,
            login.credentials,
            code=code,
            verifier=login.verifier,
            redirect_uri=self.redirect_uri,
            asked=login.asked,
            now=self.clock(),
        )
        async with self.sessions.changing(session_id) as record:
            superseded = record.session.tokens
            renewed = await self.sessions.renew(
                session_id,
                replace(
                    record.session, tokens=tokens, asked=login.asked, outcome=None, retired=None
                ),
            )
        await moved(renewed)
        log.info("logged_in", issuer=tokens.server.issuer, client_id=tokens.credentials.client_id)
        if superseded is not None:
            await self.tokens.revoke(superseded)
        return renewed

    async def _send_away(self, login: PendingLogin, already: tuple[str, ...]) -> str:
        location = self._authorization_url(login)
        # what we answer the browser: what it is answered there, we cannot see
        redirect = RawAnswer(303, (("Location", location),))
        await noted("authorization_request", RawRequest("GET", location), redirect)
        added = [scope for scope in login.asked if scope not in already]
        if already and added:
            described(STEP_UP + render_scope(added))
        return location

    async def _note_return(self, login: PendingLogin, answered: RawRequest) -> None:
        away = RawRequest("GET", login.server.authorization_endpoint)
        await noted("consent", away, started_at_ms=login.left_at_ms or None)
        await noted("authorization_response", answered)
        passed("state_matches")

    async def _challenge(self) -> Challenge | None:
        try:
            answer = await self.mcp.probe()
        except TokenRefused as refused:
            if refused.challenge is not None:
                passed("challenge_found")
            return refused.challenge
        raise Problem(
            "The resource server did not ask for authorization.",
            reason=f"probe: status {answer.status}",
        )

    def _authorization_url(self, login: PendingLogin) -> str:
        parameters = [
            ("response_type", "code"),
            ("client_id", login.credentials.client_id),
            ("redirect_uri", self.redirect_uri),
            ("state", login.state),
            ("code_challenge", challenge_of(login.verifier)),
            ("code_challenge_method", "S256"),
            ("resource", self.discovery.resource),
        ]
        if login.asked:
            parameters.append(("scope", render_scope(login.asked)))
        return with_parameters(login.server.authorization_endpoint, parameters)


def iss_check(parameters: list[tuple[str, str]]) -> tuple[CheckName, ...]:
    """What a response that was read without a Problem has shown about its issuer."""
    return ("iss_matches",) if parameter(parameters, "iss") else ("iss_not_promised",)


def _already_asked(session: Session, issuer: str) -> tuple[str, ...]:
    """What was asked at one authorization server says nothing to another."""
    same = session.tokens is not None and session.tokens.server.issuer == issuer
    return session.asked if same else ()
