"""Registered clients in DynamoDB, written through to Redis, where the bridge reads them."""

from dataclasses import dataclass

import structlog

from oauth_kit.clock import Clock
from oauth_kit.records.client import Client
from oauth_kit.rules.errors import OAuthError
from registrar.registrations.redis import Counted, RedisRegistrations
from registrar.registrations.stored import Registration, id_is_taken, may_be_registered
from registrar.registrations.table import RegistrationTable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DynamoDbRegistrations:
    """The table decides; Redis holds copies, and the rolls that count them for the cap.

    A registration is made when the table has it. Redis is asked first, so that whoever comes while
    Redis is away is told so before anything is written; a copy that cannot be written afterwards
    comes with the first miss.
    """

    table: RegistrationTable
    copies: RedisRegistrations
    clock: Clock

    async def create(self, client: Client) -> None:
        oldest = await self.copies.make_room()
        registration = Registration(client, self.copies.expiry_unused(), used=False)
        try:
            await self._add(registration)
        except OAuthError:
            if oldest is not None:
                await self.copies.count(oldest)
            raise
        try:
            await self.copies.keep(registration)
            if oldest is not None:
                await self._evict(oldest)
        except OAuthError as error:
            log.warning("registration_not_copied", client_id=client.client_id, reason=error.reason)

    async def get(self, client_id: str) -> Client | None:
        copy = await self.copies.get(client_id)
        if copy is not None or not may_be_registered(client_id):
            return copy
        found = await self.table.find(client_id, now=self.clock())
        if found is None:
            return None
        await self.copies.keep(found)
        return found.client

    async def touch(self, client_id: str) -> bool:
        if not may_be_registered(client_id):
            return False
        renewed = await self.table.renew(
            client_id, now=self.clock(), expires_at=self.copies.expiry_used()
        )
        if renewed is None:
            return False
        await self.copies.keep(renewed)
        return True

    async def _add(self, registration: Registration) -> None:
        client, now = registration.client, self.clock()
        if await self.table.add(registration, now=now):
            return
        # our own, when an answer was lost and the call was made again
        found = await self.table.find(client.client_id, now=now)
        if found is None or found.client != client:
            raise id_is_taken()

    async def _evict(self, oldest: Counted) -> None:
        try:
            removed = await self.table.remove_unused(oldest.client_id)
        except OAuthError:
            await self.copies.count(oldest)
            raise
        if removed:
            await self.copies.evict(oldest.client_id)
        elif used := await self.table.find(oldest.client_id, now=self.clock()):
            await self.copies.keep(used)
