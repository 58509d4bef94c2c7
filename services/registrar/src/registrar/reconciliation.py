"""Records and app clients are brought together, a few a second: whichever has lost the other goes.

An app client that bears our mark and that no record names is deleted; a record that names an app
client which the provider has no more is void.
"""

import asyncio
from dataclasses import dataclass

import structlog

from oauth_kit.providers.catalog import ProviderSource
from oauth_kit.rules.errors import OAuthError
from registrar.app_client_names import AppClientNames
from registrar.aws import Pause
from registrar.directories.catalog import DirectoryFor
from registrar.directories.port import AppClient, ClientDirectory, DirectoryError
from registrar.upstream_clients import UpstreamClients

log = structlog.get_logger()

_DAY_SECONDS = 86_400
_AFTER_FAILURE_SECONDS = 60
# Cognito allows 5 a second to a pool, and log-ins need some of them
_BETWEEN_CALLS_SECONDS = 0.25
_LOCK_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Reconciliation:
    provider: ProviderSource
    directory_for: DirectoryFor
    upstream_clients: UpstreamClients
    names: AppClientNames
    pause: Pause = asyncio.sleep

    async def run_daily(self) -> None:
        """At start and once a day, until cancelled; a failure is tried again after a minute."""
        while True:
            try:
                await self.run_once()
                await self.pause(_DAY_SECONDS)
            except (DirectoryError, OAuthError) as error:
                log.info("reconciliation_postponed", reason=error.reason)
                await self.pause(_AFTER_FAILURE_SECONDS)

    async def run_once(self) -> int:
        """Unless another replica is doing so; the pool is counted anew as well.

        Returns how many app clients were deleted. Raises DirectoryError or OAuthError.
        """
        provider = self.provider.current()
        directory = self.directory_for(provider)
        if directory is None:
            return 0
        async with self.upstream_clients.reconciling(_LOCK_SECONDS) as ours:
            if not ours:
                return 0
            found = await directory.list()
            voided = await self._void_lost(found, provider.generation, directory)
            deleted = 0
            for client in found:
                fingerprint = self.names.fingerprint_in(client.name)
                if fingerprint is not None:
                    deleted += await self._delete_orphan(
                        client, fingerprint, provider.generation, directory
                    )
            await self.upstream_clients.set_count(provider.generation, len(found) - deleted)
        log.info("app_clients_reconciled", found=len(found), deleted=deleted, voided=voided)
        return deleted

    async def _void_lost(
        self, found: list[AppClient], generation: str, directory: ClientDirectory
    ) -> int:
        there = dict.fromkeys((client.client_id for client in found), True)

        async def is_lost(upstream_client_id: str) -> bool:
            if upstream_client_id not in there:
                # it may have been made since the others were listed
                there[upstream_client_id] = await directory.exists(upstream_client_id)
                await self.pause(_BETWEEN_CALLS_SECONDS)
            return not there[upstream_client_id]

        return await self.upstream_clients.void_lost(generation, is_lost)

    async def _delete_orphan(
        self, client: AppClient, fingerprint: str, generation: str, directory: ClientDirectory
    ) -> bool:
        if await self._is_named(client, fingerprint, generation):
            return False
        # whoever is making this app client right now holds the lock until its record is written
        async with self.upstream_clients.locked(fingerprint):
            if await self._is_named(client, fingerprint, generation):
                return False
            await directory.delete(client.client_id)
        log.info("orphan_deleted", upstream_client_id=client.client_id)
        await self.pause(_BETWEEN_CALLS_SECONDS)
        return True

    async def _is_named(self, client: AppClient, fingerprint: str, generation: str) -> bool:
        named = await self.upstream_clients.find_shared(fingerprint, generation)
        return named is not None and named.client_id == client.client_id
