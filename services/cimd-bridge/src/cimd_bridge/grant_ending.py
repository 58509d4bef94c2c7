"""The end of a grant: denied everywhere at once, then told to the provider (RFC 7009 §2.1)."""

from dataclasses import dataclass

import structlog

from cimd_bridge.background import Background
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.outcomes import Revoked
from cimd_bridge.upstream import Upstream
from oauth_kit.clock import Clock
from oauth_kit.providers.port import UpstreamRefusedError, UpstreamUnavailableError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class GrantEnding:
    grants: Grants
    upstream: Upstream
    background: Background
    clock: Clock

    async def end(self, gid: str, cause: str, *, revoke_upstream: bool = True) -> None:
        """Revoke the grant and all its tokens; the provider learns of it in the background."""
        revoked = await self.grants.revoke(gid, now=self.clock())
        log.info("grant_ended", gid=gid, cause=cause)
        if revoked is not None and revoked.upstream is not None and revoke_upstream:
            self.background.start("upstream_revocation_failed", self._revoke_upstream(revoked))

    async def _revoke_upstream(self, revoked: Revoked) -> None:
        grant = revoked.grant
        if revoked.upstream is None:
            return
        if self.upstream.revoking_ends_session and (
            await self.grants.live_with_same_upstream_session(grant, now=self.clock())
        ):
            log.info("upstream_revocation_skipped", gid=grant.gid, reason="session is shared")
            return
        try:
            await self.upstream.revoke(
                revoked.upstream,
                client_id=grant.client_id,
                upstream_client_id=grant.upstream_client_id,
                generation=grant.provider_generation,
            )
        except (UpstreamRefusedError, UpstreamUnavailableError) as error:
            log.warning("upstream_revocation_failed", gid=grant.gid, reason=str(error))
