"""POST /register: a client introduces itself (RFC 7591 §3)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from aiohttp import web

from oauth_kit.clock import Clock
from oauth_kit.records.client import Client
from oauth_kit.rules.client_authentication import hash_secret
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import json_answer
from oauth_kit.web.rate_limits import RateLimits
from oauth_kit.web.reading import TrustedProxies, read_json_object
from registrar.handlers.bearer_guard import BearerGuard
from registrar.metrics import RegistrarMetrics, refused_registration
from registrar.registration_policy import RegistrationPolicy
from registrar.registrations.port import Registrations, RegistrationsFullError
from registrar.registrations.stored import MAX_RECORD_CHARACTERS

log = structlog.get_logger()

_CLIENT_ID_BYTES = 24
_CLIENT_SECRET_BYTES = 32
_FULL_RETRY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class RegistrationLimits:
    """Registrations that are let through, e.g. `20/minute`."""

    by_caller: str
    in_all: str


@dataclass(frozen=True, slots=True)
class RegisterEndpoint:
    """guard: asks for an initial access token (RFC 7591 §3), None = registration is open"""

    policy: RegistrationPolicy
    registrations: Registrations
    limits: RateLimits
    allowed: RegistrationLimits
    proxies: TrustedProxies
    clock: Clock
    guard: BearerGuard | None
    metrics: RegistrarMetrics

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/register", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        """One request is one count, whatever comes of it."""
        try:
            answer = await self._register(request)
        except OAuthError as error:
            self.metrics.registrations.add(refused_registration(error))
            raise
        registered = answer.status == 201
        self.metrics.registrations.add("registered" if registered else "unauthorized")
        return answer

    async def _register(self, request: web.Request) -> web.Response:
        block = self.proxies.caller_block(request)
        await self.limits.check("register", block, self.allowed.by_caller)
        refusal = self.guard.refusal(request) if self.guard else None
        if refusal is not None:
            return refusal
        asked = await _read_metadata(request)
        client, secret = self._issue(asked)
        # last, so that only what would be kept uses up everybody's window
        await self.limits.check("register", "all", self.allowed.in_all)
        try:
            await self.registrations.create(client)
        except RegistrationsFullError as full:
            raise OAuthError(
                "temporarily_unavailable",
                "No more clients can be registered now",
                reason="registration cap",
                retry_after_seconds=_FULL_RETRY_SECONDS,
            ) from full
        log.info("client_registered", client_id=client.client_id, confidential=bool(secret))
        return json_answer(_information(client, secret), status=201)

    def _issue(self, asked: dict[str, object]) -> tuple[Client, str | None]:
        metadata = self.policy.accept(asked)
        is_public = metadata.token_endpoint_auth_method == "none"
        secret = None if is_public else secrets.token_urlsafe(_CLIENT_SECRET_BYTES)
        client = Client(
            client_id=new_client_id(),
            kind="registered",
            metadata=metadata,
            secret_hash=None if secret is None else hash_secret(secret),
            method_was_defaulted=not asked.get("token_endpoint_auth_method"),
            issued_at=self.clock(),
        )
        if len(client.to_json()) > MAX_RECORD_CHARACTERS:
            raise OAuthError("invalid_client_metadata", "The client metadata is too large")
        return client, secret


def new_client_id() -> str:
    """192 random bits; the prefix keeps it from starting with `-` or like a document's URL."""
    return f"mcp-{secrets.token_urlsafe(_CLIENT_ID_BYTES)}"


async def _read_metadata(request: web.Request) -> dict[str, object]:
    try:
        return await read_json_object(request)
    except OAuthError as error:
        if error.status != 400:
            raise
        raise OAuthError(
            "invalid_client_metadata", error.description, reason=error.reason
        ) from error


def _information(client: Client, secret: str | None) -> dict[str, object]:
    """The client information response (RFC 7591 §3.2.1): all that is registered, as it is."""
    issued: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": client.issued_at,
    }
    if secret is not None:
        issued |= {
            "client_secret": secret,
            "client_secret_expires_at": client.secret_expires_at,
        }
    return {**client.metadata.to_document(), **issued}
