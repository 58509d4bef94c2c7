"""Clients of a Keycloak realm, through its admin REST API."""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from registrar.directories.keycloak_api import ATTEMPTS, KeycloakApi
from registrar.directories.port import (
    AppClient,
    AppClientCredentials,
    AppClientNotFoundError,
    AppClientRequest,
    DirectoryError,
)

_PAGE_SIZE = 50
_CONFLICT = 409
# Keycloak takes any name: markup, `${…}` that it would replace, and too long ones end in a 500
_NAME = re.compile(r"[A-Za-z0-9_+=,.@ -]{1,128}")
# `openid` is no client scope in Keycloak; `basic` holds `sub`
_ALWAYS_THERE = frozenset({"openid"})
_ALWAYS_NEEDED = "basic"


class KeycloakDirectory:
    """One realm. Its clients have an internal id beside the client_id that everybody else sees."""

    def __init__(self, api: KeycloakApi) -> None:
        self._api = api

    async def create(self, asked: AppClientRequest) -> AppClientCredentials:
        """Id and secret are ours, so that an answer that was lost costs nothing but a look."""
        made = AppClientCredentials(f"mcp-{secrets.token_hex(16)}", secrets.token_urlsafe(32))
        wanted = {
            "clientId": made.client_id,
            "secret": made.client_secret,
            "defaultClientScopes": sorted(_client_scopes(asked)),
            "optionalClientScopes": [],
            **_shape(asked),
        }
        for attempt in range(ATTEMPTS):
            answer = await self._api.call(
                "POST", "/clients", body=wanted, returned=frozenset({_CONFLICT})
            )
            # nobody else can have this id: a conflict about it is with our own earlier attempt
            if answer.status != _CONFLICT or await self._internal_id(made.client_id):
                return made
            await self._api.back_off(attempt)
        raise DirectoryError("POST answered 409")

    async def find(self, name: str) -> AppClient | None:
        return next((client for client in await self.list() if client.name == name), None)

    async def exists(self, client_id: str) -> bool:
        return await self._internal_id(client_id) is not None

    async def update(self, client_id: str, asked: AppClientRequest) -> None:
        """What the body does not name stays as it is; client scopes have addresses of their own."""
        shape = _shape(asked)
        internal_id = await self._internal_id(client_id)
        if internal_id is None:
            raise AppClientNotFoundError("no client has that id")
        await self._api.call("PUT", f"/clients/{internal_id}", body=shape)
        await self._assign_scopes(internal_id, _client_scopes(asked))

    async def delete(self, client_id: str) -> None:
        internal_id = await self._internal_id(client_id)
        if internal_id is not None:
            await self._api.call("DELETE", f"/clients/{internal_id}", returned=frozenset({404}))

    async def list(self) -> list[AppClient]:
        found: list[AppClient] = []
        while True:
            page = await self._objects(
                "/clients", {"first": str(len(found)), "max": str(_PAGE_SIZE)}
            )
            found += [AppClient(client["clientId"], client.get("name") or "") for client in page]
            if len(page) < _PAGE_SIZE:
                return found

    async def _internal_id(self, client_id: str) -> str | None:
        found = await self._objects("/clients", {"clientId": client_id})
        return next(
            (quote(each["id"], safe="") for each in found if each["clientId"] == client_id), None
        )

    async def _assign_scopes(self, internal_id: str, wanted: frozenset[str]) -> None:
        path = f"/clients/{internal_id}/default-client-scopes"
        assigned = {scope["name"]: scope["id"] for scope in await self._objects(path)}
        known = {scope["name"]: scope["id"] for scope in await self._objects("/client-scopes")}
        for name in wanted & known.keys() - assigned.keys():
            await self._api.call("PUT", f"{path}/{quote(known[name], safe='')}")
        for name in assigned.keys() - wanted:
            await self._api.call("DELETE", f"{path}/{quote(assigned[name], safe='')}")

    async def _objects(
        self, path: str, query: Mapping[str, str] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        content = (await self._api.call("GET", path, query=query)).content
        if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
            raise DirectoryError("GET answered no list")
        return content


def _shape(asked: AppClientRequest) -> dict[str, object]:
    """A confidential client of the code flow and nothing else; users consent at the bridge.

    Raises DirectoryError for a name outside the charset.
    """
    if not _NAME.fullmatch(asked.name):
        raise DirectoryError("the name is outside the charset")
    return {
        "name": asked.name,
        "description": "Made by mcp-authstack for an MCP client",
        "protocol": "openid-connect",
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "consentRequired": False,
        "fullScopeAllowed": False,
        "redirectUris": [asked.callback_url],
        "webOrigins": [],
        "attributes": {
            # `plain` is advertised; this client is refused with it
            "pkce.code.challenge.method": "S256",
            "exclude.issuer.from.auth.response": "false",
            "use.refresh.tokens": "true",
        },
    }


def _client_scopes(asked: AppClientRequest) -> frozenset[str]:
    return frozenset(asked.scopes) - _ALWAYS_THERE | {_ALWAYS_NEEDED}
