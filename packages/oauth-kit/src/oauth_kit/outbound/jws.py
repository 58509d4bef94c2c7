"""Signed tokens read strictly, and the keys that may verify them (RFC 7515, RFC 7517, RFC 8725)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object

log = structlog.get_logger()

MAX_TOKEN_CHARACTERS: Final = 16 * 1024
MAX_KEYS: Final = 50
_RSA_MIN_BITS: Final = 2048
_BASE64URL: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_KEY_TYPES: Final = {"RSA": "RS256", "EC": "ES256"}
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """A token taken apart. Nothing in it is true until its signature has been checked."""

    unverified_header: dict[str, object]
    unverified_claims: dict[str, object]
    signing_input: bytes
    signature: bytes


def read_jws(token: str) -> UnverifiedJws:
    """Take a compact JWS apart: canonical base64url, JSON objects without duplicate names.

    Raises OAuthError("invalid_token").
    """
    parts = token.split(".")
    if len(token) > MAX_TOKEN_CHARACTERS or len(parts) != 3:
        raise invalid_token("not a compact JWS of bearable size")
    try:
        header, payload, signature = (_decode(part) for part in parts)
        return UnverifiedJws(
            parse_json_object(header),
            parse_json_object(payload),
            token.rpartition(".")[0].encode("ascii"),
            signature,
        )
    except ValueError as error:
        raise invalid_token(f"malformed JWS: {error}") from error


def invalid_token(reason: str) -> OAuthError:
    return OAuthError("invalid_token", "The token is not valid", reason=reason)


def check_signature(token: UnverifiedJws, key: PyJWK) -> None:
    """Raises OAuthError("invalid_token")."""
    if not key.Algorithm.verify(token.signing_input, key.key, token.signature):
        raise invalid_token("signature does not match")


def read_signing_keys(document: Mapping[str, object]) -> dict[str, PyJWK]:
    """The keys of a JWK Set that may verify signatures, by `kid`; others are left out.

    Raises ValueError when the document is no JWK Set.
    """
    entries = document.get("keys")
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError("keys is not a list of bearable length")
    keys: dict[str, PyJWK] = {}
    ambiguous: set[str] = set()
    for entry in entries:
        key = _signing_key(entry)
        if key is None or key.key_id is None:
            continue
        if key.key_id in keys:
            ambiguous.add(key.key_id)
        keys[key.key_id] = key
    return {kid: key for kid, key in keys.items() if kid not in ambiguous}


def _signing_key(entry: object) -> PyJWK | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or not entry["kid"]:
        return None
    algorithm = _KEY_TYPES.get(str(entry.get("kty")))
    if algorithm is None or not _is_for_signatures(entry, algorithm):
        return None
    try:
        key = PyJWK(entry, algorithm=algorithm)
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError) as error:
        log.warning("signing_key_unusable", reason=type(error).__name__)
        return None
    return key if _is_strong(key, algorithm) else None


def _is_for_signatures(entry: Mapping[str, object], algorithm: str) -> bool:
    operations = entry.get("key_ops")
    return (
        entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and not _PRIVATE_MEMBERS & entry.keys()
    )


def _is_strong(key: PyJWK, algorithm: str) -> bool:
    if algorithm == "RS256":
        return int(key.key.key_size) >= _RSA_MIN_BITS
    return str(key.key.curve.name) == "secp256r1"


def _decode(part: str) -> bytes:
    """Base64url without padding, and only in its one canonical spelling."""
    if not _BASE64URL.issuperset(part):
        raise ValueError("a part is not base64url")
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError("a part is not base64url") from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode("ascii") != part:
        raise ValueError("a part is not canonical base64url")
    return decoded
