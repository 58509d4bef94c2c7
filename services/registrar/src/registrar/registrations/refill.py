"""A table that is new gets what Redis holds: see ADR 0017."""

import asyncio
from dataclasses import dataclass

import structlog

from oauth_kit.redis import store_errors
from oauth_kit.rules.errors import OAuthError
from registrar.aws import Pause
from registrar.registrations.redis import RedisRegistrations
from registrar.registrations.stored import Registration
from registrar.registrations.table import RegistrationTable

log = structlog.get_logger()

_BETWEEN_LOOKS_SECONDS = 15
_LOCK_SECONDS = 900


@dataclass(frozen=True, slots=True)
class TableRefill:
    """Redis remembers which table it belongs to; another one is filled from it, then remembered.

    What the table has already stays as it is, so it may be interrupted, and done twice.
    """

    table: RegistrationTable
    copies: RedisRegistrations
    pause: Pause = asyncio.sleep

    async def run(self) -> None:
        """Look from time to time, until cancelled."""
        while True:
            try:
                await self.run_once()
            except OAuthError as error:
                log.info("registrations_refill_postponed", reason=error.reason)
            await self.pause(_BETWEEN_LOOKS_SECONDS)

    async def run_once(self) -> int:
        """How many registrations a new table got, 0 for one we know. Raises OAuthError."""
        identity = await self.table.identity()
        if await self._known() == identity:
            return 0
        lock = self.copies.redis.lock(
            self.copies.keyspace.key("registrations", "refill"),
            timeout=_LOCK_SECONDS,
            raise_on_release_error=False,
        )
        async with store_errors():
            if not await lock.acquire(blocking=False):
                return 0
        try:
            return await self._refill(identity)
        finally:
            async with store_errors():
                await lock.release()

    async def _refill(self, identity: str) -> int:
        found = written = 0
        for entry in await self.copies.counted():
            client = await self.copies.get(entry.client_id)
            if client is not None:
                registration = Registration(client, entry.expires_at, entry.used)
                found += 1
                written += await self.table.add(registration, now=self.copies.clock())
        async with store_errors():
            await self.copies.redis.set(self.copies.table_key, identity)
        log.info("registrations_refilled", found=found, written=written)
        return written

    async def _known(self) -> str | None:
        async with store_errors():
            known = await self.copies.redis.get(self.copies.table_key)
        return None if known is None else str(known)
