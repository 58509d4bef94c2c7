"""Values to responses: JSON nobody keeps, redirects byte for byte, pages nobody frames."""

import json
from collections.abc import Mapping

from aiohttp import web

_compact = json.JSONEncoder(separators=(",", ":")).encode

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

# form-action stays out: browsers apply it to the whole redirect chain that follows a form
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SCRIPT_POLICY = f"{_POLICY}; script-src 'self'; connect-src 'self'"

_PAGE_HEADERS = {
    **NO_STORE,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}


def json_answer(
    document: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cacheable_seconds: int | None = None,
) -> web.Response:
    """A JSON document; `no-store` unless it says for how long anyone may keep it."""
    caching = (
        NO_STORE
        if cacheable_seconds is None
        else {"Cache-Control": f"public, max-age={cacheable_seconds}"}
    )
    return web.Response(
        body=_compact(document).encode(),
        status=status,
        content_type="application/json",
        headers={**caching, "X-Content-Type-Options": "nosniff", **(headers or {})},
    )


def redirect(
    location: str, *, status: int = 303, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A redirect whose Location is exactly `location`: aiohttp's own would normalise it."""
    return web.Response(
        status=status,
        headers={
            "Location": location,
            **NO_STORE,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        },
    )


def html_page(
    text: str,
    *,
    status: int = 200,
    has_form: bool = False,
    has_script: bool = False,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A page under our content security policy. Scripts are files of ours, where there are any.

    A page with a form sends its own origin along: with `no-referrer` browsers post `Origin: null`.
    """
    policy = "same-origin" if has_form else "no-referrer"
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={
            **_PAGE_HEADERS,
            "Content-Security-Policy": _SCRIPT_POLICY if has_script else _POLICY,
            "Referrer-Policy": policy,
            **(headers or {}),
        },
    )


def empty(status: int = 204, *, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, headers={**NO_STORE, **(headers or {})})
