"""Client metadata: what a client says about itself, checked and defaulted (RFC 7591 §2)."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.redirect_uris import check_redirect_uri
from oauth_kit.rules.scopes import parse_scope, render_scope
from oauth_kit.rules.web_url import parse_web_url

_GRANT_TYPES: Final = frozenset({"authorization_code", "refresh_token"})
_RESPONSE_TYPES: Final = frozenset({"code"})
_APPLICATION_TYPES: Final = frozenset({"native", "web"})
_PRIVATE_KEY_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MAX_LIST: Final = 32

# Letters, marks and symbols that show nothing: category alone does not tell them.
_INVISIBLE: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
# Control, format (bidi, zero-width, tags), surrogate, private use, unassigned; line separators.
_UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MAX_MARKS_IN_A_ROW: Final = 4


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """Metadata that has been checked.

    scope:       what the client registered for, None when it did not say
    client_name: fit to be shown, "" when it has none
    Contacts are not kept: nobody reads them, and no store of ours holds an e-mail address.
    """

    redirect_uris: tuple[str, ...]
    token_endpoint_auth_method: str
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: tuple[str, ...] | None = None
    client_name: str = ""
    client_uri: str | None = None
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    application_type: str | None = None

    @property
    def allows_refresh(self) -> bool:
        return "refresh_token" in self.grant_types

    def to_document(self) -> dict[str, object]:
        """The members of RFC 7591 §2, those without a value left out."""
        members: dict[str, object] = {
            "redirect_uris": list(self.redirect_uris),
            "token_endpoint_auth_method": self.token_endpoint_auth_method,
            "grant_types": list(self.grant_types),
            "response_types": list(self.response_types),
            "scope": None if self.scope is None else render_scope(self.scope),
            "client_name": self.client_name,
            "client_uri": self.client_uri,
            "logo_uri": self.logo_uri,
            "tos_uri": self.tos_uri,
            "policy_uri": self.policy_uri,
            "software_id": self.software_id,
            "software_version": self.software_version,
            "application_type": self.application_type,
        }
        return {name: value for name, value in members.items() if value}

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "ClientMetadata":
        """Read what `to_document` wrote; nothing is checked again."""
        members = cast(Mapping[str, str], document)
        return cls(
            redirect_uris=tuple(members["redirect_uris"]),
            token_endpoint_auth_method=members["token_endpoint_auth_method"],
            grant_types=tuple(members["grant_types"]),
            response_types=tuple(members["response_types"]),
            scope=tuple(members["scope"].split(" ")) if "scope" in members else None,
            client_name=members.get("client_name", ""),
            client_uri=members.get("client_uri"),
            logo_uri=members.get("logo_uri"),
            tos_uri=members.get("tos_uri"),
            policy_uri=members.get("policy_uri"),
            software_id=members.get("software_id"),
            software_version=members.get("software_version"),
            application_type=members.get("application_type"),
        )


@dataclass(frozen=True, slots=True)
class MetadataPolicy:
    """What this deployment accepts, and how much of it."""

    supported_auth_methods: frozenset[str] = frozenset(
        {"none", "client_secret_basic", "client_secret_post"}
    )
    native_schemes: frozenset[str] = frozenset()
    max_redirect_uris: int = 20
    max_field_characters: int = 2048
    max_name_characters: int = 120


def read_registration(document: Mapping[str, object], policy: MetadataPolicy) -> ClientMetadata:
    """What a client that registers asked for, with the defaults of RFC 7591 §2.

    Members that we do not know are ignored, and null is the same as absent. The scope is read,
    not narrowed. Raises OAuthError("invalid_redirect_uri" or "invalid_client_metadata").
    """
    method = read_text(document, "token_endpoint_auth_method", policy) or "client_secret_basic"
    if method not in policy.supported_auth_methods:
        raise refusal("token_endpoint_auth_method is not supported")
    asked_grants = read_texts(document, "grant_types", policy)
    # An extension grant (RFC 6749 §4.5) is left out of what we echo; a plain one is refused.
    if not all(grant in _GRANT_TYPES or ":" in grant for grant in asked_grants or ()):
        raise refusal("grant_types has a grant type that is not supported")
    if not _RESPONSE_TYPES.issuperset(read_texts(document, "response_types", policy) or ()):
        raise refusal("response_types must be code")
    return read_metadata(document, policy, token_endpoint_auth_method=method)


def read_metadata(
    document: Mapping[str, object], policy: MetadataPolicy, *, token_endpoint_auth_method: str
) -> ClientMetadata:
    """All members but the authentication method; grant and response types beyond ours fall away.

    Raises OAuthError("invalid_redirect_uri" or "invalid_client_metadata").
    """
    redirect_uris = _read_redirect_uris(document, policy)
    grant_types = _read_known(document, "grant_types", _GRANT_TYPES, "authorization_code", policy)
    response_types = _read_known(document, "response_types", _RESPONSE_TYPES, "code", policy)
    _check_keys(document, policy)
    application_type = read_text(document, "application_type", policy)
    if application_type is not None and application_type not in _APPLICATION_TYPES:
        raise refusal("application_type must be native or web")
    return ClientMetadata(
        redirect_uris=redirect_uris,
        token_endpoint_auth_method=token_endpoint_auth_method,
        grant_types=grant_types,
        response_types=response_types,
        scope=_read_scope(document, policy),
        client_name=clean_display_name(
            read_text(document, "client_name", policy) or "", policy.max_name_characters
        ),
        client_uri=_read_page_uri(document, "client_uri", policy),
        logo_uri=_read_page_uri(document, "logo_uri", policy),
        tos_uri=_read_page_uri(document, "tos_uri", policy),
        policy_uri=_read_page_uri(document, "policy_uri", policy),
        software_id=read_text(document, "software_id", policy),
        software_version=read_text(document, "software_version", policy),
        application_type=application_type,
    )


def clean_display_name(value: str, max_characters: int) -> str:
    """A stranger's name, fit to be shown: nothing invisible, nothing that reorders or overprints.

    NFC, runs of white space collapsed, at most `max_characters`.
    """
    shown: list[str] = []
    marks_in_a_row = 0
    for character in unicodedata.normalize("NFC", value):
        category = unicodedata.category(character)
        marks_in_a_row = marks_in_a_row + 1 if category.startswith("M") else 0
        if character.isspace():
            shown.append(" ")
        elif not (
            category in _UNSHOWABLE
            or character in _INVISIBLE
            or marks_in_a_row > _MAX_MARKS_IN_A_ROW
        ):
            shown.append(character)
    name = unicodedata.normalize("NFC", " ".join("".join(shown).split()))
    return name[:max_characters].rstrip()


def read_text(document: Mapping[str, object], name: str, policy: MetadataPolicy) -> str | None:
    """A string member, or None when it is absent, null or empty."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > policy.max_field_characters:
        raise refusal(f"{name} must be a string of reasonable length")
    return value or None


def read_texts(
    document: Mapping[str, object], name: str, policy: MetadataPolicy
) -> tuple[str, ...] | None:
    """A member that is an array of strings, each once; None when it is absent or null."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _MAX_LIST:
        raise refusal(f"{name} must be an array of strings")
    if not all(
        isinstance(item, str) and len(item) <= policy.max_field_characters for item in value
    ):
        raise refusal(f"{name} must be an array of strings")
    return tuple(dict.fromkeys(value))


def refusal(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)


def _read_redirect_uris(document: Mapping[str, object], policy: MetadataPolicy) -> tuple[str, ...]:
    value = document.get("redirect_uris")
    if not isinstance(value, list) or not 0 < len(value) <= policy.max_redirect_uris:
        raise OAuthError("invalid_redirect_uri", "redirect_uris must be an array of redirect URIs")
    uris = [check_redirect_uri(uri, native_schemes=policy.native_schemes) for uri in value]
    if any(len(uri) > policy.max_field_characters for uri in uris):
        raise OAuthError("invalid_redirect_uri", "A redirect URI is too long")
    return tuple(dict.fromkeys(uris))


def _read_known(
    document: Mapping[str, object],
    name: str,
    known: frozenset[str],
    needed: str,
    policy: MetadataPolicy,
) -> tuple[str, ...]:
    asked = read_texts(document, name, policy)
    kept = (needed,) if asked is None else tuple(item for item in asked if item in known)
    if needed not in kept:
        raise refusal("grant_types needs authorization_code and response_types needs code")
    return kept


def _read_scope(document: Mapping[str, object], policy: MetadataPolicy) -> tuple[str, ...] | None:
    value = read_text(document, "scope", policy)
    if value is None:
        return None
    try:
        return parse_scope(value)
    except OAuthError as error:
        raise refusal("scope is malformed") from error


def _read_page_uri(document: Mapping[str, object], name: str, policy: MetadataPolicy) -> str | None:
    """A page to link to: https, or a page of this computer; never fetched by us."""
    value = read_text(document, name, policy)
    if value is None:
        return None
    try:
        url = parse_web_url(value)
    except ValueError:
        url = None
    if url is None or (url.scheme == "http" and not url.is_loopback):
        raise refusal(f"{name} must be an absolute https URL")
    return value


def _check_keys(document: Mapping[str, object], policy: MetadataPolicy) -> None:
    """RFC 7591 §2: one of jwks and jwks_uri, with public keys only."""
    jwks = document.get("jwks")
    jwks_uri = read_text(document, "jwks_uri", policy)
    if jwks is not None and jwks_uri is not None:
        raise refusal("jwks and jwks_uri exclude each other")
    if jwks_uri is not None:
        _check_jwks_uri(jwks_uri)
    if jwks is not None and not _is_public_key_set(jwks):
        raise refusal("jwks must be a set of public keys")


def _check_jwks_uri(jwks_uri: str) -> None:
    try:
        url = parse_web_url(jwks_uri)
    except ValueError:
        url = None
    if url is None or url.scheme != "https" or url.is_loopback or url.fragment is not None:
        raise refusal("jwks_uri must be an absolute https URL")


def _is_public_key_set(jwks: object) -> bool:
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    return isinstance(keys, list) and all(
        isinstance(key, dict)
        and isinstance(key.get("kty"), str)
        and key["kty"].lower() != "oct"
        and _PRIVATE_KEY_MEMBERS.isdisjoint(key)
        for key in keys
    )
