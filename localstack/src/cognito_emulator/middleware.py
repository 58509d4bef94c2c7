"""Every refusal becomes HTTP here, and every request one line of the log."""

import json
import time
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from cognito_emulator import json_log
from cognito_emulator.hosted_ui.redirects import redirect
from cognito_emulator.ministack_client import MiniStackUnavailableError
from cognito_emulator.oauth.token import CORS, NO_STORE
from cognito_emulator.rules.errors import ApiError, ErrorPage, TokenError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request: path and outcome, never a query, a body or a header."""
    started = time.monotonic()
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        known = request.match_info.route.resource is not None
        json_log.info(
            "request_handled",
            method=request.method,
            path=request.path if known else "unknown",
            status=status,
            milliseconds=round((time.monotonic() - started) * 1000, 1),
            **request.get("event", {}),
        )
    return response


@web.middleware
async def answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place that knows how Cognito says no."""
    try:
        return await handler(request)
    except ApiError as error:
        return api_refusal(error)
    except TokenError as error:
        return token_refusal(request, error)
    except ErrorPage as error:
        return redirect("/error", {"error": error.error, "client_id": error.client_id})
    except web.RequestPayloadError:  # not what its Content-Encoding promises
        return web.Response(status=400, text="The body cannot be read.\n")
    except MiniStackUnavailableError:
        json_log.error("ministack_unavailable")
        return web.Response(status=503, text="MiniStack does not answer.\n")


def api_refusal(error: ApiError) -> web.Response:
    """AWS JSON 1.1: the type in the body and in a header."""
    return web.Response(
        status=400,
        text=json.dumps({"__type": error.error_type, "message": error.message}),
        content_type="application/x-amz-json-1.1",
        headers={"x-amzn-ErrorType": error.error_type, "x-amzn-RequestId": str(uuid.uuid4())},
    )


def token_refusal(request: web.Request, error: TokenError) -> web.Response:
    """RFC 6749 §5.2, with Cognito's 400 for invalid_client."""
    request["event"] = {**request.get("event", {}), "error": error.code}
    body: dict[str, str] = {"error": error.code}
    if error.description:
        body["error_description"] = error.description
    return web.json_response(body, status=error.status, headers={**CORS, **NO_STORE})
