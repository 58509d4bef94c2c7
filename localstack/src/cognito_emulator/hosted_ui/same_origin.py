"""Does a form come from our own page? Otherwise a stranger's page could sign a browser in."""

from aiohttp import web


def is_same_origin(request: web.Request, public_url: str) -> bool:
    """Judge Sec-Fetch-Site and Origin; a program that sends neither is no browser."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    # The second: the emulator is also reached as 127.0.0.1, by whoever typed that.
    return origin in {public_url, f"http://{request.headers.get('Host', '')}"}
