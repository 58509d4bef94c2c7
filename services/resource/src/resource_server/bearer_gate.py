"""The gate before every protected path: first the page, then the caller (RFC 6750 §3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from oauth_kit.rules.bearer import bearer_challenge, read_bearer
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import render_scope
from oauth_kit.web.answering import json_answer
from oauth_kit.web.endpoint import Handler
from oauth_kit.web.reading import read_form
from resource_server.origins import AllowedOrigins
from resource_server.principal import Principal
from resource_server.token_verifier import TokenVerifier

log = structlog.get_logger()

REST_PREFIX: Final = "/v1/"
# one sentence for all causes: a prober must not learn which check failed
_INVALID_TOKEN: Final = "The access token is not valid"
PRINCIPAL: Final = web.RequestKey("principal", Principal)


class InsufficientScope(OAuthError):
    """The token is good and does not reach: 403 with everything the operation needs."""

    def __init__(self, scopes: Iterable[str]) -> None:
        super().__init__("insufficient_scope", "The access token lacks a scope for this operation")
        self.scopes = tuple(scopes)


def require_scopes(principal: Principal, needed: tuple[str, ...]) -> None:
    """Raises InsufficientScope naming all that the operation needs, in one challenge."""
    if not principal.may(needed):
        raise InsufficientScope(needed)


@dataclass(frozen=True, slots=True)
class BearerGate:
    """Middleware over the MCP endpoint and the REST API, their unknown paths and methods included.

    resource_metadata: where challenges point (RFC 9728 §5.1)
    baseline:          the scopes a first log-in should ask for
    """

    verifier: TokenVerifier
    resource_metadata: str
    resource_path: str
    resource_host: str
    baseline: tuple[str, ...]
    origins: AllowedOrigins

    def middleware(self) -> Middleware:
        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            path = request.path
            if path != self.resource_path and not path.startswith(REST_PREFIX):
                return await handler(request)
            try:
                self._check_page(request)
                principal = await self._identify(request)
                if principal is None:
                    return self._challenge_without_error()
                request[PRINCIPAL] = principal
                return await handler(request)
            except OAuthError as error:
                if error.code not in ("invalid_token", "insufficient_scope"):
                    raise
                return self._challenge_with_error(error)

        return gate

    def _check_page(self, request: web.Request) -> None:
        """Refuse other web pages, and names that are not ours (DNS rebinding)."""
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or hosts[0].lower() != self.resource_host:
            raise OAuthError("access_denied", "This host is not served here", reason="host")
        origins = request.headers.getall("Origin", None)
        if origins is not None and (len(origins) != 1 or not self.origins(origins[0])):
            raise OAuthError("access_denied", "This origin may not call here", reason="origin")

    async def _identify(self, request: web.Request) -> Principal | None:
        authorization = request.headers.getall("Authorization", [])
        token = read_bearer(authorization)
        if token is None:
            return None
        if "Content-Type" in request.headers and await _has_body_token(request):
            read_bearer(authorization, body_token=True)
        return self.verifier.recall(token) or await self.verifier.verify(token)

    def _challenge_without_error(self) -> web.Response:
        """No credentials is no error: only where to get them (RFC 6750 §3.1)."""
        log.info("refused", code="-", status=401, reason="no bearer token")
        return json_answer(
            {"error_description": "Send an access token in the Authorization header"},
            status=401,
            headers={"WWW-Authenticate": self._challenge(None, self.baseline)},
        )

    def _challenge_with_error(self, error: OAuthError) -> web.Response:
        log.info("refused", code=error.code, status=error.status, reason=error.reason or "-")
        if error.code == "invalid_token":
            error = OAuthError("invalid_token", _INVALID_TOKEN)
        scopes = error.scopes if isinstance(error, InsufficientScope) else self.baseline
        return json_answer(
            {"error": error.code, "error_description": error.description},
            status=error.status,
            headers={"WWW-Authenticate": self._challenge(error, scopes)},
        )

    def _challenge(self, error: OAuthError | None, scopes: Iterable[str]) -> str:
        return bearer_challenge(
            resource_metadata=self.resource_metadata,
            scope=render_scope(scopes),
            error=error.code if error else None,
            description=error.description if error else None,
        )


async def _has_body_token(request: web.Request) -> bool:
    """Whether a form carries an `access_token`: a way that is not accepted here (RFC 6750 §2.2)."""
    if request.content_type != "application/x-www-form-urlencoded":
        return False
    return "access_token" in await read_form(request)
