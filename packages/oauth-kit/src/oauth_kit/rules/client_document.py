"""Client ID Metadata Documents: the URL that is a client_id, and what it serves
(draft-ietf-oauth-client-id-metadata-document-02 §3, §4).
"""

import re
from dataclasses import dataclass
from typing import Final

from oauth_kit.rules.client_metadata import (
    ClientMetadata,
    MetadataPolicy,
    read_metadata,
    read_text,
    read_texts,
    refusal,
)
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object
from oauth_kit.rules.web_url import LOOPBACK_HOSTS, parse_web_url

MAX_DOCUMENT_BYTES: Final = 5120
# The one sentence for whatever happens before the document speaks for its URL: more of it would
# tell a stranger what he can reach through us.
DOCUMENT_REFUSED: Final = "The client metadata document could not be used."

_MAX_URL_CHARACTERS: Final = 2048
_JSON_MEDIA_TYPE: Final = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json", re.IGNORECASE)
_SECRET_MEMBERS: Final = frozenset({"client_secret", "client_secret_expires_at"})
_SHARED_SECRET_METHODS: Final = frozenset(
    {"client_secret_basic", "client_secret_post", "client_secret_jwt"}
)
# Methods that a public document can carry, the stronger first.
_DOCUMENT_METHODS: Final = ("private_key_jwt", "none")


@dataclass(frozen=True, slots=True)
class DocumentUrl:
    """A client_id that may be fetched; `url` is it byte for byte."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK_HOSTS


def is_document_client_id(client_id: str) -> bool:
    return client_id.startswith(("https://", "http://"))


def check_document_url(client_id: str, *, allow_loopback_http: bool = False) -> DocumentUrl:
    """The parts of a client_id URL; a query and a port are accepted, nothing is normalised.

    allow_loopback_http: loopback names too, with http or https, when the path ends in `.json`
    Raises OAuthError("invalid_client").
    """
    if len(client_id) > _MAX_URL_CHARACTERS:
        raise _url_refusal("is too long")
    try:
        parts = parse_web_url(client_id)
    except ValueError as error:
        raise _url_refusal(str(error)) from None
    if parts.is_loopback and not allow_loopback_http:
        raise _url_refusal("is on loopback")
    if parts.is_loopback and not parts.path.endswith(".json"):
        raise _url_refusal("is on loopback and its path does not end in .json")
    if parts.scheme == "http" and not parts.is_loopback:
        raise _url_refusal("is not https")
    if parts.path in ("", "/"):
        raise _url_refusal("has no path")
    # A client may drop an empty query on the way, and would then ask for another URL.
    if parts.fragment is not None or parts.query == "":
        raise _url_refusal("has a fragment or an empty query")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return DocumentUrl(client_id, parts.scheme, parts.host, port, parts.path)


def read_client_document(
    client_id: str, content_type: str, body: bytes, policy: MetadataPolicy
) -> ClientMetadata:
    """Turn what a client_id URL served into metadata that we may act on.

    client_id: the URL exactly as the client sent it
    body:      the whole body
    Raises OAuthError("invalid_client"): one constant sentence until the document has named its
    URL as its client_id, then the rule that it breaks.
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise _refusal("is too large")
    if _JSON_MEDIA_TYPE.fullmatch(content_type.split(";", 1)[0].strip()) is None:
        raise _refusal("is not declared as JSON")
    try:
        document = parse_json_object(body)
    except ValueError:
        raise _refusal("is not one plain JSON object") from None
    if document.get("client_id") != client_id:
        raise _refusal("has another client_id than its URL")
    if not _SECRET_MEMBERS.isdisjoint(document):
        raise _rule("A client metadata document cannot hold a secret.")
    try:
        metadata = read_metadata(
            document, policy, token_endpoint_auth_method=_choose_method(document, policy)
        )
    except OAuthError as error:
        raise _rule(f"In the client metadata document: {error.description}", error.reason) from None
    if not metadata.client_name:
        raise _rule("The client metadata document needs a client_name: MCP requires one.")
    return metadata


def _choose_method(document: dict[str, object], policy: MetadataPolicy) -> str:
    """`none` unless the document says otherwise: RFC 7591's default needs a secret.

    ChatGPT's document lists `token_endpoint_auth_methods_supported` in place of the one method.
    """
    method = read_text(document, "token_endpoint_auth_method", policy)
    if method in _SHARED_SECRET_METHODS:
        raise refusal("token_endpoint_auth_method needs a secret, which a document cannot hold")
    listed = read_texts(document, "token_endpoint_auth_methods_supported", policy)
    offered = (method,) if method is not None else listed or ("none",)
    for candidate in _DOCUMENT_METHODS:
        if candidate in offered and candidate in policy.supported_auth_methods:
            return candidate
    raise refusal("token_endpoint_auth_method is one that is not supported yet")


def _url_refusal(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_client",
        "The client_id is no URL of a client metadata document.",
        reason=f"client_id URL {reason}",
    )


def _refusal(reason: str) -> OAuthError:
    return OAuthError("invalid_client", DOCUMENT_REFUSED, reason=f"client document {reason}")


def _rule(description: str, reason: str = "") -> OAuthError:
    return OAuthError("invalid_client", description, reason=reason or description)
