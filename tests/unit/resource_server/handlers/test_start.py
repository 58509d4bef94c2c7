"""The start page: for people who name HTML, never in the way of a client."""

import json
import re
from html import unescape

import pytest
from fakes.resource_harness import Answer, ResourceServer, Starter

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def shown(answer: Answer, test_id: str) -> str:
    """The text of an element."""
    found = re.search(
        rf'<(\w+)[^>]*data-testid="{test_id}">(.*?)</\1>', answer.body.decode(), re.DOTALL
    )
    assert found
    return unescape(re.sub(r"<[^>]+>", "", found[2]))


@pytest.mark.requirement("RS2")
@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "text/event-stream", "text/*", "text/htmlx", ""]
)
async def test_a_program_finds_nothing_there(server: ResourceServer, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}
    answer = await server.call("GET", "/", headers=headers)
    assert answer.status == 404
    assert answer.document["error"] == "invalid_request"


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_it_takes_nothing(server: ResourceServer, method: str) -> None:
    assert (await server.call(method, "/", headers=BROWSER)).status == 405


@pytest.mark.requirement("RS18")
@pytest.mark.parametrize(("method", "path"), [("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/v1/x")])
async def test_a_browser_gets_the_challenge_where_clients_get_it(
    server: ResourceServer, method: str, path: str
) -> None:
    answer = await server.call(method, path, headers=BROWSER)
    assert answer.status == 401
    assert answer.challenge.startswith("Bearer ")


@pytest.mark.parametrize("accept", [BROWSER["Accept"], "TEXT/HTML;q=0.1", "application/xhtml+xml"])
async def test_a_person_is_told_the_address_and_how_to_use_it(
    server: ResourceServer, accept: str
) -> None:
    page = await server.call("GET", "/", headers={"Accept": accept})
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Vary"] == "Accept"
    assert shown(page, "resource") == server.resource
    servers = json.loads(shown(page, "vscode"))["servers"]
    assert servers == {"mcp-contexts": {"type": "http", "url": server.resource}}
    assert json.loads(shown(page, "cursor"))["mcpServers"]["mcp-contexts"]["url"] == server.resource
    text = unescape(page.body.decode())
    assert f"claude mcp add --transport http mcp-contexts {server.resource}\n" in text
    assert f"--transport http --server-url {server.resource}<" in text
    metadata = shown(page, "metadata")
    assert f"{server.resource.removesuffix('/mcp')}/.well-known/oauth-protected-resource/mcp" in (
        metadata
    )
    assert f"{server.issuer.issuer}/.well-known/oauth-authorization-server" in metadata
    assert "Scopes at first mcp-api/read Scopes on demand mcp-api/write" in " ".join(
        metadata.split()
    )


async def test_the_python_of_the_page_compiles(server: ResourceServer) -> None:
    page = await server.call("GET", "/", headers=BROWSER)
    code = shown(page, "python")
    compile(code, "client.py", "exec")
    assert f'SERVER = "{server.resource}"' in code


@pytest.mark.requirement("AU16")
async def test_it_is_framed_scripted_and_kept_by_nobody(server: ResourceServer) -> None:
    page = await server.call("GET", "/", headers=BROWSER)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "script-src" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert b"<script" not in page.body
    assert b" style=" not in page.body


async def test_no_header_changes_it(server: ResourceServer) -> None:
    plain = (await server.call("GET", "/", headers=BROWSER)).body
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert (await server.call("GET", "/", headers={**BROWSER, **forged})).body == plain


async def test_demo_clients_are_linked_where_they_are_configured(start: Starter) -> None:
    page = await (await start()).call("GET", "/", headers=BROWSER)
    assert b'data-testid="clients"' not in page.body
    server = await start(demo_clients="dynamic=http://localhost:3002 other=http://localhost:3003")
    page = await server.call("GET", "/", headers=BROWSER)
    assert b'<a href="http://localhost:3002">dynamic</a>' in page.body
    assert "http://localhost:3003" in shown(page, "clients")


async def test_who_can_reach_it_is_said_where_it_matters(start: Starter) -> None:
    here = await (await start()).call("GET", "/", headers=BROWSER)
    assert b'data-testid="only-here"' in here.body
    public = await start(resource="https://mcp.example/mcp", resource_name="Café & Söhne!")
    page = await public.call("GET", "/", headers=BROWSER)
    assert b'data-testid="only-here"' not in page.body
    assert "mcp add --transport http caf-s-hne https://mcp.example/mcp" in page.body.decode()
    assert "Café &amp; Söhne!</h1>" in page.body.decode()


async def test_a_server_without_a_name_gets_one(start: Starter) -> None:
    page = await (await start(resource_name="")).call("GET", "/", headers=BROWSER)
    assert "<h1>MCP server</h1>" in page.body.decode()


async def test_it_gives_way_to_an_mcp_endpoint_at_the_root(start: Starter) -> None:
    server = await start(resource="https://mcp.example")
    answer = await server.call("GET", "/", headers={**BROWSER, "Host": "mcp.example"})
    assert answer.status == 401
    assert (await server.call("GET", "/static/pages.css")).status == 404


async def test_its_look_is_served_and_can_be_the_operators(start: Starter) -> None:
    server = await start(product_name="Acme", brand_color="#9c4a00")
    page = await server.call("GET", "/", headers=BROWSER)
    assert b"Acme" in page.body
    for path in re.findall(r'href="(/[^"]+)"', page.body.decode()):
        assert (await server.call("GET", path)).status == 200, path
    assert b"#9c4a00" in (await server.call("GET", "/brand/colors.css")).body
