"""Reads forms exactly; anything odd is invalid_request."""

from aiohttp import web

from cognito_emulator.rules.errors import TokenError
from cognito_emulator.rules.parameters import Parameters

MAX_FORM_BYTES = 64 * 1024


async def read_token_form(request: web.Request) -> Parameters:
    """The form of a token or revocation request, each name once (RFC 6749 §3.2)."""
    form = await read_form(request)
    if form is None:
        raise TokenError("invalid_request", "the body must be application/x-www-form-urlencoded")
    if form.repeated():
        raise TokenError("invalid_request", "a parameter is given more than once")
    return form


async def read_form(request: web.Request) -> Parameters | None:
    """The form, or None when there is none that can be read."""
    if request.content_type != "application/x-www-form-urlencoded":
        return None
    if (request.content_length or 0) > MAX_FORM_BYTES:
        return None
    body = await request.read()
    if len(body) > MAX_FORM_BYTES:
        return None
    try:
        return Parameters.parse(body.decode("ascii"))
    except ValueError:
        return None


def code_of(form: Parameters | None) -> str:
    """The code that a person copied from a mail, without the spaces that came along."""
    return "".join(((form.only("confirmation_code") if form else None) or "").split())
