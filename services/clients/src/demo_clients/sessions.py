"""What we keep about a visitor: one sealed record in Redis, changed under a lock of its own."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, NewType

from pydantic import TypeAdapter

from demo_clients.credentials import ClientCredentials
from demo_clients.locks import locked
from demo_clients.mcp_messages import Tool
from demo_clients.sealed_records import SealedRecords
from demo_clients.server_metadata import AuthorizationServer
from demo_clients.timeline.exchange import Exchange
from demo_clients.tokens import Tokens
from oauth_kit.clock import Clock
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis

SessionId = NewType("SessionId", str)

SESSION_SECONDS: Final = 8 * 3600
HOME: Final = "/"


@dataclass(frozen=True, slots=True)
class Resume:
    """What the visitor asked for, kept while a log-in turns out to be necessary.

    page: where he asked, and is shown what came of it
    """

    action: str
    fields: dict[str, str]
    page: str = HOME


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """An authorization request that is out: everything its answer will be judged by.

    left_at_ms: when, for whoever reads the timeline; 0 where it is not known
    """

    state: str = field(repr=False)
    verifier: str = field(repr=False)
    server: AuthorizationServer
    credentials: ClientCredentials
    asked: tuple[str, ...]
    started_at: int
    resume: Resume | None = None
    restarted: bool = False
    left_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the last action came to, shown until the next one.

    asked:     what it was, where it was more than a button
    exchanges: its calls, masked
    """

    action: str
    succeeded: bool
    message: str
    body: str = ""
    asked: Resume | None = None
    exchanges: tuple[Exchange, ...] = ()

    @property
    def page(self) -> str:
        return self.asked.page if self.asked else HOME


@dataclass(frozen=True, slots=True)
class Retired:
    """The first access token of a log-in, once it has been replaced: kept to show that it ends."""

    access_token: str = field(repr=False)
    expires_at: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attack. `refused`: None when nothing is decided."""

    refused: bool | None
    sentence: str
    at: int
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A visitor.

    asked:          every scope requested so far, which a step-up adds to
    attempts:       by the attack's name, the latest last
    registers_anew: at the next log-in, because the visitor wants it
    """

    tokens: Tokens | None = None
    asked: tuple[str, ...] = ()
    pending: tuple[PendingLogin, ...] = ()
    step_ups: dict[str, int] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    outcome: Outcome | None = None
    retired: Retired | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)
    registers_anew: bool = False
    expires_at: int = 0

    def without_tokens(self) -> "Session":
        return replace(self, tokens=None, asked=(), step_ups={}, tools=(), retired=None)

    def with_renewed(self, tokens: Tokens) -> "Session":
        """The same log-in with its next tokens."""
        return replace(self, tokens=tokens, retired=self.retired or _retired(self.tokens))


def _retired(tokens: Tokens | None) -> Retired | None:
    if tokens is None or tokens.expires_at is None:
        return None
    return Retired(tokens.access_token, tokens.expires_at)


@dataclass(slots=True)
class Record:
    """A session that is being changed: what `session` is at the end is kept."""

    session: Session


class Sessions:
    """Raises OAuthError("temporarily_unavailable") when Redis is away."""

    def __init__(self, redis: Redis, sealer: Sealer, keyspace: Keyspace, clock: Clock) -> None:
        self._redis = redis
        self._records = SealedRecords(redis, sealer, TypeAdapter(Session))
        self._keyspace = keyspace
        self._clock = clock

    @staticmethod
    def new_id() -> SessionId:
        return SessionId(secrets.token_urlsafe(32))

    async def read(self, session_id: SessionId) -> Session:
        """An unknown id is a visitor about whom nothing is known yet."""
        kept = await self._records.read(self._key("session", session_id))
        now = self._clock()
        if kept is not None and kept.expires_at > now:
            return kept
        return Session(expires_at=now + SESSION_SECONDS)

    @asynccontextmanager
    async def changing(self, session_id: SessionId) -> AsyncIterator[Record]:
        """Read, let the caller change, write: one at a time for each session."""
        async with locked(self._redis, self._key("session-lock", session_id)):
            before = await self.read(session_id)
            record = Record(before)
            yield record
            if record.session is not before:
                await self._write(session_id, record.session)

    async def renew(self, session_id: SessionId, session: Session) -> SessionId:
        """Move a visitor to a new id (nobody else can have planted it) for another 8 hours."""
        renewed = self.new_id()
        await self._write(renewed, replace(session, expires_at=self._clock() + SESSION_SECONDS))
        await self._records.delete(self._key("session", session_id))
        return renewed

    async def forget(self, session_id: SessionId) -> None:
        await self._records.delete(self._key("session", session_id))

    async def _write(self, session_id: SessionId, session: Session) -> None:
        # 8 hours from the log-in, however often it is written
        seconds = max(1, session.expires_at - self._clock())
        await self._records.write(self._key("session", session_id), session, seconds=seconds)

    def _key(self, noun: str, session_id: SessionId) -> str:
        return self._keyspace.key(noun, sha256_hex(session_id))
