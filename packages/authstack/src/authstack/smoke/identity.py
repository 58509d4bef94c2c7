"""Three ways for a client to be known: pre-registered, registered now, by a metadata document."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote_plus

import aiohttp

from authstack.smoke.answers import read_json, text_of
from authstack.smoke.problems import NotOffered, SmokeFailure
from oauth_kit.rules.redirect_uris import is_loopback_redirect

_LOOPBACK_REDIRECT = "http://127.0.0.1:52100/callback"
"""Nobody listens there: the address is read from `Location`."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """A client that the authorization server knows."""

    client_id: str
    redirect_uri: str
    secret: str | None = field(default=None, repr=False)

    def authenticate(self, form: dict[str, str]) -> dict[str, str]:
        """Headers for a request with this form; a public client names itself in the form."""
        if self.secret is None:
            form["client_id"] = self.client_id
            return {}
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


class ClientKind(Protocol):
    @property
    def kind(self) -> str: ...

    async def introduce(
        self, session: aiohttp.ClientSession, metadata: dict[str, object]
    ) -> Introduced: ...


@dataclass(frozen=True, slots=True)
class Preregistered:
    client_id: str
    secret_file: Path
    redirect_uri: str
    kind: str = "preregistered"

    async def introduce(
        self, session: aiohttp.ClientSession, metadata: dict[str, object]
    ) -> Introduced:
        secret = _read_secret(self.secret_file)
        return Introduced(self.client_id, self.redirect_uri, secret)


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SmokeFailure(f"cannot read {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Dynamic:
    """RFC 7591."""

    kind: str = "dynamic"

    async def introduce(
        self, session: aiohttp.ClientSession, metadata: dict[str, object]
    ) -> Introduced:
        endpoint = metadata.get("registration_endpoint")
        if not isinstance(endpoint, str):
            raise NotOffered("the authorization server has no registration endpoint")
        registration = {
            "client_name": "authstack smoke",
            "application_type": "native",
            "redirect_uris": [_LOOPBACK_REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        async with session.post(endpoint, json=registration) as answer:
            registered = await read_json(answer, expected=201)
        return Introduced(text_of(registered, "client_id"), _LOOPBACK_REDIRECT)


@dataclass(frozen=True, slots=True)
class MetadataDocument:
    """Client ID Metadata Document: the URL is the client id."""

    url: str
    kind: str = "metadata_document"

    async def introduce(
        self, session: aiohttp.ClientSession, metadata: dict[str, object]
    ) -> Introduced:
        if metadata.get("client_id_metadata_document_supported") is not True:
            raise NotOffered("the authorization server does not read metadata documents")
        async with session.get(self.url, allow_redirects=False) as answer:
            document = await read_json(answer, expected=200)
        if document.get("client_id") != self.url:
            raise SmokeFailure("the metadata document's client_id is not its URL")
        redirect_uris = document.get("redirect_uris")
        uris = [str(uri) for uri in redirect_uris] if isinstance(redirect_uris, list) else []
        if not uris:
            raise SmokeFailure("the metadata document has no redirect_uris")
        chosen = next((uri for uri in uris if is_loopback_redirect(uri)), uris[0])
        return Introduced(self.url, chosen)
