"""The token and revocation endpoints, as a client uses them (RFC 6749 §4.1.3, §6; RFC 7009)."""

from dataclasses import dataclass, field

import aiohttp

from authstack.smoke.answers import read_json, text_of
from authstack.smoke.discovery import Server
from authstack.smoke.identity import Introduced
from authstack.smoke.login import Code
from authstack.smoke.problems import SmokeFailure


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    scope: str


@dataclass(frozen=True, slots=True)
class TokenClient:
    session: aiohttp.ClientSession
    server: Server
    client: Introduced
    resource: str

    async def redeem(self, code: Code, asked_scope: str) -> Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code.value,
            "code_verifier": code.verifier,
            "redirect_uri": self.client.redirect_uri,
            "resource": self.resource,
        }
        return await self._ask(form, asked_scope)

    async def refresh(self, tokens: Tokens) -> Tokens:
        renewed = await self._ask(self._refresh_form(tokens), tokens.scope)
        if renewed.refresh == tokens.refresh or renewed.access == tokens.access:
            raise SmokeFailure("refreshing does not give new tokens")
        return renewed

    async def refresh_is_refused(self, tokens: Tokens) -> None:
        """A revoked refresh token is `invalid_grant`."""
        form = self._refresh_form(tokens)
        headers = self.client.authenticate(form)
        async with self.session.post(
            self.server.endpoint("token_endpoint"), data=form, headers=headers
        ) as answer:
            refused = await read_json(answer, expected=400)
        if refused.get("error") != "invalid_grant":
            raise SmokeFailure(f"a revoked refresh token is refused with {refused.get('error')}")

    async def revoke(self, tokens: Tokens) -> None:
        form = {"token": tokens.refresh, "token_type_hint": "refresh_token"}
        headers = self.client.authenticate(form)
        async with self.session.post(
            self.server.endpoint("revocation_endpoint"), data=form, headers=headers
        ) as answer:
            if answer.status != 200:
                raise SmokeFailure(f"{answer.url.path} answers {answer.status}, expected 200")

    def _refresh_form(self, tokens: Tokens) -> dict[str, str]:
        return {
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh,
            "resource": self.resource,
        }

    async def _ask(self, form: dict[str, str], asked_scope: str) -> Tokens:
        headers = self.client.authenticate(form)
        async with self.session.post(
            self.server.endpoint("token_endpoint"), data=form, headers=headers
        ) as answer:
            document = await read_json(answer, expected=200)
            if "no-store" not in answer.headers.get("Cache-Control", ""):
                raise SmokeFailure("the token answer may be cached")
        if text_of(document, "token_type").lower() != "bearer":
            raise SmokeFailure("the token is no bearer token")
        scope = document.get("scope")
        return Tokens(
            access=text_of(document, "access_token"),
            refresh=text_of(document, "refresh_token"),
            scope=scope if isinstance(scope, str) else asked_scope,
        )
