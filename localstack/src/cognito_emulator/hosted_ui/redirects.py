"""Redirects, built by appending: the registered URI stays as it is, byte for byte."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from aiohttp import web

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def redirect(location: str, parameters: Mapping[str, str | None]) -> web.Response:
    """302 with the parameters that have a value added to the query.

    Not web.HTTPFound: it would rewrite the URI on its way.
    """
    query = urlencode({k: v for k, v in parameters.items() if v is not None}, quote_via=quote)
    if query:
        location += ("&" if "?" in location else "?") + query
    return web.Response(status=302, headers={"Location": location, **NO_STORE})
