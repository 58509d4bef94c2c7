"""A good access token for every call: refreshed once, by one request at a time (RFC 6749 §6)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from demo_clients.discovery import Discovery
from demo_clients.identity.port import ClientIdentity
from demo_clients.metrics import RefreshOutcome
from demo_clients.problems import (
    ClientUnknown,
    GrantEnded,
    LogInNeeded,
    Problem,
    TokenRefused,
)
from demo_clients.sessions import SessionId, Sessions
from demo_clients.tokens import TokenEndpoint, Tokens
from oauth_kit.clock import Clock
from oauth_kit.metrics import uncounted
from oauth_kit.rules.bearer import Challenge

log = structlog.get_logger()

T = TypeVar("T")

# a token that ends within this is not sent any more
_MARGIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Access:
    """Gives calls the session's token and renews it when the server says that it is over."""

    sessions: Sessions
    tokens: TokenEndpoint
    discovery: Discovery
    identity: ClientIdentity
    clock: Clock
    count_refresh: Callable[[RefreshOutcome], None] = uncounted
    _under_way: set[asyncio.Task[Tokens]] = field(default_factory=set)

    async def call(self, session_id: SessionId, send: Callable[[str], Awaitable[T]]) -> T:
        """Send with the session's token; after a 401 once more with a new one.

        Raises LogInNeeded when no token can be had, and whatever else `send` raises.
        """
        held = (await self.sessions.read(session_id)).tokens
        if held is None:
            raise LogInNeeded("Log in first.")
        if held.expires_at is not None and held.expires_at - _MARGIN_SECONDS <= self.clock():
            held = await self.renew(session_id, held)
        try:
            return await send(held.access_token)
        except TokenRefused as refused:
            await self._check_issuer(session_id, held, refused.challenge)
            renewed = await self.renew(session_id, held, challenge=refused.challenge)
        try:
            return await send(renewed.access_token)
        except TokenRefused as refused:
            raise LogInNeeded(
                "The resource server refused a new access token.",
                challenge=refused.challenge,
                reason="401 after refresh",
            ) from refused

    async def renew(
        self, session_id: SessionId, seen: Tokens, *, challenge: Challenge | None = None
    ) -> Tokens:
        """Replace `seen`, or return what another request has replaced it with meanwhile.

        Once it has begun it is finished, even when the visitor goes away: the authorization
        server may have spent the refresh token already.
        """
        task = asyncio.ensure_future(self._renew(session_id, seen, challenge))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _renew(
        self, session_id: SessionId, seen: Tokens, challenge: Challenge | None
    ) -> Tokens:
        async with self.sessions.changing(session_id) as record:
            held = record.session.tokens
            if held is None:
                raise LogInNeeded("Log in first.", challenge=challenge)
            if held.access_token != seen.access_token:
                return held
            try:
                renewed = await self.tokens.refresh(held, now=self.clock())
            except (GrantEnded, ClientUnknown) as ended:
                self.count_refresh("ended")
                record.session = record.session.without_tokens()
                ending = ended
            except Problem:
                self.count_refresh("failed")
                raise
            else:
                self.count_refresh("renewed")
                record.session = record.session.with_renewed(renewed)
                log.info("tokens_refreshed", issuer=held.server.issuer)
                return renewed
        log.info("tokens_dropped", issuer=held.server.issuer, reason=ending.reason)
        if isinstance(ending, ClientUnknown):
            await self.identity.forget(held.credentials, held.server)
        raise LogInNeeded(ending.message, challenge=challenge, reason=ending.reason) from ending

    async def _check_issuer(
        self, session_id: SessionId, held: Tokens, challenge: Challenge | None
    ) -> None:
        """A resource that moved to another authorization server: nothing of the old one is used."""
        resource = await self.discovery.protected_resource(challenge)
        if held.server.issuer in resource.authorization_servers:
            return
        async with self.sessions.changing(session_id) as record:
            record.session = record.session.without_tokens()
        log.warning("authorization_server_changed", issuer=held.server.issuer)
        raise LogInNeeded(
            "The resource moved to another authorization server. Log in there.",
            challenge=challenge,
            reason="issuer changed",
        )
