"""Does the provider still have the app client that stands for an MCP client?"""

from dataclasses import dataclass
from typing import Literal

import structlog

from oauth_kit.providers.catalog import ProviderSource
from oauth_kit.rules.errors import OAuthError
from registrar.directories.catalog import DirectoryFor
from registrar.directories.port import DirectoryError
from registrar.upstream_clients import UpstreamClients

log = structlog.get_logger()

Verdict = Literal["exists", "gone"]


@dataclass(frozen=True, slots=True)
class Existence:
    """check_seconds: how long the provider's yes is believed"""

    provider: ProviderSource
    directory_for: DirectoryFor
    upstream_clients: UpstreamClients
    check_seconds: int

    async def check(self, client_id: str) -> Verdict:
        """Ask the provider; a record of what it has no more is void from here on.

        Raises OAuthError("temporarily_unavailable") when nobody can tell.
        """
        provider = self.provider.current()
        upstream = await self.upstream_clients.find(client_id, provider.generation)
        if upstream is None:
            return "gone"
        directory = self.directory_for(provider)
        if directory is None:
            raise _unknown("we administer no clients at this provider")
        try:
            exists = await directory.exists(upstream.client_id)
        except DirectoryError as error:
            raise _unknown(error.reason) from error
        if exists:
            await self.upstream_clients.note_checked(upstream, self.check_seconds)
            return "exists"
        await self.upstream_clients.void(client_id, upstream)
        log.warning("app_client_lost", client_id=client_id, upstream_client_id=upstream.client_id)
        return "gone"


def _unknown(reason: str) -> OAuthError:
    return OAuthError(
        "temporarily_unavailable", "The identity provider cannot be asked", reason=reason
    )
