"""POST /revoke: a client gives a token back (RFC 7009)."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiohttp import web

from cimd_bridge.client_authentication import ClientAuthenticator
from cimd_bridge.grant_ending import GrantEnding
from cimd_bridge.own_tokens import OwnTokens
from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.outcomes import Current, Expired, Grace, Reused, Unknown, WrongClient
from oauth_kit.clock import Clock
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import empty
from oauth_kit.web.reading import read_form

log = structlog.get_logger()

REVOKE_PATH = "/revoke"
# what verifiers allow beyond `exp` for their clocks: until then there is something to deny
_LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RevokeEndpoint:
    """A refresh token ends its whole grant, an access token only itself; hints are ignored."""

    authenticator: ClientAuthenticator
    grants: Grants
    denials: Denials
    own_tokens: OwnTokens
    ending: GrantEnding
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(REVOKE_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        caller = await self.authenticator.authenticate(request, form)
        if "token" not in form:
            raise OAuthError("invalid_request", "token is missing")
        if not await self._revoke_access_token(form["token"], caller.client_id):
            await self._revoke_refresh_token(form["token"], caller.client_id)
        return empty(200)

    async def _revoke_access_token(self, token: str, client_id: str) -> bool:
        claims = await self.own_tokens.read(token, leeway_seconds=_LEEWAY_SECONDS)
        if claims is None:
            return False
        if claims.client_id != client_id:
            raise _foreign(claims.grant_id, client_id)
        await self.denials.deny(
            jti=claims.token_id, not_after=self.clock() + self.denials.window_seconds
        )
        log.info("access_token_revoked", gid=claims.grant_id, client_id=client_id)
        return True

    async def _revoke_refresh_token(self, token: str, client_id: str) -> None:
        found = await self.grants.inspect_refresh(token, client_id, now=self.clock())
        match found:
            case Current(grant) | Grace(grant) | Reused(grant):
                await self.ending.end(grant.gid, "revoked by the client")
            case WrongClient(gid):
                raise _foreign(gid, client_id)
            case Expired() | Unknown():
                log.info("unknown_token_revoked", client_id=client_id)


def _foreign(gid: str | None, client_id: str) -> OAuthError:
    log.warning("foreign_token_revocation", gid=gid, client_id=client_id)
    return OAuthError(
        "invalid_grant", "The token is not of this client", reason="token of another client"
    )
