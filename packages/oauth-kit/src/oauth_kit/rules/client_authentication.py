"""Is this caller the client it says it is? (RFC 6749 §2.3; `none`, basic and post)"""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_to_bytes

from oauth_kit.rules.errors import OAuthError

Method = Literal["none", "client_secret_basic", "client_secret_post"]

_SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})
_VSCHAR = re.compile(r"[\x20-\x7E]+")  # RFC 6749 appendix A.1, A.2
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Credentials:
    client_id: str
    method: Method
    secret: str | None = field(default=None, repr=False)


def read_credentials(authorization: Sequence[str], form: Mapping[str, str]) -> Credentials:
    """Who the caller says it is, by exactly one method.

    authorization: every Authorization header of the request
    form:          the body's parameters, empty ones left out
    Raises OAuthError: invalid_request for two methods at once, invalid_client (401) otherwise.
    """
    if len(authorization) > 1:
        raise OAuthError("invalid_request", "There is more than one Authorization header")
    used = bool(authorization) + ("client_secret" in form) + ("client_assertion" in form)
    if used > 1:
        raise OAuthError("invalid_request", "The client authenticates in more than one way")
    if "client_assertion" in form:
        raise _refused("client_assertion is not supported")
    if authorization:
        credentials = _read_basic(authorization[0])
        if form.get("client_id", credentials.client_id) != credentials.client_id:
            raise OAuthError("invalid_request", "client_id differs from the Authorization header")
        return credentials
    client_id = _checked(form.get("client_id", ""), "client_id")
    if "client_secret" not in form:
        return Credentials(client_id, "none")
    secret = _checked(form["client_secret"], "client_secret")
    return Credentials(client_id, "client_secret_post", secret)


def hash_secret(secret: str) -> str:
    """What is kept of a high-entropy secret; a slow hash would protect it no better."""
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(secret: str, hashed: str) -> bool:
    return hmac.compare_digest(hash_secret(secret).encode(), hashed.encode("utf-8", "replace"))


def authenticate(
    credentials: Credentials,
    *,
    method: str,
    method_was_defaulted: bool,
    secret_hash: str | None,
    secret_expires_at: int = 0,
    now: int,
) -> None:
    """Hold the credentials against what the client registered.

    method_was_defaulted: the registration named no method; such a client may use basic or post,
                          since it never chose one
    secret_expires_at:    Unix seconds, 0 = never
    Raises OAuthError("invalid_client").
    """
    swapped = (
        method_was_defaulted and method in _SECRET_METHODS and credentials.method in _SECRET_METHODS
    )
    if credentials.method != method and not swapped:
        raise _refused("the client registered another authentication method")
    if credentials.method == "none":
        return
    if secret_hash is None or credentials.secret is None:
        raise _refused("there is no secret to compare")
    if not secret_matches(credentials.secret, secret_hash):
        raise _refused("wrong secret")
    if secret_expires_at and now >= secret_expires_at:
        raise _refused("the secret has expired")


def _read_basic(header: str) -> Credentials:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _refused("the Authorization scheme is not Basic")
    client_id, _, secret = _decode_base64(encoded.strip(" ")).partition(":")
    return Credentials(
        _checked(_form_decoded(client_id), "client_id"),
        "client_secret_basic",
        _checked(_form_decoded(secret), "client_secret"),
    )


def _decode_base64(encoded: str) -> str:
    try:
        decoded = b64decode(encoded)
        # One spelling only: no unused bits, no stray padding (RFC 4648 §3.5).
        if b64encode(decoded).decode() != encoded:
            raise _refused("Basic credentials are not canonical base64")
        return decoded.decode("utf-8")
    except ValueError as error:
        raise _refused("Basic credentials are not base64 of UTF-8") from error


def _form_decoded(value: str) -> str:
    """Undo the form encoding that RFC 6749 §2.3.1 asks of both parts."""
    if _STRAY_PERCENT.search(value):
        raise _refused("Basic credentials are not form-encoded")
    try:
        return unquote_to_bytes(value.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused("Basic credentials are not UTF-8") from error


def _checked(value: str, name: str) -> str:
    if not _VSCHAR.fullmatch(value):
        raise _refused(f"{name} is missing or has characters outside %x20-7E")
    return value


def _refused(reason: str) -> OAuthError:
    """One sentence for all causes: a prober learns nothing."""
    return OAuthError("invalid_client", "Client authentication failed", reason=reason)
