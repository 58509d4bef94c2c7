"""POST /oauth2/token (developer guide, "The token issuer endpoint")."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cognito_emulator.oauth.reading import read_token_form
from cognito_emulator.rules import pkce
from cognito_emulator.rules.app_client import AppClient
from cognito_emulator.rules.claims import check_readable
from cognito_emulator.rules.client_authentication import authenticate, read_credentials
from cognito_emulator.rules.errors import AuthorizationError, TokenError
from cognito_emulator.rules.parameters import Parameters
from cognito_emulator.rules.scopes import STANDARD_SCOPES, granted_scopes
from cognito_emulator.state import EmulatorState, RefreshGrant
from cognito_emulator.tokens import TokenMinter
from cognito_emulator.user_pools import UserPools

CORS = {"Access-Control-Allow-Origin": "*"}
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Codes and refresh tokens are ours: MiniStack does not bind the latter to their client."""

    state: EmulatorState
    pools: UserPools
    tokens: TokenMinter

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.post("/oauth2/token", self.handle),
            web.options("/oauth2/token", self.preflight),
        ]

    async def preflight(self, _request: web.Request) -> web.Response:
        """Single-page apps redeem their codes from the browser."""
        allowed = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
        }
        return web.Response(status=204, headers={**CORS, **allowed})

    async def handle(self, request: web.Request) -> web.Response:
        form = await read_token_form(request)
        credentials = read_credentials(request.headers.get("Authorization"), form)
        client = await self.pools.find_client(credentials.client_id)
        if client is None:
            raise TokenError("invalid_client", "the client does not exist")
        authenticate(credentials, client.secret)
        request["event"] = {"client_id": client.client_id, "grant_type": known_grant(form)}
        return web.json_response(await self._grant(form, client), headers={**CORS, **NO_STORE})

    async def _grant(self, form: Parameters, client: AppClient) -> dict[str, Any]:
        match form.get("grant_type"):
            case "authorization_code":
                return await self._redeem(form, client)
            case "refresh_token":
                return await self._refresh(form, client)
            case "client_credentials":
                return await self._machine(form, client)
            case None | "":
                raise TokenError("invalid_request", "grant_type is missing")
            case _:
                raise TokenError("unsupported_grant_type")

    async def _redeem(self, form: Parameters, client: AppClient) -> dict[str, Any]:
        if "code" not in client.flows:
            raise TokenError("unauthorized_client")
        value = form.get("code")
        if not value:
            raise TokenError("invalid_request", "code is missing")
        # Spent before anything is decided, so that it can never be spent twice.
        code = self.state.take_code(value, client.client_id)
        if code is None:
            raise TokenError("invalid_grant")
        if form.get("redirect_uri") != code.redirect_uri:
            raise TokenError("unauthorized_client", "invalid_redirect")
        if not pkce.verifies(form.get("code_verifier"), code.code_challenge):
            raise TokenError("invalid_grant")
        sign_in = code.sign_in
        check_readable(sign_in.scopes, client)
        user = await self.pools.active_user(sign_in.pool_id, sign_in.username, sign_in.sub)
        if user is None:
            raise TokenError("invalid_grant")
        answer = await self.tokens.user_tokens(sign_in, user, client, code.nonce)
        expires_at = self.state.clock() + client.refresh_token_seconds
        return {
            **answer,
            "refresh_token": self.state.add_refresh(RefreshGrant(sign_in, expires_at)),
        }

    async def _refresh(self, form: Parameters, client: AppClient) -> dict[str, Any]:
        if not client.may_refresh:
            raise TokenError("unauthorized_client")
        value = form.get("refresh_token")
        if not value:
            raise TokenError("invalid_request", "refresh_token is missing")
        grant = self.state.find_refresh(value)
        if grant is None or grant.sign_in.client_id != client.client_id:
            raise TokenError("invalid_grant", "Invalid Refresh Token")
        sign_in = grant.sign_in
        user = await self.pools.active_user(sign_in.pool_id, sign_in.username, sign_in.sub)
        # Looked at after waiting for MiniStack: a revocation meanwhile counts.
        grant = self.state.find_refresh(value)
        if user is None or grant is None or grant.revoked:
            raise TokenError("invalid_grant", "Refresh Token has been revoked")
        return await self.tokens.user_tokens(sign_in, user, client, nonce=None)

    async def _machine(self, form: Parameters, client: AppClient) -> dict[str, Any]:
        if "client_credentials" not in client.flows or client.secret is None:
            raise TokenError("unauthorized_client")
        custom = [scope for scope in client.scopes if scope not in STANDARD_SCOPES]
        try:
            scopes = granted_scopes(form.get("scope"), custom)
        except AuthorizationError as error:
            raise TokenError("invalid_scope") from error
        return await self.tokens.machine_token(client, scopes)


def known_grant(form: Parameters) -> str:
    """The grant type for the log: one of ours, never a stranger's text."""
    asked = form.get("grant_type")
    known = ("authorization_code", "refresh_token", "client_credentials")
    return asked if asked in known else "other"
