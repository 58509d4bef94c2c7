"""/internal/*: what the bridge asks; JSON behind a bearer secret, on a port of its own."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import empty, json_answer
from oauth_kit.web.reading import read_json_object
from registrar.existence import Existence
from registrar.handlers.bearer_guard import BearerGuard
from registrar.provisioning import Provisioning, ProvisioningRequest
from registrar.registrations.port import Registrations
from registrar.upstream_clients import UpstreamClients

_MAX_CLIENT_ID_CHARACTERS = 2048
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_SUBJECT = re.compile(r"[A-Za-z0-9_-]{16,128}")

Handle = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class InternalEndpoint:
    guard: BearerGuard
    registrations: Registrations
    upstream_clients: UpstreamClients
    provisioning: Provisioning
    existence: Existence

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/internal/clients/{client_id}", self._guarded(self.client), allow_head=False),
            web.post("/internal/clients/{client_id}/used", self._guarded(self.used)),
            web.post("/internal/upstream-clients", self._guarded(self.provide)),
            web.post("/internal/upstream-clients/check", self._guarded(self.check)),
        ]

    async def client(self, request: web.Request) -> web.Response:
        found = await self.registrations.get(request.match_info["client_id"])
        if found is None:
            return json_answer({"error": "not_found"}, status=404)
        return json_answer(found.to_document())

    async def used(self, request: web.Request) -> web.Response:
        """Renews whatever the client has; a document's client has no registration."""
        client_id = request.match_info["client_id"]
        await self.registrations.touch(client_id)
        await self.upstream_clients.touch(client_id)
        return empty()

    async def provide(self, request: web.Request) -> web.Response:
        asked = _read_provisioning_request(await read_json_object(request))
        provided = await self.provisioning.provide(asked)
        return json_answer(
            {"status": provided.status, "upstream_client_id": provided.upstream_client_id}
        )

    async def check(self, request: web.Request) -> web.Response:
        client_id = _read_client_id(await read_json_object(request))
        return json_answer({"status": await self.existence.check(client_id)})

    def _guarded(self, handle: Handle) -> Handle:
        async def guarded(request: web.Request) -> web.Response:
            refusal = self.guard.refusal(request)
            return await handle(request) if refusal is None else refusal

        return guarded


def _read_provisioning_request(document: Mapping[str, object]) -> ProvisioningRequest:
    client_id = _read_client_id(document)
    fingerprint, name, subject = (
        _string(document, member) for member in ("fingerprint", "name", "subject")
    )
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise OAuthError("invalid_request", "fingerprint is not a SHA-256 in hex")
    if not _SUBJECT.fullmatch(subject):
        raise OAuthError("invalid_request", "subject is not a hash")
    return ProvisioningRequest(client_id, fingerprint, name, subject)


def _read_client_id(document: Mapping[str, object]) -> str:
    client_id = _string(document, "client_id")
    if not 0 < len(client_id) <= _MAX_CLIENT_ID_CHARACTERS:
        raise OAuthError("invalid_request", "client_id is empty or too long")
    return client_id


def _string(document: Mapping[str, object], member: str) -> str:
    value = document.get(member)
    if not isinstance(value, str):
        raise OAuthError("invalid_request", "A member is missing or not a string", reason=member)
    return value
