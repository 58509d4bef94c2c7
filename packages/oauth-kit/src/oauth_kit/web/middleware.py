"""What surrounds every request: its id and log line, its port, and the one place that refuses."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from oauth_kit.logging import REQUEST
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import NO_STORE, json_answer
from oauth_kit.web.cors import CorsRule, find_rule
from oauth_kit.web.endpoint import Handler
from oauth_kit.web.management import MANAGEMENT_PATHS
from oauth_kit.web.request_durations import RequestDurations

log = structlog.get_logger()

ErrorPage = Callable[[web.Request, OAuthError, str], web.StreamResponse]
"""Renders a refusal for people; the third argument is the reference number that the log has."""

PrepareHook = Callable[[web.Request, web.StreamResponse], Awaitable[None]]

INTERNAL_PREFIX = "/internal/"
REQUEST_ID = web.RequestKey("request_id", str)


def request_context(durations: RequestDurations, *, quiet: bool) -> Middleware:
    """Give the request an id and, when it is over, its place in the metrics and a line in the log.

    quiet: successes are logged at debug level (a server whose calls are many and cheap)
    """
    # looked up once: a logger that is still lazy would look for its configuration each time
    succeeded, failed = log.debug if quiet else log.info, log.info

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request_id = request[REQUEST_ID] = _new_id()
        about = {"request_id": request_id, "method": request.method, "path": request.path}
        outside = REQUEST.set(about)
        try:
            response = await handler(request)
            seconds = time.perf_counter() - started
            durations.observe(request, response.status, seconds)
            write = succeeded if response.status < 400 else failed
            milliseconds = round(seconds * 1000, 2)
            write("request_handled", status=response.status, milliseconds=milliseconds)
        finally:
            REQUEST.reset(outside)
        return response

    return middleware


def common_headers(rules: Sequence[CorsRule]) -> PrepareHook:
    """What every answer carries: streams and the answers that aiohttp makes by itself included."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        # what aiohttp answers by itself has passed no middleware
        response.headers["X-Request-Id"] = request.get(REQUEST_ID) or _new_id()
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if "Cache-Control" not in response.headers:
            response.headers.update(NO_STORE)
        rule = find_rule(rules, request.path)
        if rule is not None:
            response.headers.update(rule.answer_headers(request.headers.get("Origin")))

    return add


def refusals(page_paths: frozenset[str], error_page: ErrorPage | None) -> Middleware:
    """Turn exceptions into answers: JSON for programs, a page on `page_paths`."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except OAuthError as error:
            refusal, extra = error, dict[str, str]()
        except web.HTTPError as error:
            refusal, extra = _from_http_error(error)
        except web.HTTPException:
            raise
        except Exception:
            log.exception("unexpected_error")
            refusal, extra = OAuthError("server_error", "Something went wrong on our side"), {}
        log.info("refused", code=refusal.code, status=refusal.status, reason=refusal.reason or "-")
        if error_page is not None and request.path in page_paths:
            response = error_page(request, refusal, request[REQUEST_ID])
        else:
            response = _as_json(request, refusal)
        response.headers.update(extra)
        if refusal.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(refusal.retry_after_seconds)
        return response

    return middleware


def port_families(public: int, management: int, internal: int | None) -> Middleware:
    """Serve each family of paths on its own local port only.

    The same application answers on every socket it is bound to; without this, management and
    internal paths would be public.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in MANAGEMENT_PATHS:
            expected: int | None = management
        elif request.path.startswith(INTERNAL_PREFIX):
            expected = internal
        else:
            expected = public
        name = request.transport.get_extra_info("sockname") if request.transport else None
        if expected is None or not isinstance(name, tuple) or name[1] != expected:
            raise web.HTTPNotFound
        return await handler(request)

    return middleware


def preflights(rules: Sequence[CorsRule]) -> Middleware:
    """Answer what browsers ask before they call from another origin."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        rule = find_rule(rules, request.path) if request.method == "OPTIONS" else None
        if rule is None:
            return await handler(request)
        return rule.preflight(request.headers.get("Origin"))

    return middleware


def _new_id() -> str:
    """Ours alone: an id that the caller sends would let him forge lines of the log."""
    return os.urandom(16).hex()


def _as_json(request: web.Request, error: OAuthError) -> web.Response:
    headers = {}
    if (
        error.status == 401
        and error.code == "invalid_client"
        and "Authorization" in request.headers
    ):
        headers["WWW-Authenticate"] = 'Basic realm="token endpoint", charset="UTF-8"'
    return json_answer(
        {"error": error.code, "error_description": error.description},
        status=error.status,
        headers=headers,
    )


def _from_http_error(error: web.HTTPError) -> tuple[OAuthError, dict[str, str]]:
    descriptions = {
        404: "There is nothing at this address",
        405: "This method is not allowed here",
        413: "The request body is too large",
    }
    description = descriptions.get(error.status, "The request cannot be served")
    code = "server_error" if error.status >= 500 else "invalid_request"
    extra = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return OAuthError(code, description, status=error.status), extra  # type: ignore[arg-type]
