"""The stream that tells every resource server which tokens ended before their `exp`."""

from collections.abc import Callable

from cimd_bridge.metrics import DenialKind
from cimd_bridge.records.store import RecordStore
from oauth_kit.metrics import uncounted
from oauth_kit.redis import store_errors


class Denials:
    """`denied`: entries `{gid | jti, not_after}`; `denied-mark:<kind>:<value>`: it has been said.

    window_seconds: an access token's lifetime, the verifiers' leeway and 30 s; older entries deny
                    nothing that is still valid, and are trimmed
    """

    def __init__(
        self,
        store: RecordStore,
        *,
        window_seconds: int = 300 + 60 + 30,
        count_written: Callable[[DenialKind], None] = uncounted,
    ) -> None:
        self._redis = store.redis
        self._keyspace = store.keyspace
        self.window_seconds = window_seconds
        self._count_written = count_written

    async def deny(self, *, gid: str | None = None, jti: str | None = None, not_after: int) -> None:
        """Deny every access token of a grant (`gid`), or one (`jti`), until `not_after`.

        Said once in a window: who repeats a revocation must not fill the stream. The marker comes
        second, so a denial that did not get through is written again.
        """
        if (gid is None) == (jti is None):
            raise ValueError("a denial names a grant or a token")
        kind, value = ("jti", str(jti)) if gid is None else ("gid", gid)
        marker = self._marker(kind, value)
        async with store_errors():
            if await self._redis.exists(marker):
                return
            # Entries are named by Redis' clock, so the trimming has to go by it too.
            seconds, _ = await self._redis.time()
            await self._redis.xadd(
                self._keyspace.key("denied"),
                {kind: value, "not_after": str(not_after)},
                minid=f"{(int(seconds) - self.window_seconds) * 1000}",
                approximate=False,
            )
            self._count_written("grant" if kind == "gid" else "token")
            await self._redis.set(marker, "1", ex=self.window_seconds)

    async def is_denied(self, jti: str) -> bool:
        """Was this one access token revoked? (A grant's own state answers for all its tokens.)"""
        async with store_errors():
            return await self._redis.exists(self._marker("jti", jti)) == 1

    def _marker(self, kind: str, value: str) -> str:
        return self._keyspace.key("denied-mark", kind, value)
