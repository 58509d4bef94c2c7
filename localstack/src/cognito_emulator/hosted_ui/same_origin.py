"""Does a form come from our own page? Otherwise a stranger's page could sign a browser in."""

from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_same_origin(request: web.Request, public_url: str) -> bool:
    """Judge Sec-Fetch-Site and Origin; a program that sends neither is no browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == public_url or origin == _loopback_origin(request)


def _loopback_origin(request: web.Request) -> str | None:
    """The emulator is also reached as 127.0.0.1, by whoever typed that.

    No other name: a stranger may have given theirs this address (DNS rebinding).
    """
    origin = f"http://{request.headers.get('Host', '')}"
    try:
        return origin if urlsplit(origin).hostname in LOOPBACK else None
    except ValueError:
        return None
