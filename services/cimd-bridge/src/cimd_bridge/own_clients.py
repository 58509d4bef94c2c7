"""The upstream clients that stand for one MCP client each: as the registrar keeps them in Redis."""

from dataclasses import dataclass

import structlog

from cimd_bridge.registrar_api import RegistrarApi
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import (
    UpstreamClient,
    UpstreamClientSealer,
    upstream_checked_key,
    upstream_key,
)
from oauth_kit.redis import Redis, store_errors
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OwnClients:
    redis: Redis
    keyspace: Keyspace
    sealer: UpstreamClientSealer
    registrar: RegistrarApi

    async def find(self, client_id: str, generation: str) -> UpstreamClient | None:
        """As it is kept; one of another generation is none."""
        key = upstream_key(self.keyspace, client_id)
        async with store_errors():
            sealed = await self.redis.get(key)
        if sealed is None:
            return None
        try:
            own = self.sealer.open(sealed, key)
        except ValueError:
            log.warning("upstream_client_unreadable", client_id=client_id)
            return None
        return own if own.generation == generation else None

    async def confirmed(self, client_id: str, generation: str) -> UpstreamClient | None:
        """The one to log in with: the provider had it lately, or the registrar asks it now.

        A provider shows a log-in with a client that it has no more as an error on its own page,
        of which we never hear (ADR 0018).
        """
        own = await self.find(client_id, generation)
        if own is None:
            return None
        async with store_errors():
            checked = await self.redis.exists(upstream_checked_key(self.keyspace, own.client_id))
        return None if not checked and await self.is_gone(client_id) else own

    async def is_gone(self, client_id: str) -> bool:
        """Has the provider lost it? Then its record is void. Without an answer we go on with it."""
        try:
            return await self.registrar.upstream_client_is_gone(client_id)
        except OAuthError as error:
            log.warning("upstream_client_unchecked", client_id=client_id, reason=error.reason)
            return False
