"""Which URLs Cognito takes: callbacks, sign-out URLs and resource indicators."""

import re
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARS = 1024
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

# Schemes that run or read something in the browser itself; an app cannot own them.
BROWSER_SCHEMES = frozenset(
    {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript"}
)

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_FORBIDDEN = re.compile(r"[\s\x00-\x20\x7f\\]")


def callback_url_problem(url: str) -> str | None:
    """Say why `url` cannot be a CallbackURLs or LogoutURLs entry, or None when it can.

    CreateUserPoolClient, CallbackURLs: absolute, no fragment, HTTPS except loopback hosts
    with any port; custom schemes such as `myapp://example`.
    """
    if not 1 <= len(url) <= MAX_URL_CHARS:
        return "must have 1 to 1024 characters"
    parts = _absolute(url)
    if parts is None:
        return "is not an absolute URI"
    if "#" in url:
        return "must not have a fragment"
    scheme = parts.scheme.lower()
    if scheme in BROWSER_SCHEMES:
        return "has a scheme that an app cannot own"
    if scheme in {"http", "https"} and "@" in parts.netloc:
        return "must not carry user information"
    if scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        return "must use HTTPS outside localhost"
    return None


def is_resource_indicator(url: str) -> bool:
    """May `resource` be this URL?

    "Resource binding": `https://`, `http://localhost` or a custom scheme; so a loopback
    address is refused. A fragment is forbidden by RFC 8707 §2.
    """
    parts = _absolute(url)
    if parts is None or "#" in url or len(url) > MAX_URL_CHARS or "@" in parts.netloc:
        return False
    scheme = parts.scheme.lower()
    if scheme == "http":
        return parts.hostname == "localhost"
    return scheme not in BROWSER_SCHEMES


def _absolute(url: str) -> SplitResult | None:
    """Split `scheme://host…`; None when it is anything else."""
    scheme, separator, _rest = url.partition("://")
    if not separator or not _SCHEME.match(scheme) or _FORBIDDEN.search(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    if not parts.netloc and parts.scheme.lower() in {"http", "https"}:
        return None
    if parts.scheme.lower() in {"http", "https"} and not parts.hostname:
        return None
    return parts
