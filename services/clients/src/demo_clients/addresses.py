"""Which addresses, read from strangers' metadata, we call or send a browser to (RFC 9700 §4.1)."""

from typing import Final

from demo_clients.problems import Problem
from oauth_kit.rules.web_url import WebUrl, parse_web_url

_MAX_CHARACTERS: Final = 2048
_PRIVATE_ENDINGS: Final = (".localhost", ".local", ".internal", ".home.arpa")


def is_loopback_url(url: str) -> bool:
    """Does one of our own URLs name this computer?"""
    return parse_web_url(url).is_loopback


def check_server_url(url: object, what: str, *, loopback_allowed: bool) -> str:
    """Return the URL of a server's endpoint as it is, or raise Problem.

    https, or http to this computer when our own resource is on it: nothing that a browser
    would run (`javascript:`), open (`file:`) or send in clear, no address literal, no userinfo,
    no fragment.

    what: the metadata member it comes from
    loopback_allowed: our own resource is on this computer, so private hosts are fine too
    """
    if not isinstance(url, str) or len(url) > _MAX_CHARACTERS:
        raise _refused(what, "is not a URL")
    try:
        parts = parse_web_url(url)
    except ValueError as error:
        raise _refused(what, str(error)) from None
    if parts.fragment is not None:
        raise _refused(what, "has a fragment")
    if parts.scheme == "http" and not parts.is_loopback:
        raise _refused(what, "is plain http")
    if _is_private(parts) and not loopback_allowed:
        raise _refused(what, "has a private host")
    return url


def _is_private(parts: WebUrl) -> bool:
    return parts.is_loopback or "." not in parts.host or parts.host.endswith(_PRIVATE_ENDINGS)


def _refused(what: str, reason: str) -> Problem:
    return Problem(
        f"The server's metadata has a {what} that this client does not use.",
        reason=f"{what} {reason}",
    )
