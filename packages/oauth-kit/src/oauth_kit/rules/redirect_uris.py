"""Redirect URIs: which may be registered, which is asked for (RFC 6749 §3.1.2, RFC 8252 §7)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote, unquote_plus

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.web_url import PORT, has_dot_segment, parse_web_url

# What we append ourselves (RFC 6749 §4.1.2, RFC 9207 §2): twice, a client might read the wrong one.
_RESPONSE_PARAMETERS: Final = frozenset(
    {"code", "state", "iss", "error", "error_description", "error_uri"}
)
# Refused whatever the operator lists: a browser runs, opens or interprets them itself.
_FORBIDDEN_SCHEMES: Final = frozenset(
    {"javascript", "data", "vbscript", "file", "filesystem", "blob", "about", "view-source"}
    | {"intent", "mailto", "tel", "sms", "jar", "ftp", "ws", "wss", "http", "https"}
)
_LOOPBACK: Final = re.compile(rf"http://(localhost|127\.0\.0\.1|\[::1\])(?::{PORT})?([/?][!-~]*)?")
_NATIVE: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+-]*(?:\.[A-Za-z0-9+-]+)*):"
    r"(/(?:[A-Za-z0-9\-._~!$&'()+,;=:/]|%[0-9A-Fa-f]{2})*)"
    r"(?:\?((?:[A-Za-z0-9\-._~!$&'()+,;=:@/?]|%[0-9A-Fa-f]{2})*))?"
)
_ORIGIN: Final = re.compile(r"(https?://[a-z0-9.\-:\[\]]+)(?:[/?#]|\Z)")


def check_redirect_uri(uri: object, *, native_schemes: frozenset[str]) -> str:
    """The URI unchanged, when it may be registered or stand in a document.

    native_schemes: private-use schemes without a dot that are nevertheless known, lower case
    Raises OAuthError("invalid_redirect_uri").
    """
    if not isinstance(uri, str):
        raise _refusal("is not a string")
    query = _web_query(uri) if uri.startswith(("http://", "https://")) else None
    if query is None:
        query = _native_query(uri, native_schemes)
    names = {unquote_plus(part.split("=", 1)[0]) for part in re.split("[&;]", query)}
    if not names.isdisjoint(_RESPONSE_PARAMETERS):
        raise _refusal("has a parameter of the response in its query")
    return uri


def redirect_uri_matches(registered: str, asked: str) -> bool:
    """Equal byte for byte, but for the port of a loopback redirect (RFC 8252 §7.3)."""
    if registered == asked:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(asked)
    return ours is not None and theirs is not None and ours.groups() == theirs.groups()


def pick_redirect_uri(registered: Sequence[str], asked: str | None) -> str | None:
    """Where the answer goes, or None for nowhere; nothing asked needs exactly one registered."""
    if not asked:
        return registered[0] if len(registered) == 1 else None
    return asked if any(redirect_uri_matches(uri, asked) for uri in registered) else None


def is_loopback_redirect(uri: str) -> bool:
    return _LOOPBACK.fullmatch(uri) is not None


def is_native_redirect(uri: str) -> bool:
    """Whether an app claims it by its scheme, so that any app of the machine might."""
    return not uri.startswith(("http://", "https://"))


def origin_of(uri: str) -> str | None:
    """`scheme://host[:port]` as written, or None for what is no web URL."""
    match = _ORIGIN.match(uri)
    return match[1] if match else None


def with_parameters(uri: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Append `parameters`, leaving every byte of `uri` as it is."""
    added = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters
    )
    if not added:
        return uri
    if "?" not in uri:
        return f"{uri}?{added}"
    return f"{uri}{added}" if uri.endswith(("?", "&")) else f"{uri}&{added}"


def _web_query(uri: str) -> str:
    try:
        parts = parse_web_url(uri)
    except ValueError as error:
        raise _refusal(str(error)) from None
    if parts.fragment is not None:
        raise _refusal("has a fragment")
    if "*" in uri:
        raise _refusal("has a wildcard")
    if parts.scheme == "http" and not parts.is_loopback:
        raise _refusal("is plain http beyond loopback")
    if parts.scheme == "https" and parts.is_loopback and parts.host != "localhost":
        raise _refusal("has a host that is not a plain DNS name")
    return parts.query or ""


def _native_query(uri: str, native_schemes: frozenset[str]) -> str:
    match = _NATIVE.fullmatch(uri)
    if match is None:
        raise _refusal("is neither a web URL nor a plain private-use URI")
    scheme, path, query = match[1].lower(), match[2], match[3]
    if scheme in _FORBIDDEN_SCHEMES or not ("." in scheme or scheme in native_schemes):
        raise _refusal("has a scheme that is not allowed")
    if has_dot_segment(path):
        raise _refusal("has a dot segment")
    return query or ""


def _refusal(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_redirect_uri",
        "A redirect URI must be https, http on loopback or a private-use scheme, in plain form "
        "without fragment, user, wildcard or parameters of the response.",
        reason=f"redirect URI {reason}",
    )
