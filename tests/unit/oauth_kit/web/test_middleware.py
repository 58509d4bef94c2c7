"""Every answer has its id, every refusal its form, and nothing of a bug reaches the outside."""

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.kit_service import Answer, Routes, send, serving
from structlog.testing import capture_logs

from oauth_kit.logging import REQUEST, add_request
from oauth_kit.metrics import Metrics
from oauth_kit.rules.errors import AuthorizationError, OAuthError
from oauth_kit.web.answering import html_page, json_answer
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.endpoint import Handler
from oauth_kit.web.service import ServicePorts, build_service

BASIC = 'Basic realm="token endpoint", charset="UTF-8"'


def raising(error: BaseException) -> web.RouteDef:
    async def handle(request: web.Request) -> web.Response:
        raise error

    return web.get("/raise", handle)


async def answer_to(error: BaseException, *headers: tuple[str, str]) -> Answer:
    async with serving(raising(error)) as ports:
        return await send(ports.public, "/raise", headers=headers)


async def fine(request: web.Request) -> web.Response:
    return json_answer({"fine": True})


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(b"streamed")
    return response


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/elsewhere")


def render_page(request: web.Request, error: OAuthError, reference: str) -> web.Response:
    text = f"{error.code} {error.description} {reference}"
    return html_page(text, status=error.status)


@pytest.fixture
async def ports() -> AsyncIterator[ServicePorts]:
    async def bug(request: web.Request) -> web.Response:
        raise ValueError("the canary of this bug")

    async with serving(
        web.get("/fine", fine),
        web.get("/stream", stream),
        web.get("/moved", moved),
        web.get("/bug", bug),
        web.get("/page", bug),
        web.post("/post", fine),
        cors=[CorsRule(("/fine", "/bug", "/stream"), ("GET", "OPTIONS"))],
        page_paths=frozenset({"/page", "/lost-page"}),
        error_page=render_page,
    ) as ports:
        yield ports


@pytest.mark.requirement("B18", "OP2")
@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/fine", (), 200),
        ("HEAD", "/fine", (), 200),
        ("GET", "/stream", (), 200),
        ("GET", "/moved", (), 303),
        ("OPTIONS", "/fine", (), 204),
        ("GET", "/nothing", (), 404),
        ("OPTIONS", "/nothing", (), 404),
        ("DELETE", "/post", (), 405),
        ("OPTIONS", "/post", (), 405),
        ("POST", "/post", (("Expect", "canary"),), 417),
        ("GET", "/bug", (), 500),
        ("GET", "/page", (), 500),
        ("GET", "/lost-page", (), 404),
    ],
)
async def test_every_answer_has_an_id_and_is_not_kept(
    ports: ServicePorts, method: str, target: str, headers: tuple[tuple[str, str], ...], status: int
) -> None:
    ids = set()
    for _ in range(2):
        forged = [("X-Request-Id", "chosen-by-the-caller"), *headers]
        answer = await send(ports.public, target, method=method, headers=forged)
        assert answer.status == status
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        ids.add(answer.headers["X-Request-Id"])
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", request_id) for request_id in ids)


@pytest.mark.requirement("TK28", "OP1", "B17")
async def test_a_bug_is_a_500_that_says_nothing(ports: ServicePorts) -> None:
    with capture_logs() as lines:
        answer = await send(ports.public, "/bug?code=canary")
    assert answer.status == 500
    assert answer.json() == {
        "error": "server_error",
        "error_description": "Something went wrong on our side",
    }
    assert b"canary" not in answer.body
    assert [line["event"] for line in lines] == ["unexpected_error", "refused", "request_handled"]
    assert all("canary" not in str({**line, "exc_info": None}) for line in lines)


@pytest.mark.requirement("OP2")
async def test_a_request_is_one_line_with_the_id_of_its_answer(ports: ServicePorts) -> None:
    with capture_logs(processors=[add_request]) as lines:
        answer = await send(ports.public, "/fine?code=canary")
    [line] = lines
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request_handled",
        "log_level": "info",
        "method": "GET",
        "path": "/fine",
        "request_id": answer.headers["X-Request-Id"],
        "status": 200,
    }


async def test_a_quiet_service_logs_only_what_it_refuses() -> None:
    refusal = raising(OAuthError("invalid_request", "Wrong"))
    async with serving(web.get("/fine", fine), refusal, quiet=True) as ports:
        with capture_logs() as lines:
            for path in ("/fine", "/raise", "/nothing"):
                await send(ports.public, path)
    handled = [line for line in lines if line["event"] == "request_handled"]
    assert [(line["status"], line["log_level"]) for line in handled] == [
        (200, "debug"),
        (400, "info"),
        (404, "info"),
    ]


async def test_what_follows_on_a_connection_says_nothing_of_the_request_before() -> None:
    said: list[dict[str, object]] = []

    @web.middleware
    async def outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        said.append(dict(REQUEST.get()))
        return response

    routes = Routes([web.get("/fine", fine)])
    app = build_service([routes], name="x", ports=None, metrics=Metrics())
    app.middlewares.insert(0, outermost)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    assert server.port is not None
    await send(server.port, "/fine")
    await server.close()
    assert said == [{}]


@pytest.mark.requirement("TK28")
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OAuthError("invalid_request", "Wrong", reason="canary"), 400, "invalid_request"),
        (OAuthError("invalid_grant", "Wrong", reason="canary"), 400, "invalid_grant"),
        (OAuthError("access_denied", "Wrong", reason="canary"), 403, "access_denied"),
        (OAuthError("invalid_request", "Wrong", reason="canary", status=413), 413, None),
        (OAuthError("server_error", "Wrong", reason="canary"), 500, "server_error"),
        (AuthorizationError("invalid_scope", "Wrong", state="canary"), 400, "invalid_scope"),
    ],
    ids=str,
)
async def test_a_refusal_is_json_without_its_reason(
    error: OAuthError, status: int, code: str | None
) -> None:
    answer = await answer_to(error)
    assert answer.status == status
    assert answer.json() == {"error": code or error.code, "error_description": "Wrong"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert "WWW-Authenticate" not in answer.headers
    assert "Retry-After" not in answer.headers


@pytest.mark.requirement("TK29", "OP6")
@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (OAuthError("temporarily_unavailable", "Later"), "5"),
        (OAuthError("temporarily_unavailable", "Later", status=429, retry_after_seconds=60), "60"),
        (OAuthError("temporarily_unavailable", "Later", retry_after_seconds=0), "0"),
    ],
)
async def test_who_may_try_again_is_told_when(error: OAuthError, retry_after: str) -> None:
    answer = await answer_to(error)
    assert (answer.status, answer.headers["Retry-After"]) == (error.status, retry_after)


@pytest.mark.requirement("TK13")
@pytest.mark.parametrize(
    ("error", "sent", "challenge"),
    [
        (OAuthError("invalid_client", "No"), [("Authorization", "Basic eDp5")], BASIC),
        (OAuthError("invalid_client", "No"), [("Authorization", "Bearer x")], BASIC),
        (OAuthError("invalid_client", "No"), [], None),
        (OAuthError("invalid_client", "No", status=400), [("Authorization", "Basic eA==")], None),
        (OAuthError("invalid_grant", "No"), [("Authorization", "Basic eDp5")], None),
        (OAuthError("invalid_token", "No"), [("Authorization", "Bearer x")], None),
    ],
)
async def test_basic_is_asked_for_where_a_header_failed(
    error: OAuthError, sent: list[tuple[str, str]], challenge: str | None
) -> None:
    answer = await answer_to(error, *sent)
    assert answer.headers.get("WWW-Authenticate") == challenge


@pytest.mark.requirement("ASM15", "RV5", "TK3")
async def test_a_wrong_method_is_told_the_right_ones(ports: ServicePorts) -> None:
    answer = await send(ports.public, "/fine", method="DELETE")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "This method is not allowed here",
    }


async def test_an_unknown_path_is_json(ports: ServicePorts) -> None:
    answer = await send(ports.public, "/nothing")
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "There is nothing at this address",
    }
    assert "Allow" not in answer.headers


@pytest.mark.parametrize(
    ("error", "status", "description"),
    [
        (web.HTTPRequestEntityTooLarge(1, 2), 413, "The request body is too large"),
        (web.HTTPUnprocessableEntity(text="canary"), 422, "The request cannot be served"),
        (web.HTTPBadGateway(text="canary"), 502, "The request cannot be served"),
    ],
)
async def test_what_aiohttp_raises_is_said_in_our_words(
    error: web.HTTPError, status: int, description: str
) -> None:
    answer = await answer_to(error)
    assert (answer.status, answer.json()["error_description"]) == (status, description)
    assert answer.json()["error"] == ("server_error" if status > 499 else "invalid_request")


async def test_a_raised_redirect_stays_one(ports: ServicePorts) -> None:
    answer = await send(ports.public, "/moved")
    assert (answer.status, answer.headers["Location"]) == (303, "/elsewhere")


@pytest.mark.requirement("OP1", "A17")
@pytest.mark.parametrize(("target", "status"), [("/page?code=canary", 500), ("/lost-page", 404)])
async def test_people_get_a_page_with_the_number_that_the_log_has(
    ports: ServicePorts, target: str, status: int
) -> None:
    answer = await send(ports.public, target)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["X-Request-Id"] in answer.body.decode()
    assert b"canary" not in answer.body


@pytest.mark.requirement("D2")
async def test_refusals_can_be_read_from_other_origins_where_answers_can(
    ports: ServicePorts,
) -> None:
    headers = [("Origin", "https://other.example")]
    for target, method in (("/bug", "GET"), ("/fine", "DELETE"), ("/stream", "GET")):
        answer = await send(ports.public, target, method=method, headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for target in ("/page", "/lost-page", "/nothing", "/post"):
        answer = await send(ports.public, target, headers=headers)
        assert not any(name.startswith("Access-Control-") for name in answer.headers)
