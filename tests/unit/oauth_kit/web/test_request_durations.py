"""Requests are counted by what our code calls them, never by what a stranger sends."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from fakes.kit_service import send, serving
from fakes.scraped import Scraped

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import json_answer
from oauth_kit.web.cors import CorsRule
from oauth_kit.web.service import ServicePorts

COUNT = "authstack_http_request_duration_seconds_count"


async def fine(request: web.Request) -> web.Response:
    return json_answer({})


async def refuse(request: web.Request) -> web.Response:
    raise OAuthError("temporarily_unavailable", "Later", reason="canary")


async def bug(request: web.Request) -> web.Response:
    raise ValueError("canary")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(b"streamed")
    return response


@pytest.fixture
async def ports() -> AsyncIterator[ServicePorts]:
    async with serving(
        web.get("/things/{id}", fine),
        web.post("/things", fine),
        web.route("*", "/anything", fine),
        web.get("/refuse", refuse),
        web.get("/bug", bug),
        web.get("/stream", stream),
        cors=[CorsRule(("/things",), ("POST",))],
    ) as ports:
        yield ports


async def scrape(ports: ServicePorts) -> Scraped:
    return Scraped.of((await send(ports.management, "/metrics")).body.decode())


@pytest.mark.requirement("OP1")
@pytest.mark.parametrize(
    ("method", "target", "route", "counted_as", "status"),
    [
        ("GET", "/things/canary", "/things/{id}", "GET", "2xx"),
        ("HEAD", "/things/canary?token=canary", "/things/{id}", "HEAD", "2xx"),
        ("GET", "/%74hings/canary%0a", "/things/{id}", "GET", "2xx"),
        ("POST", "/things?canary", "/things", "POST", "2xx"),
        ("GET", "/canary", "none", "GET", "4xx"),
        ("GET", "/things/canary/canary", "none", "GET", "4xx"),
        ("DELETE", "/things", "none", "DELETE", "4xx"),
        ("OPTIONS", "/things", "none", "OPTIONS", "2xx"),
        ("PROPFIND", "/things", "none", "other", "4xx"),
        ("M-SEARCH", "/anything", "/anything", "other", "2xx"),
        ("PUT", "/anything", "/anything", "PUT", "2xx"),
        ("GET", "/livez", "/livez", "GET", "4xx"),
        ("GET", "/metrics", "/metrics", "GET", "4xx"),
        ("GET", "/refuse", "/refuse", "GET", "5xx"),
        ("GET", "/bug", "/bug", "GET", "5xx"),
        ("GET", "/stream", "/stream", "GET", "2xx"),
    ],
)
async def test_a_request_has_the_labels_of_the_code(
    ports: ServicePorts, method: str, target: str, route: str, counted_as: str, status: str
) -> None:
    await send(ports.public, target, method=method, headers=[("X-Canary", "canary")])
    scraped = await scrape(ports)
    assert scraped.sum(COUNT) == scraped.sum(COUNT, route=route) == 1
    assert scraped.sum(COUNT, route=route, method=counted_as, status=status) == 1
    assert not any("canary" in value.lower() for value in scraped.label_values())


@pytest.mark.requirement("OP1")
async def test_whatever_is_asked_for_there_are_not_more_series(ports: ServicePorts) -> None:
    for method in ("PROPFIND", "PURGE", "LINK", "REBIND", "MKCOL"):
        for number in range(4):
            await send(ports.public, f"/nothing-{method}-{number}", method=method)
    scraped = await scrape(ports)
    assert scraped.sum(COUNT, route="none", method="other", status="4xx") == 20
    assert scraped.label_values() == {"none", "other", "4xx"}


async def test_the_buckets_are_few_and_the_sum_is_in_seconds(ports: ServicePorts) -> None:
    for _ in range(3):
        await send(ports.public, "/anything")
    scraped = await scrape(ports)
    buckets = [sample for sample in scraped.samples if sample.name.endswith("_bucket")]
    assert [sample.labels["le"] for sample in buckets] == [
        *("0.005", "0.025", "0.1", "0.5", "2.5", "10.0", "+Inf"),
    ]
    assert buckets[-1].value == 3
    assert 0 < scraped.sum("authstack_http_request_duration_seconds_sum") < 30
