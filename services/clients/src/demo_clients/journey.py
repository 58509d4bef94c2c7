"""What happens to a visitor: an action, perhaps a log-in or a step-up on the way, then a page."""

from dataclasses import dataclass, replace
from typing import Final

import structlog

from demo_clients.access import Access
from demo_clients.actions import CALL_TOOL, LIST_TOOLS, Actions
from demo_clients.attacks.panel import ATTACK, Panel
from demo_clients.flow import LoginFlow
from demo_clients.identity.port import ClientIdentity
from demo_clients.problems import ClientUnknown, LogInNeeded, MoreScopeNeeded, Problem
from demo_clients.sessions import HOME, Outcome, PendingLogin, Resume, SessionId, Sessions
from demo_clients.timeline.recorder import failed, moved, recorded
from demo_clients.tokens import TokenEndpoint
from oauth_kit.rules.bearer import Challenge

log = structlog.get_logger()

MAX_STEP_UPS: Final = 2
_MAX_SHOWN_EXCHANGES: Final = 4
_SHOWN_STEPS: Final = frozenset({"mcp", "rest"})


@dataclass(frozen=True, slots=True)
class Journey:
    """Every method returns where to send the browser next; failures become an Outcome to show."""

    sessions: Sessions
    flow: LoginFlow
    access: Access
    actions: Actions
    tokens: TokenEndpoint
    identity: ClientIdentity
    panel: Panel

    async def log_in(self, session_id: SessionId) -> str:
        return await self._authorize(session_id, "log-in")

    async def act(self, session_id: SessionId, asked: Resume, *, resumed: bool = False) -> str:
        """Run an action; without a good token, log in (or step up) and come back to it."""
        try:
            outcome = await self.actions.run(session_id, asked)
        except MoreScopeNeeded as needed:
            return await self._step_up(session_id, asked, needed.challenge)
        except LogInNeeded as needed:
            if not resumed:
                return await self._authorize(
                    session_id, asked.action, challenge=needed.challenge, resume=asked
                )
            outcome = _failure(asked.action, needed)
        except Problem as problem:
            outcome = _failure(asked.action, problem)
        return await self._show(session_id, outcome, asked)

    async def come_back(
        self, session_id: SessionId, parameters: list[tuple[str, str]]
    ) -> tuple[SessionId, str]:
        """The authorization server sent the visitor back. Raises StrayResponse."""
        login = await self.flow.take(session_id, parameters)
        if login.resume is not None and login.resume.action == ATTACK:
            return session_id, await self.panel.returned(session_id, login, parameters)
        action = login.resume.action if login.resume else "log-in"
        try:
            session_id = await self.flow.finish(session_id, login, parameters)
        except ClientUnknown as unknown:
            return session_id, await self._register_again(session_id, login, unknown)
        except Problem as problem:
            return session_id, await self._show(session_id, _failure(action, problem), login.resume)
        refused = await self._offer_tools(session_id)
        if refused is not None:
            return session_id, await self._show(session_id, _failure(action, refused), login.resume)
        if login.resume is not None:
            return session_id, await self.act(session_id, login.resume, resumed=True)
        welcome = Outcome(action, True, "You are logged in.")
        return session_id, await self._show(session_id, welcome)

    async def refresh(self, session_id: SessionId) -> str:
        """Swap the refresh token now, although the access token may still be good."""
        held = (await self.sessions.read(session_id)).tokens
        try:
            if held is None:
                raise LogInNeeded("Log in first.")
            await self.access.renew(session_id, held)
        except Problem as problem:
            return await self._show(session_id, _failure("refresh", problem))
        return await self._show(session_id, Outcome("refresh", True, "The tokens are new."))

    async def log_out(self, session_id: SessionId) -> SessionId:
        """End the session, and the grant behind it. Returns the id of a new, empty session."""
        async with self.sessions.changing(session_id) as record:
            held = record.session.tokens
            left = replace(record.session.without_tokens(), pending=())
            message = "You are logged out."
            if held is not None and not await self.tokens.revoke(held):
                message += " The authorization server did not confirm the revocation."
            left = replace(left, outcome=Outcome("log-out", True, message))
            renewed = await self.sessions.renew(session_id, left)
        await moved(renewed)
        log.info("logged_out", had_tokens=held is not None)
        return renewed

    async def register_again(self, session_id: SessionId) -> str:
        """For whoever wants to see it, and for a client that its server has lost.

        It is the visitor's own next log-in that registers: the next of anybody would show it to
        somebody else.
        """
        async with self.sessions.changing(session_id) as record:
            record.session = replace(record.session, registers_anew=True)
        return await self._show(
            session_id, Outcome("forget", True, "Your next log-in registers this client anew.")
        )

    async def _offer_tools(self, session_id: SessionId) -> LogInNeeded | None:
        """List the tools for the page, once; only that the new token is refused is a failure."""
        if (await self.sessions.read(session_id)).tools:
            return None
        try:
            await self.actions.run(session_id, Resume(LIST_TOOLS, {}))
        except LogInNeeded as refused:
            return refused
        except Problem as problem:
            log.info("tools_not_listed", reason=problem.reason or problem.message)
        return None

    async def _step_up(self, session_id: SessionId, asked: Resume, challenge: Challenge) -> str:
        """Ask for more scope, twice at most for the same operation (a hostile 403 could loop)."""
        operation = _operation(asked)
        async with self.sessions.changing(session_id) as record:
            tried = record.session.step_ups.get(operation, 0)
            if tried < MAX_STEP_UPS:
                record.session = replace(
                    record.session, step_ups={**record.session.step_ups, operation: tried + 1}
                )
        if tried >= MAX_STEP_UPS:
            message = (
                f"The scope for this was asked for {MAX_STEP_UPS} times and not granted. "
                "Log out and in again to start over."
            )
            return await self._show(session_id, Outcome(asked.action, False, message), asked)
        return await self._authorize(session_id, asked.action, challenge=challenge, resume=asked)

    async def _register_again(
        self, session_id: SessionId, login: PendingLogin, unknown: ClientUnknown
    ) -> str:
        action = login.resume.action if login.resume else "log-in"
        await self.identity.forget(login.credentials, login.server)
        if login.restarted:
            return await self._show(session_id, _failure(action, unknown), login.resume)
        return await self._authorize(session_id, action, resume=login.resume, restarted=True)

    async def _authorize(
        self,
        session_id: SessionId,
        action: str,
        *,
        challenge: Challenge | None = None,
        resume: Resume | None = None,
        restarted: bool = False,
    ) -> str:
        try:
            return await self.flow.begin(
                session_id, challenge=challenge, resume=resume, restarted=restarted
            )
        except Problem as problem:
            return await self._show(session_id, _failure(action, problem), resume)

    async def _show(
        self, session_id: SessionId, outcome: Outcome, asked: Resume | None = None
    ) -> str:
        """Keep what came of it for the page where it was asked, and go there."""
        shown = replace(outcome, asked=asked)
        if shown.page != HOME:
            calls = [one for one in await recorded() if one.step in _SHOWN_STEPS]
            shown = replace(shown, exchanges=tuple(calls[-_MAX_SHOWN_EXCHANGES:]))
        async with self.sessions.changing(session_id) as record:
            step_ups = dict(record.session.step_ups)
            if asked is not None and outcome.succeeded:
                step_ups.pop(_operation(asked), None)
            record.session = replace(record.session, outcome=shown, step_ups=step_ups)
        return shown.page


def _operation(asked: Resume) -> str:
    return f"{asked.action} {asked.fields['tool']}" if asked.action == CALL_TOOL else asked.action


def _failure(action: str, problem: Problem) -> Outcome:
    failed(problem.message)
    log.info("action_failed", action=action, reason=problem.reason or problem.message)
    return Outcome(action, False, problem.message)
