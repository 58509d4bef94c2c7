"""The token endpoint and the revocation endpoint, seen from the client (RFC 6749 §5, RFC 7009)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from demo_clients.credentials import ClientCredentials
from demo_clients.outgoing import Answer, Outgoing
from demo_clients.problems import ClientUnknown, GrantEnded, Problem
from demo_clients.server_metadata import AuthorizationServer
from demo_clients.timeline.exchange import Step
from demo_clients.timeline.recorder import passed
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import parse_scope

# RFC 6750 §2.1 b64token: what goes into our own Authorization header unquoted
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# RFC 6749 §A.17
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_MAX_TOKEN_CHARACTERS = 16 * 1024


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one authorization server issued, to whom, and until when."""

    server: AuthorizationServer
    credentials: ClientCredentials
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    granted: tuple[str, ...]
    expires_at: int | None
    obtained_at: int
    refreshed_times: int = 0


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Asks for tokens, always for the one resource (RFC 8707)."""

    outgoing: Outgoing
    resource: str

    async def exchange(
        self,
        server: AuthorizationServer,
        credentials: ClientCredentials,
        *,
        code: str,
        verifier: str,
        redirect_uri: str,
        asked: tuple[str, ...],
        now: int,
    ) -> Tokens:
        """Swap a code. Raises GrantEnded, ClientUnknown or Problem."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        document = await self._ask("token", server, credentials, form)
        tokens = _read_tokens(document, server, credentials, previous=asked, now=now)
        passed("token_type_bearer", "scopes_read")
        return tokens

    async def refresh(self, tokens: Tokens, *, now: int) -> Tokens:
        """Swap the refresh token. Raises GrantEnded, ClientUnknown or Problem."""
        if tokens.refresh_token is None:
            raise GrantEnded(
                "There is no refresh token, so log in again.", reason="no refresh token"
            )
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        document = await self._ask("refresh", tokens.server, tokens.credentials, form)
        renewed = _read_tokens(
            document,
            tokens.server,
            tokens.credentials,
            previous=tokens.granted,
            now=now,
            refresh_token=tokens.refresh_token,
            refreshed_times=tokens.refreshed_times + 1,
        )
        rotated = renewed.refresh_token != tokens.refresh_token
        passed("token_type_bearer", "scopes_read", *(("rotated",) if rotated else ()))
        return renewed

    async def revoke(self, tokens: Tokens) -> bool:
        """End the grant at the authorization server. False when it could not be done."""
        endpoint = tokens.server.revocation_endpoint
        if endpoint is None:
            return False
        kind = "access_token" if tokens.refresh_token is None else "refresh_token"
        form = {"token": tokens.refresh_token or tokens.access_token, "token_type_hint": kind}
        try:
            answer = await self.outgoing.post_form(
                endpoint,
                {**form, **tokens.credentials.form()},
                step="revocation",
                headers=tokens.credentials.headers(),
            )
        except Problem:
            return False
        if answer.status != 200:
            return False
        passed("confirmed")
        return True

    async def send(
        self,
        step: Step,
        server: AuthorizationServer,
        credentials: ClientCredentials,
        form: Mapping[str, str],
    ) -> Answer:
        """One request to the token endpoint, whatever comes of it."""
        return await self.outgoing.post_form(
            server.token_endpoint,
            {**form, "resource": self.resource, **credentials.form()},
            step=step,
            headers=credentials.headers(),
        )

    async def _ask(
        self,
        step: Step,
        server: AuthorizationServer,
        credentials: ClientCredentials,
        form: Mapping[str, str],
    ) -> dict[str, object]:
        answer = await self.send(step, server, credentials, form)
        if answer.status == 200:
            try:
                return answer.json_object()
            except ValueError as error:
                raise _malformed(str(error)) from error
        raise _refusal(answer)


def _refusal(answer: Answer) -> Problem:
    try:
        error = answer.json_object().get("error")
    except ValueError:
        error = None
    if answer.status in (400, 401) and error == "invalid_grant":
        return GrantEnded("Your log-in has ended. Log in again.", reason="invalid_grant")
    if answer.status in (400, 401) and error == "invalid_client":
        return ClientUnknown(
            "The authorization server does not know this client.", reason="invalid_client"
        )
    if answer.status in (429, 503):
        return Problem(
            "The authorization server is busy. Try again shortly.",
            reason=f"token endpoint: status {answer.status}",
        )
    return Problem(
        "The authorization server gave no token.",
        reason=f"token endpoint: status {answer.status}",
    )


def _read_tokens(
    document: Mapping[str, object],
    server: AuthorizationServer,
    credentials: ClientCredentials,
    *,
    previous: tuple[str, ...],
    now: int,
    refresh_token: str | None = None,
    refreshed_times: int = 0,
) -> Tokens:
    """previous: the scopes that hold when the answer names none (RFC 6749 §5.1)."""
    token_type = document.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise _malformed("token_type")
    expires_in = document.get("expires_in")
    if expires_in is not None and (
        isinstance(expires_in, bool) or not isinstance(expires_in, int) or expires_in < 1
    ):
        raise _malformed("expires_in")
    scope = document.get("scope")
    try:
        granted = parse_scope(scope) if isinstance(scope, str) and scope else previous
    except OAuthError as error:
        raise _malformed("scope") from error
    replacement = document.get("refresh_token")
    return Tokens(
        server=server,
        credentials=credentials,
        access_token=_token(document.get("access_token"), _BEARER, "access_token"),
        # the new one replaces the old one, which is dead from here on when it rotates
        refresh_token=refresh_token
        if replacement is None
        else _token(replacement, _VISIBLE, "refresh_token"),
        granted=granted,
        expires_at=None if expires_in is None else now + expires_in,
        obtained_at=now,
        refreshed_times=refreshed_times,
    )


def _token(value: object, charset: re.Pattern[str], name: str) -> str:
    if (
        not isinstance(value, str)
        or len(value) > _MAX_TOKEN_CHARACTERS
        or not charset.fullmatch(value)
    ):
        raise _malformed(name)
    return value


def _malformed(reason: str) -> Problem:
    return Problem(
        "The authorization server's answer is malformed.", reason=f"token response: {reason}"
    )
