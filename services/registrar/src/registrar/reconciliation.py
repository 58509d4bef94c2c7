"""App clients that bear our mark and that no record names any more are deleted, a few a second."""

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
_BETWEEN_DELETES_SECONDS = 0.25
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
        """Delete the orphans and count the pool anew, unless another replica is doing so.

        Returns how many were deleted. Raises DirectoryError or OAuthError.
        """
        provider = self.provider.current()
        directory = self.directory_for(provider)
        if directory is None:
            return 0
        async with self.upstream_clients.reconciling(_LOCK_SECONDS) as ours:
            if not ours:
                return 0
            found = await directory.list()
            deleted = 0
            for client in found:
                fingerprint = self.names.fingerprint_in(client.name)
                if fingerprint is not None:
                    deleted += await self._delete_orphan(
                        client, fingerprint, provider.generation, directory
                    )
            await self.upstream_clients.set_count(provider.generation, len(found) - deleted)
        log.info("app_clients_reconciled", found=len(found), deleted=deleted)
        return deleted

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
        await self.pause(_BETWEEN_DELETES_SECONDS)
        return True

    async def _is_named(self, client: AppClient, fingerprint: str, generation: str) -> bool:
        named = await self.upstream_clients.find_shared(fingerprint, generation)
        return named is not None and named.client_id == client.client_id
