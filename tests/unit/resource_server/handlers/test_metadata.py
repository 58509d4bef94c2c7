"""Protected resource metadata: constant, public, and true."""

import pytest
from fakes.resource_harness import ResourceServer, Starter

PATH = "/.well-known/oauth-protected-resource/mcp"
ROOT = "/.well-known/oauth-protected-resource"


@pytest.mark.requirement("RS1", "RS2", "RS3", "RS4")
@pytest.mark.parametrize("path", [PATH, ROOT])
async def test_the_document_says_who_issues_tokens_and_what_to_ask_for(
    server: ResourceServer, path: str
) -> None:
    answer = await server.call("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.document == {
        "resource": server.resource,
        "authorization_servers": [server.issuer.issuer],
        "scopes_supported": ["mcp-api/read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "MCP contexts",
    }


@pytest.mark.requirement("RS4")
async def test_offline_access_and_empty_lists_are_never_shown(start: Starter) -> None:
    server = await start(
        scopes_supported=("mcp-api/read", "mcp-api/write", "offline_access"),
        default_scopes=("offline_access",),
        resource_name="",
    )
    document = (await server.call("GET", PATH)).document
    assert set(document) == {"resource", "authorization_servers", "bearer_methods_supported"}


@pytest.mark.requirement("RS5")
async def test_no_header_changes_the_document(server: ResourceServer) -> None:
    plain = (await server.call("GET", PATH)).body
    for headers in (
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"Origin": "https://evil.example"},
        {"Authorization": "Bearer garbage"},
    ):
        for path in (PATH, ROOT):
            answer = await server.call("GET", path, headers=headers)
            assert (answer.status, answer.body) == (200, plain)


@pytest.mark.requirement("RS6")
async def test_any_page_may_read_it(server: ResourceServer) -> None:
    headers = {"Origin": "https://inspector.example"}
    for path in (PATH, ROOT):
        answer = await server.call("GET", path, headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "max-age" in answer.headers["Cache-Control"]
        preflight = await server.call(
            "OPTIONS",
            path,
            headers={
                **headers,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "mcp-protocol-version",
            },
        )
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert "mcp-protocol-version" in preflight.headers["Access-Control-Allow-Headers"].lower()
        assert "Access-Control-Allow-Credentials" not in preflight.headers


async def test_a_resource_without_a_path_has_one_address(start: Starter) -> None:
    server = await start(resource="https://mcp.example")
    answer = await server.call("GET", ROOT)
    assert answer.document["resource"] == "https://mcp.example"
    host = {"Host": "mcp.example"}
    assert (await server.call("POST", "/", headers=host)).status == 401
