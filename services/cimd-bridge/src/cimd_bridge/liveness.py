"""Is the user still welcome at the identity provider? Asked at refresh, once for all replicas."""

from dataclasses import dataclass

import structlog

from cimd_bridge.grant_ending import GrantEnding
from cimd_bridge.records.grant import Grant
from cimd_bridge.records.grants import Grants
from cimd_bridge.upstream import Upstream
from oauth_kit.clock import Clock
from oauth_kit.providers.port import UpstreamRefusedError, UpstreamUnavailableError
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Liveness:
    """check_seconds: how long the provider's last answer is believed."""

    grants: Grants
    upstream: Upstream
    ending: GrantEnding
    check_seconds: int
    clock: Clock

    async def confirm(self, grant: Grant) -> None:
        """Ask the provider when its last answer is too old.

        Raises OAuthError: invalid_grant when it says no (the grant ends), or
        temporarily_unavailable when it says nothing (the refresh token stays good).
        """
        if not self._is_due(grant):
            return
        async with self.grants.lock(grant.gid):
            now = self.clock()
            current = await self.grants.get(grant.gid, now=now)
            if current is None:
                raise _ended("the grant ended while its lock was awaited")
            if self._is_due(current):
                await self._ask(current)

    def _is_due(self, grant: Grant) -> bool:
        # without a refresh token there is nothing to ask with: such a grant just ends early
        if grant.unchecked_until is not None:
            return grant.provider_generation != self.upstream.generation
        return self.clock() - grant.upstream_checked_at >= self.check_seconds

    async def _ask(self, grant: Grant) -> None:
        tokens = await self.grants.upstream_tokens(grant.gid)
        if tokens is None:
            raise _ended("the grant has no upstream tokens any more")
        try:
            fresh = await self.upstream.refresh(
                tokens,
                client_id=grant.client_id,
                upstream_client_id=grant.upstream_client_id,
                generation=grant.provider_generation,
            )
        except UpstreamRefusedError as error:
            log.info("provider_ended_grant", gid=grant.gid, reason=error.code)
            await self.ending.end(grant.gid, "the provider refused", revoke_upstream=False)
            raise _ended(f"provider: {error.code}") from error
        except UpstreamUnavailableError as error:
            raise OAuthError(
                "temporarily_unavailable",
                "The identity provider cannot be reached, the refresh token stays valid",
                reason=str(error),
            ) from error
        await self.grants.record_upstream_check(
            grant.gid, None if fresh == tokens else fresh, now=self.clock()
        )


def _ended(reason: str) -> OAuthError:
    return OAuthError("invalid_grant", "The grant has ended, log in again", reason=reason)
