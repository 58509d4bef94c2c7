"""Registrations as real clients send them, unmodified."""

from typing import Any

import pytest
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CODE_AND_REFRESH = ["authorization_code", "refresh_token"]

REAL_CLIENTS: dict[str, dict[str, Any]] = {
    "Claude Code": {
        "client_name": "Claude Code (contexts)",
        "redirect_uris": ["http://localhost:54545/callback"],
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "mcp-api/read",
    },
    "Claude on the web": {
        "client_name": "Claude",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": [*CODE_AND_REFRESH, JWT_BEARER],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "mcp-api/read mcp-api/write",
    },
    "VS Code": {
        "client_name": "Visual Studio Code",
        "client_uri": "https://code.visualstudio.com",
        "grant_types": [*CODE_AND_REFRESH, DEVICE_CODE],
        "response_types": ["code"],
        "redirect_uris": [
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
        "scope": "mcp-api/read",
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    "Cursor": {
        "client_name": "Cursor",
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "Inspector": {
        "redirect_uris": ["http://localhost:6274/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
        "client_name": "MCP Inspector",
        "client_uri": "https://github.com/modelcontextprotocol/inspector",
        "scope": "",
    },
    "ChatGPT": {
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "TypeScript SDK": {
        "redirect_uris": ["http://localhost:8090/callback"],
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
        "client_name": "Simple OAuth MCP Client",
        "token_endpoint_auth_method": "client_secret_post",
        "application_type": "native",
    },
    "mcp-remote": {
        "redirect_uris": ["http://localhost:12345/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
        "client_name": "MCP CLI Proxy",
        "client_uri": "https://github.com/modelcontextprotocol/mcp-cli",
        "software_id": "2e6dc280-f3c3-4e01-99a7-8181dbd1d23d",
        "software_version": "0.1.29",
    },
    "a client of four members": {
        "client_name": "n8n",
        "redirect_uris": ["https://n8n.example/rest/oauth2-credential/callback"],
        "grant_types": CODE_AND_REFRESH,
        "response_types": ["code"],
    },
    "a client that sends nulls": {
        "redirect_uris": ["http://127.0.0.1:9876/callback"],
        "client_name": None,
        "scope": None,
        "logo_uri": None,
        "jwks": None,
        "token_endpoint_auth_method": None,
        "contacts": None,
    },
}


@pytest.mark.requirement("REG1", "REG7", "REG8", "REG10")
@pytest.mark.parametrize("body", REAL_CLIENTS.values(), ids=REAL_CLIENTS)
async def test_a_real_client_registers_unmodified(registrar: Any, body: dict[str, Any]) -> None:
    document = await registrar.register(**body)
    assert document["redirect_uris"] == body["redirect_uris"]
    assert document["token_endpoint_auth_method"] == (
        body.get("token_endpoint_auth_method") or "client_secret_basic"
    )
    assert document.get("application_type") == body.get("application_type")
    if "grant_types" in body:
        assert document["grant_types"] == CODE_AND_REFRESH
    # what a client reads of the answer, by the rules of the SDK's own model
    OAuthClientInformationFull.model_validate(document)


@pytest.mark.requirement("REG1", "REG8")
@pytest.mark.parametrize("method", [None, "none", "client_secret_post", "client_secret_basic"])
async def test_the_python_sdk_registers_unmodified(registrar: Any, method: Any) -> None:
    asked = OAuthClientMetadata(
        redirect_uris=[AnyUrl("http://localhost:3030/callback")],
        client_name="Simple Auth Client",
        token_endpoint_auth_method=method,
        scope="mcp-api/read",
    )
    body = asked.model_dump(by_alias=True, mode="json", exclude_none=True)
    document = await registrar.register(**body)
    told = OAuthClientInformationFull.model_validate(document)
    assert told.client_id
    assert told.token_endpoint_auth_method == (method or "client_secret_basic")
    assert bool(told.client_secret) == (method != "none")
    assert document["application_type"] == "native"
