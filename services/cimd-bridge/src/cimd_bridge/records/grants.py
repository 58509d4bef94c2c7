"""Grants and their refresh families: rotation, reuse detection, revocation (OAuth 2.1 §4.3)."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

import structlog

from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grant import Grant, Lifetimes, UpstreamTokens
from cimd_bridge.records.grant_index import GrantIndex
from cimd_bridge.records.handles import join_handle
from cimd_bridge.records.locks import held_lock
from cimd_bridge.records.outcomes import (
    Current,
    Expired,
    Grace,
    Reused,
    Revoked,
    Rotated,
    Unknown,
    WrongClient,
)
from cimd_bridge.records.refresh_tokens import (
    open_successor,
    read_token,
    seal_successor,
    token_digest,
    write_token,
)
from cimd_bridge.records.store import RecordStore, lua

log = structlog.get_logger()

_OPEN: Final = lua("grants_open")
_ROTATE: Final = lua("grants_rotate")
_CHECKED: Final = lua("grants_checked")
_REVOKE: Final = lua("grants_revoke")

_Newest = TypeVar("_Newest", Current, Rotated)
Refusal = Reused | WrongClient | Expired | Unknown


class Grants:
    """`grant:{gid}`, `family:{gid}`, `lock:{gid}`, and the indexes by subject and by client.

    A grant is `pending` until its code is redeemed, then `live`, and `dead` once revoked: the
    tombstone that recognises its tokens for `tombstone_seconds`.
    """

    def __init__(
        self, store: RecordStore, denials: Denials, *, lifetimes: Lifetimes | None = None
    ) -> None:
        self._store = store
        self._denials = denials
        self._lifetimes = lifetimes or Lifetimes()
        self._index = GrantIndex(store, self._lifetimes)
        self._open = store.step(_OPEN)
        self._rotate = store.step(_ROTATE)
        self._checked = store.step(_CHECKED)
        self._revoke = store.step(_REVOKE)

    async def open(
        self,
        grant: Grant,
        upstream: UpstreamTokens,
        *,
        code_secret: str,
        redirect_uri: str,
        code_challenge: str,
        now: int,
    ) -> str:
        """Write grant and code in one step, then the indexes; returns the code `<gid>.<secret>`.

        A crash before the return leaves a pending grant whose code nobody has: it expires.
        """
        store, gid = self._store, grant.gid
        key, code_key = store.key("grant", gid), store.key("code", gid)
        await self._open(
            [key, code_key],
            store.digest("client", grant.client_id, gid),
            store.seal(grant.to_document(), key, "record"),
            store.seal(upstream.to_document(), key, "upstream"),
            grant.upstream_checked_at,
            now + self._lifetimes.pending_seconds,
            grant.ends_at(self._lifetimes),
            self._lifetimes.pending_seconds,
            store.digest("code", code_secret, gid),
            store.digest("redirect", redirect_uri, gid),
            store.digest("challenge", code_challenge, gid),
            store.digest("resource", grant.resource, gid),
            now + self._lifetimes.code_seconds,
            self._lifetimes.code_seconds,
        )
        await self._index.add(grant, now=now)
        return join_handle(gid, code_secret)

    async def get(self, gid: str, *, now: int) -> Grant | None:
        """The grant, pending or live; None once it is dead or expired."""
        return await self._index.get(gid, now=now)

    async def alive(self, gid: str, *, now: int) -> bool:
        """Is the grant live? Asked by introspection, and once more after minting."""
        state, live_until = await self._store.fields(
            self._store.key("grant", gid), "state", "live_until"
        )
        return state == "live" and now < int(live_until)

    async def upstream_tokens(self, gid: str) -> UpstreamTokens | None:
        """The IdP's tokens, or None when the grant is gone or was revoked."""
        key = self._store.key("grant", gid)
        (sealed,) = await self._store.fields(key, "upstream")
        return self._unseal_upstream(sealed, key)

    async def inspect_refresh(
        self, token: str, client_id: str, *, now: int
    ) -> Current | Grace | Refusal:
        """What `rotate` would find. Reads only: not even a reused token changes anything."""
        return await self._present(
            token, client_id, now=now, new_secret=None, newest=lambda grant, _: Current(grant)
        )

    async def rotate(
        self, token: str, *, client_id: str, new_secret: str, now: int
    ) -> Rotated | Grace | Refusal:
        """Spend a refresh token for its successor, in one step.

        Rotated: the successor is made of `new_secret`
        Grace:   the immediate predecessor within the grace: the successor it already has
        Reused:  anything older: the family is dead from this step on; the caller goes on with
                 `revoke`, which writes the denial and hands out the IdP's tokens
        """
        return await self._present(token, client_id, now=now, new_secret=new_secret, newest=Rotated)

    async def record_upstream_check(
        self, gid: str, tokens: UpstreamTokens | None, *, now: int
    ) -> bool:
        """Remember that the IdP confirmed the log-in at `now`, with new tokens or the same (None).

        False when the grant ended meanwhile; nothing is written then.
        """
        key = self._store.key("grant", gid)
        sealed = "" if tokens is None else self._store.seal(tokens.to_document(), key, "upstream")
        (written,) = await self._checked([key], sealed, now)
        return written == "1"

    def lock(self, gid: str) -> AbstractAsyncContextManager[None]:
        """Hold the grant for one question to the IdP; those who waited re-read the grant."""
        seconds = self._lifetimes.lock_seconds
        return held_lock(
            self._store.redis,
            self._store.key("lock", gid),
            lives_seconds=seconds,
            waits_seconds=seconds,
        )

    async def revoke(self, gid: str, *, now: int) -> Revoked | None:
        """End a grant and everything made of it: codes, refresh tokens, access tokens.

        Idempotent. The denial is written each time, for the first one may not have got through;
        the IdP's tokens are handed out once. None when the store no longer knows the grant.
        """
        key, family = self._store.key("grant", gid), self._store.key("family", gid)
        record, checked_at, upstream = await self._revoke(
            [key, family], self._lifetimes.tombstone_seconds
        )
        await self._denials.deny(gid=gid, not_after=now + self._denials.window_seconds)
        grant = self._index.unseal(gid, record, checked_at)
        if grant is None:
            return None
        await self._index.remove(grant)
        log.info("grant_revoked", gid=gid, client_id=grant.client_id)
        return Revoked(grant, self._unseal_upstream(upstream, key))

    async def of_subject(self, subject: str, *, now: int) -> tuple[Grant, ...]:
        """The user's grants, pending and live."""
        return await self._index.of_subject(subject, now=now)

    async def of_client(self, client_id: str, *, now: int) -> tuple[Grant, ...]:
        """The client's grants, pending and live."""
        return await self._index.of_client(client_id, now=now)

    async def live_with_same_upstream_session(self, grant: Grant, *, now: int) -> tuple[Grant, ...]:
        """Other grants that revoking this one's tokens at the IdP would end as well.

        A session that the IdP did not name may be the same as any other.
        """
        return tuple(
            other
            for other in await self.of_subject(grant.subject, now=now)
            if other.gid != grant.gid
            and other.upstream_client_id == grant.upstream_client_id
            and (
                None in (other.upstream_session, grant.upstream_session)
                or other.upstream_session == grant.upstream_session
            )
        )

    async def _present(
        self,
        token: str,
        client_id: str,
        *,
        now: int,
        new_secret: str | None,
        newest: Callable[[Grant, str], _Newest],
    ) -> _Newest | Grace | Refusal:
        """Judge a token in one step; with a new secret, spend it in the same step.

        newest: makes the answer for the family's newest token, of the grant and the successor
        """
        store = self._store
        handle = read_token(store, token)
        if handle is None:
            return Unknown()
        gid, secret = handle
        family_key = store.key("family", gid)
        successor = "" if new_secret is None else write_token(store, gid, new_secret)
        kind, record, checked_at, sealed_successor = await self._rotate(
            [store.key("grant", gid), family_key],
            "inspect" if new_secret is None else "rotate",
            store.candidates("refresh", secret, gid),
            store.candidates("client", client_id, gid),
            now,
            self._lifetimes.grace_seconds,
            self._lifetimes.idle_seconds,
            *self._offer(successor, predecessor=token, family_key=family_key),
        )
        if kind == "wrong_client":
            return WrongClient(gid)
        if kind == "expired":
            return Expired(gid)
        grant = self._index.unseal(gid, record, checked_at)
        if grant is None:
            return Unknown()
        if kind == "newest":
            return newest(grant, successor)
        if kind == "grace":
            same = open_successor(sealed_successor, predecessor=token, family_key=family_key)
            return Grace(grant, same)
        return Reused(grant)

    def _offer(self, successor: str, *, predecessor: str, family_key: str) -> tuple[str, str]:
        """What the family would keep of a successor: its digest, and itself sealed."""
        if not successor:
            return "", ""
        sealed = seal_successor(successor, predecessor=predecessor, family_key=family_key)
        return token_digest(self._store, successor), sealed

    def _unseal_upstream(self, sealed: str, key: str) -> UpstreamTokens | None:
        document = self._store.unseal(sealed, key, "upstream") if sealed else None
        return None if document is None else UpstreamTokens(**document)
