"""Who an MCP client is to the identity provider: an app client of its own, or the shared one."""

from dataclasses import dataclass
from typing import Literal

import structlog

from oauth_kit.providers.catalog import ProviderConfig, ProviderSource
from oauth_kit.records.upstream_client import UpstreamClient
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits
from registrar.app_client_names import AppClientNames, short_fingerprint
from registrar.directories.catalog import DirectoryFor
from registrar.directories.port import (
    AppClientCredentials,
    AppClientRequest,
    ClientDirectory,
    DirectoryError,
    DirectoryFullError,
)
from registrar.upstream_clients import UpstreamClients

log = structlog.get_logger()

_WARNING_SHARE = 0.80
_SHARED_SHARE = 0.95

UpstreamPolicy = Literal["per-client", "shared", "auto"]


@dataclass(frozen=True, slots=True)
class ProvisioningPolicy:
    """How many app clients we make, and what they look like.

    budget:             app clients that the provider allows in all (Cognito: 1,000 a pool)
    subject_limit:      how often one user may cause a new one, e.g. `10/hour`
    """

    upstream_clients: UpstreamPolicy
    budget: int
    per_subject: int
    subject_limit: str
    callback_url: str
    scopes: tuple[str, ...]
    identity_providers: tuple[str, ...]

    def is_shared(self, provider: ProviderConfig) -> bool:
        if self.upstream_clients == "auto":
            # a client without a branding style shows no log-in page on AWS, and there are only 20
            return provider.provider == "cognito" and provider.endpoint_url is None
        return self.upstream_clients == "shared"


@dataclass(frozen=True, slots=True)
class ProvisioningRequest:
    """A client that a user has just logged in with.

    fingerprint: SHA-256 hex of what clients must have in common to share an app client
    subject:     keyed hash of the user, who is charged for a new one
    """

    client_id: str
    fingerprint: str
    display_name: str
    subject: str


@dataclass(frozen=True, slots=True)
class Provisioned:
    status: Literal["created", "exists", "shared"]
    upstream_client_id: str


@dataclass(frozen=True, slots=True)
class Provisioning:
    provider: ProviderSource
    directory_for: DirectoryFor
    upstream_clients: UpstreamClients
    limits: RateLimits
    names: AppClientNames
    policy: ProvisioningPolicy

    async def provide(self, asked: ProvisioningRequest) -> Provisioned:
        """Find or make the app client; whatever the directory cannot do ends in `shared`.

        Raises OAuthError: 429 when the user has caused too many, 503 when the store fails.
        """
        provider = self.provider.current()
        directory = None if self.policy.is_shared(provider) else self.directory_for(provider)
        if directory is None:
            return Provisioned("shared", provider.client_id)
        found = await self.upstream_clients.find(asked.client_id, provider.generation)
        if found is not None:
            return Provisioned("exists", found.client_id)
        fingerprint = short_fingerprint(asked.fingerprint)
        async with self.upstream_clients.locked(fingerprint):
            found = await self.upstream_clients.find_shared(fingerprint, provider.generation)
            if found is not None:
                await self.upstream_clients.assign(asked.client_id, found)
                return Provisioned("exists", found.client_id)
            return await self._make(asked, fingerprint, provider, directory)

    async def _make(
        self,
        asked: ProvisioningRequest,
        fingerprint: str,
        provider: ProviderConfig,
        directory: ClientDirectory,
    ) -> Provisioned:
        try:
            if not await self._within_budget(provider, directory):
                return Provisioned("shared", provider.client_id)
            await self._charge(asked.subject, fingerprint)
            made = await self._create(directory, self.names.name(asked.display_name, fingerprint))
        except DirectoryError as error:
            full = isinstance(error, DirectoryFullError)
            log.warning("app_client_not_created", reason=error.reason, full=full)
            await self.upstream_clients.release(asked.subject, fingerprint)
            return Provisioned("shared", provider.client_id)
        await self._keep(
            asked,
            UpstreamClient(
                client_id=made.client_id,
                client_secret=made.client_secret,
                generation=provider.generation,
                fingerprint=fingerprint,
            ),
            directory,
        )
        log.info("app_client_created", upstream_client_id=made.client_id, subject=asked.subject)
        return Provisioned("created", made.client_id)

    async def _within_budget(self, provider: ProviderConfig, directory: ClientDirectory) -> bool:
        counted = await self.upstream_clients.count(provider.generation)
        if counted is None:
            counted = len(await directory.list())
            await self.upstream_clients.set_count(provider.generation, counted)
        budget = self.policy.budget
        if counted >= _SHARED_SHARE * budget:
            log.warning("app_client_budget_spent", counted=counted, budget=budget, used="shared")
            return False
        if counted >= _WARNING_SHARE * budget:
            log.warning("app_client_budget_low", counted=counted, budget=budget)
        return True

    async def _charge(self, subject: str, fingerprint: str) -> None:
        await self.limits.check("upstream-client", subject, self.policy.subject_limit)
        if not await self.upstream_clients.reserve(subject, fingerprint, self.policy.per_subject):
            raise OAuthError(
                "temporarily_unavailable",
                "This user has caused as many upstream clients as are allowed",
                reason="upstream clients per subject",
                status=429,
                retry_after_seconds=86_400,
            )

    async def _create(self, directory: ClientDirectory, name: str) -> AppClientCredentials:
        asked = AppClientRequest(
            name=name,
            callback_url=self.policy.callback_url,
            scopes=self.policy.scopes,
            identity_providers=self.policy.identity_providers,
        )
        try:
            return await directory.create(asked)
        except DirectoryError as error:
            if error.may_have_happened:
                await self._discard_by_name(directory, name)
            raise

    async def _keep(
        self, asked: ProvisioningRequest, upstream: UpstreamClient, directory: ClientDirectory
    ) -> None:
        try:
            await self.upstream_clients.propose(asked.client_id, upstream)
        except OAuthError:
            await self._discard(directory, upstream.client_id)
            raise
        # a lost answer from here on leaves an app client that nothing names, for reconciliation:
        # deleting it could leave a record that names nothing
        await self.upstream_clients.confirm(asked.client_id, upstream)

    async def _discard_by_name(self, directory: ClientDirectory, name: str) -> None:
        try:
            found = await directory.find(name)
        except DirectoryError as error:
            log.warning("app_client_orphaned", reason=error.reason)
            return
        if found is not None:
            await self._discard(directory, found.client_id)

    async def _discard(self, directory: ClientDirectory, upstream_client_id: str) -> None:
        try:
            await directory.delete(upstream_client_id)
            log.warning("app_client_discarded", upstream_client_id=upstream_client_id)
        except DirectoryError as error:
            log.warning(
                "app_client_orphaned", upstream_client_id=upstream_client_id, reason=error.reason
            )
