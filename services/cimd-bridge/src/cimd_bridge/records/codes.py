"""Authorization codes: spent once, and only by the request they belong to (OAuth 2.1 §4.1.3)."""

from typing import Final, cast

from cimd_bridge.records.grant import Lifetimes
from cimd_bridge.records.grant_index import GrantIndex
from cimd_bridge.records.handles import new_id, split_handle
from cimd_bridge.records.outcomes import (
    Binding,
    Mismatch,
    Redeemed,
    Replayed,
    UnderWay,
    Unknown,
)
from cimd_bridge.records.refresh_tokens import token_digest, write_token
from cimd_bridge.records.store import RecordStore, lua
from oauth_kit.rules.pkce import challenge_of

_REDEEM: Final = lua("codes_redeem")
_SETTLE: Final = lua("codes_settle")


class Codes:
    """`code:{gid}`, written by `Grants.open`."""

    def __init__(self, store: RecordStore, *, lifetimes: Lifetimes | None = None) -> None:
        self._store = store
        self._lifetimes = lifetimes or Lifetimes()
        self._grants = GrantIndex(store, self._lifetimes)
        self._redeem = store.step(_REDEEM)
        self._settle = store.step(_SETTLE)

    async def redeem(
        self,
        code: str,
        *,
        client_id: str,
        redirect_uri: str | None,
        code_verifier: str,
        resource: str | None,
        first_refresh_secret: str | None,
        now: int,
    ) -> Redeemed | Unknown | Mismatch | UnderWay | Replayed:
        """Spend a code and start its refresh family, in one step.

        redirect_uri, resource: None when the request does not name them; named, they must match
        first_refresh_secret:   makes the first refresh token; None for a client without refresh

        A mismatch consumes nothing and never tells whether the code was spent before; a replay is
        only one when everything matches and the first answer is out (`settle`), and then the
        caller revokes the grant.
        """
        handle = split_handle(code)
        if handle is None:
            return Unknown()
        gid, secret = handle
        store, lifetimes = self._store, self._lifetimes
        token = (
            None if first_refresh_secret is None else write_token(store, gid, first_refresh_secret)
        )
        kind, value, checked_at = await self._redeem(
            [store.key("code", gid), store.key("grant", gid), store.key("family", gid)],
            store.candidates("code", secret, gid),
            store.candidates("client", client_id, gid),
            "" if redirect_uri is None else store.candidates("redirect", redirect_uri, gid),
            store.candidates("challenge", challenge_of(code_verifier), gid),
            "" if resource is None else store.candidates("resource", resource, gid),
            now,
            lifetimes.code_tombstone_seconds,
            lifetimes.unrefreshable_seconds if token is None else lifetimes.idle_seconds,
            "" if token is None else token_digest(store, token),
            new_id(),
        )
        if kind == "mismatch":
            return Mismatch(gid, cast(Binding, value))
        if kind == "under_way":
            return UnderWay(gid)
        grant = self._grants.unseal(gid, value, checked_at)
        if grant is None:
            return Unknown()
        return Redeemed(grant, token) if kind == "redeemed" else Replayed(grant)

    async def settle(self, gid: str, *, now: int) -> bool:
        """The last step before the tokens are handed out: is the grant still live?

        From then on the code that led to it counts as answered.
        """
        (live,) = await self._settle(
            [self._store.key("code", gid), self._store.key("grant", gid)], now
        )
        return live == "1"
