"""Which origins may read which answers: never with credentials, never more than the rule says."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from fakes.kit_service import send, serving

from oauth_kit.web.answering import html_page, json_answer
from oauth_kit.web.cors import CorsRule, find_rule
from oauth_kit.web.service import ServicePorts

APP = "https://app.example"
OPEN = CorsRule(("/open", "/below/"), ("GET", "POST", "OPTIONS"))
CHOSEN = CorsRule(("/chosen",), ("GET", "OPTIONS"), allows_origin=lambda origin: origin == APP)
HOSTILE = ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"]


async def fine(request: web.Request) -> web.Response:
    return json_answer({})


async def page(request: web.Request) -> web.Response:
    return html_page("<p>")


@pytest.fixture
async def ports() -> AsyncIterator[ServicePorts]:
    routes = [web.get(path, fine) for path in ("/open", "/below/x", "/chosen")]
    async with serving(*routes, web.get("/page", page), cors=[OPEN, CHOSEN]) as ports:
        yield ports


@pytest.mark.requirement("D2", "RS6", "ASM15")
@pytest.mark.parametrize("origin", [APP, *HOSTILE, None])
@pytest.mark.parametrize("path", ["/open", "/below/x", "/below/nothing"])
async def test_an_open_path_is_open_to_all_without_credentials(
    ports: ServicePorts, path: str, origin: str | None
) -> None:
    headers = [("Origin", origin)] if origin else []
    answer = await send(ports.public, path, headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version"} <= set(exposed)


@pytest.mark.requirement("D2", "RS36")
@pytest.mark.parametrize("origin", [*HOSTILE, None])
async def test_a_chosen_path_says_nothing_to_others(
    ports: ServicePorts, origin: str | None
) -> None:
    headers = [("Origin", origin)] if origin else []
    for method in ("GET", "OPTIONS"):
        answer = await send(ports.public, "/chosen", method=method, headers=headers)
        named = {name for name in answer.headers if name.lower().startswith("access-control")}
        assert named == set()
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.requirement("D2", "RS36")
async def test_a_chosen_origin_is_reflected(ports: ServicePorts) -> None:
    answer = await send(ports.public, "/chosen", headers=[("Origin", APP)])
    assert answer.headers["Access-Control-Allow-Origin"] == APP
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.requirement("D2")
@pytest.mark.parametrize("path", ["/page", "/openx", "/open/", "/belo", "/livez", "/Open"])
async def test_what_no_rule_covers_is_closed(ports: ServicePorts, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = await send(ports.public, path, method=method, headers=[("Origin", APP)])
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
        assert "Vary" not in answer.headers


@pytest.mark.requirement("RS6", "RS36")
async def test_a_preflight_names_what_may_be_sent(ports: ServicePorts) -> None:
    asked = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,mcp-protocol-version,x-evil"),
    ]
    answer = await send(ports.public, "/open", method="OPTIONS", headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "mcp-protocol-version", "mcp-session-id"} <= {*allowed}
    assert not {"x-evil", "*", "cookie"} & {*allowed}


def test_the_first_rule_that_covers_a_path_decides() -> None:
    everything = CorsRule(("/",), ("GET",))
    assert find_rule([CHOSEN, everything], "/chosen") is CHOSEN
    assert find_rule([CHOSEN, everything], "/chosen2") is everything
    assert find_rule([CHOSEN], "/chosen2") is None
