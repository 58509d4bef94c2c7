"""POST /token: swap an authorization code or a refresh token for tokens (RFC 6749 §3.2)."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiohttp import web

from cimd_bridge.client_authentication import Caller, ClientAuthenticator
from cimd_bridge.grant_ending import GrantEnding
from cimd_bridge.liveness import Liveness
from cimd_bridge.metrics import BridgeMetrics, GrantType, RefreshOutcome
from cimd_bridge.records.codes import Codes
from cimd_bridge.records.grant import Grant
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.handles import new_secret, split_handle
from cimd_bridge.records.outcomes import (
    Current,
    Expired,
    Grace,
    Mismatch,
    Redeemed,
    Replayed,
    Reused,
    Rotated,
    UnderWay,
    Unknown,
    WrongClient,
)
from cimd_bridge.tokens import TokenMinter
from oauth_kit.clock import Clock
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.resource_indicators import canonical_resource
from oauth_kit.rules.scopes import ScopePolicy, render_scope
from oauth_kit.rules.token_request import (
    CodeRequest,
    RefreshRequest,
    narrow_refresh_scope,
    read_token_request,
)
from oauth_kit.web.answering import json_answer
from oauth_kit.web.reading import read_form

log = structlog.get_logger()

TOKEN_PATH = "/token"

_NotGood = Reused | WrongClient | Expired | Unknown
_OUTCOMES: dict[type[Rotated | Grace | _NotGood], RefreshOutcome] = {
    Rotated: "rotated",
    Grace: "repeated",
    Reused: "reused",
    WrongClient: "wrong_client",
    Expired: "expired",
    Unknown: "unknown",
}


@dataclass(frozen=True, slots=True)
class Issued:
    """What the client gets: a grant's scopes, and perhaps its next refresh token."""

    grant: Grant
    scopes: tuple[str, ...]
    refresh_token: str | None


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    authenticator: ClientAuthenticator
    codes: Codes
    grants: Grants
    liveness: Liveness
    ending: GrantEnding
    tokens: TokenMinter
    scope_policy: ScopePolicy
    resource: str
    metrics: BridgeMetrics
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post(TOKEN_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        caller = await self.authenticator.authenticate(request, form)
        try:
            asked = read_token_request(form, form.all("resource"))
            issued = await self._spend(asked, caller)
            answer = await self._answer(issued)
            await self._look_once_more(asked, issued.grant.gid)
        except OAuthError as error:
            await self.authenticator.count_failure(request, caller.client_id, error)
            raise
        self._tell(asked, caller, issued)
        return json_answer(answer)

    def _tell(self, asked: CodeRequest | RefreshRequest, caller: Caller, issued: Issued) -> None:
        grant_type: GrantType = (
            "authorization_code" if isinstance(asked, CodeRequest) else "refresh_token"
        )
        self.metrics.tokens_issued.add(grant_type)
        log.info(
            "tokens_issued",
            client_id=caller.client_id,
            gid=issued.grant.gid,
            grant_type=grant_type,
            scopes=issued.scopes,
        )

    async def _spend(self, asked: CodeRequest | RefreshRequest, caller: Caller) -> Issued:
        if isinstance(asked, CodeRequest):
            return await self._redeem(asked, caller)
        return await self._refresh(asked, caller.client_id)

    async def _redeem(self, asked: CodeRequest, caller: Caller) -> Issued:
        resource = (
            canonical_resource(asked.resources, known=self.resource, required=False)
            if asked.resources
            else None
        )
        refreshable = await self._allows_refresh(asked.code, caller)
        redeemed = await self.codes.redeem(
            asked.code,
            client_id=caller.client_id,
            redirect_uri=asked.redirect_uri,
            code_verifier=asked.code_verifier,
            resource=resource,
            first_refresh_secret=new_secret() if refreshable else None,
            now=self.clock(),
        )
        match redeemed:
            case Redeemed(grant, refresh_token):
                return Issued(grant, grant.scopes, refresh_token)
            case Mismatch(gid, which):
                log.warning("code_mismatch", gid=gid, which=which, client_id=caller.client_id)
                if which == "resource":
                    raise OAuthError("invalid_target", "The code is for another resource")
                raise _invalid_grant(f"code: {which} differs")
            case UnderWay(gid):
                log.info("code_sent_twice", gid=gid, client_id=caller.client_id)
                raise _invalid_grant("the code is being redeemed by another request")
            case Replayed(grant):
                log.warning("code_replayed", gid=grant.gid, client_id=caller.client_id)
                self.metrics.reuses.add("code")
                await self.ending.end(grant.gid, "code replayed")
                raise _invalid_grant("code replayed")
            case Unknown():
                raise _invalid_grant("unknown or expired code")

    async def _allows_refresh(self, code: str, caller: Caller) -> bool:
        if caller.client is not None:
            return caller.client.metadata.allows_refresh
        handle = split_handle(code)
        grant = await self.grants.get(handle[0], now=self.clock()) if handle else None
        return grant is not None and grant.client.metadata.allows_refresh

    async def _refresh(self, asked: RefreshRequest, client_id: str) -> Issued:
        """One refresh is one count, whatever comes of it."""
        try:
            found, scopes = await self._rotate(asked, client_id)
        except OAuthError as error:
            self.metrics.refreshes.add(_failure(error))
            raise
        self.metrics.refreshes.add(_OUTCOMES[type(found)])
        if isinstance(found, Rotated | Grace):
            return Issued(found.grant, scopes, found.refresh_token)
        raise await self._refused(found, client_id)

    async def _rotate(
        self, asked: RefreshRequest, client_id: str
    ) -> tuple[Rotated | Grace | _NotGood, tuple[str, ...]]:
        """Everything that may refuse comes first: the token is spent last."""
        token = asked.refresh_token
        found = await self.grants.inspect_refresh(token, client_id, now=self.clock())
        if not isinstance(found, Current | Grace):
            return found, ()
        canonical_resource(asked.resources, known=found.grant.resource, required=False)
        scopes = narrow_refresh_scope(asked.scope, found.grant.scopes, self.scope_policy)
        await self.liveness.confirm(found.grant)
        rotated = await self.grants.rotate(
            token, client_id=client_id, new_secret=new_secret(), now=self.clock()
        )
        return rotated, scopes

    async def _refused(self, found: _NotGood, client_id: str) -> OAuthError:
        match found:
            case Reused(grant):
                log.warning("refresh_token_reused", gid=grant.gid, client_id=client_id)
                self.metrics.reuses.add("refresh_token")
                await self.ending.end(grant.gid, "refresh token reused")
                return _invalid_grant("refresh token reused")
            case WrongClient(gid):
                log.warning("refresh_token_of_another_client", gid=gid, client_id=client_id)
                return _invalid_grant("refresh token of another client")
            case Expired(gid):
                return _invalid_grant(f"grant {gid} has expired")
            case Unknown():
                return _invalid_grant("unknown refresh token")

    async def _answer(self, issued: Issued) -> dict[str, object]:
        now = self.clock()
        minted = await self.tokens.mint(issued.grant, issued.scopes, now=now)
        answer: dict[str, object] = {
            "access_token": minted.access_token,
            "token_type": "Bearer",
            "expires_in": minted.claims.expires_at - now,
            "scope": render_scope(issued.scopes),
        }
        if issued.refresh_token is not None:
            answer["refresh_token"] = issued.refresh_token
        return answer

    async def _look_once_more(self, asked: CodeRequest | RefreshRequest, gid: str) -> None:
        """A revocation may have come between: what it could not deny yet is not handed out."""
        still_live = self.codes.settle if isinstance(asked, CodeRequest) else self.grants.alive
        if not await still_live(gid, now=self.clock()):
            raise _invalid_grant("the grant ended while its token was minted")


def _failure(error: OAuthError) -> RefreshOutcome:
    """What the provider, the store or the request itself brought to an end."""
    if error.code == "temporarily_unavailable":
        return "unavailable"
    return "ended" if error.code == "invalid_grant" else "refused"


def _invalid_grant(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_grant", "The code or token is invalid, expired or already used", reason=reason
    )
