"""The same application on three ports: each family of paths on its own."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.kit_service import Routes, send, serving

from oauth_kit.metrics import Metrics
from oauth_kit.web.answering import json_answer
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.service import ServicePorts, build_service

MANAGEMENT = (
    *("/livez", "/readyz", "/%6Civez", "/livez?x=1", "/livez#x", "http://x.example/livez"),
    *("/metrics", "/%6Detrics", "/metrics?x=1"),
)
INTERNAL = ("/internal/clients", "/%69nternal/clients", "/internal/%63lients?x=1")
PUBLIC = ("/token", "/t%6Fken", "/token?path=/internal/clients", "/token?/livez")
NOWHERE = (
    "//livez",
    "/livez/",
    "/./livez",
    "/livez;x",
    "/token/../livez",
    "/token/%2e%2e/livez",
    "/token/..%2Flivez",
    "//internal/clients",
    "/internal",
    "/internal/",
    "/internal%2Fclients",
    "/internal/../internal/clients",
    "/token/../internal/clients",
    "/token/..%2finternal/clients",
    "/INTERNAL/clients",
    "/LIVEZ",
    *("//metrics", "/metrics/", "/token/../metrics", "/token/..%2fmetrics", "/METRICS"),
)


async def fine(request: web.Request) -> web.Response:
    return json_answer({"path": request.path})


@pytest.fixture
async def ports() -> AsyncIterator[ServicePorts]:
    cors = [CorsRule(("/token",), ("POST", "OPTIONS"))]
    routes = (web.get("/token", fine), web.get("/internal/clients", fine))
    async with serving(*routes, cors=cors) as ports:
        yield ports


async def statuses(ports: ServicePorts, target: str, **options: str) -> dict[str, int]:
    assert ports.internal is not None
    return {
        name: (await send(port, target, **options)).status  # type: ignore[arg-type]
        for name, port in (
            ("public", ports.public),
            ("management", ports.management),
            ("internal", ports.internal),
        )
    }


@pytest.mark.requirement("OP5")
@pytest.mark.parametrize(
    ("family", "target"),
    [
        *(("management", target) for target in MANAGEMENT),
        *(("internal", target) for target in INTERNAL),
        *(("public", target) for target in PUBLIC),
        *((None, target) for target in NOWHERE),
    ],
)
async def test_a_path_answers_on_the_port_of_its_family_only(
    ports: ServicePorts, family: str | None, target: str
) -> None:
    expected = dict.fromkeys(("public", "management", "internal"), 404)
    if family is not None:
        expected[family] = 200
    assert await statuses(ports, target) == expected


@pytest.mark.requirement("OP5")
async def test_the_host_header_does_not_choose_the_port(ports: ServicePorts) -> None:
    for name in ("Host", "X-Forwarded-Host", "X-Forwarded-Port"):
        forged = [(name, f"127.0.0.1:{ports.management}")]
        assert (await send(ports.public, "/livez", headers=forged)).status in (400, 404)


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
async def test_a_wrong_port_does_not_even_tell_the_methods(
    ports: ServicePorts, method: str
) -> None:
    for target in ("/livez", "/metrics", "/internal/clients"):
        answer = await send(ports.public, target, method=method)
        assert (answer.status, answer.headers.get("Allow")) == (404, None)


async def test_preflights_are_answered_on_the_public_port_only(ports: ServicePorts) -> None:
    assert await statuses(ports, "/token", method="OPTIONS") == {
        "public": 204,
        "management": 404,
        "internal": 404,
    }


async def test_without_an_internal_port_internal_paths_answer_nowhere() -> None:
    routes = Routes([web.get("/internal/clients", fine), web.get("/token", fine)])
    server = TestServer(
        build_service([routes], name="x", ports=None, metrics=Metrics()), host="127.0.0.1"
    )
    await server.start_server()
    assert server.port is not None
    assert (await send(server.port, "/internal/clients")).status == 200
    await server.close()

    ports = ServicePorts(public=1, management=2)
    server = TestServer(
        build_service([routes], name="x", ports=ports, metrics=Metrics()), host="127.0.0.1"
    )
    await server.start_server()
    assert server.port is not None
    assert (await send(server.port, "/internal/clients")).status == 404
    assert (await send(server.port, "/token")).status == 404
    await server.close()
