"""JSON bodies of requests: the media type first, then the size, then the text."""

from aiohttp import web

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.reading import read_json_object


def check_json_media_type(request: web.Request) -> None:
    """Raises OAuthError("invalid_request") with status 415 for anything but JSON."""
    if request.content_type != "application/json":
        raise OAuthError("invalid_request", "The body must be application/json", status=415)


async def read_json(request: web.Request, *, max_bytes: int) -> dict[str, object]:
    """Raises OAuthError("invalid_request"): 415, 413 or 400."""
    check_json_media_type(request)
    return await read_json_object(request, max_bytes=max_bytes)
