"""What the bridge publishes about itself: true, constant, and readable from anywhere."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from fakes.bridge_harness import ISSUER, Bridge

PATH = "/.well-known/oauth-authorization-server"


@pytest.mark.requirement("ASM1", "ASM2", "ASM4", "ASM6", "ASM8", "ASM12", "ASM13")
async def test_the_document_is_served_without_asking_the_provider(bridge: Bridge) -> None:
    answer = await bridge.get(PATH)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["token_endpoint_auth_methods_supported"][0] == "none"
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["client_id_metadata_document_supported"] is True
    assert "idp.example" not in answer.text
    assert not [value for value in document.values() if value in ([], "", None)]
    assert bridge.provider.calls == []


@pytest.mark.requirement("ASM5", "ASM7", "REG24")
async def test_what_is_switched_off_is_not_mentioned(
    make_bridge: Callable[..., Awaitable[Bridge]],
) -> None:
    bridge = await make_bridge(dynamic_registration="off", client_documents="off")
    document = (await bridge.get(PATH)).json()
    assert "registration_endpoint" not in document
    assert "client_id_metadata_document_supported" not in document


@pytest.mark.requirement("ASM3", "ASM10")
async def test_every_address_that_it_names_answers(bridge: Bridge) -> None:
    document = (await bridge.get(PATH)).json()
    ours = [
        value
        for name, value in document.items()
        if name.endswith(("_endpoint", "_uri")) and name != "registration_endpoint"
    ]
    assert len(ours) == 5
    for url in ours:
        assert url.startswith(f"{ISSUER}/")
        found = {
            (await bridge.request(each, urlsplit(url).path)).status for each in ("GET", "POST")
        }
        assert 404 not in found, url


@pytest.mark.requirement("ASM13", "ASM15", "A15")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"Origin": "https://evil.example"},
    ],
)
@pytest.mark.parametrize("path", [PATH, "/jwks.json"])
async def test_no_header_changes_it(bridge: Bridge, path: str, headers: dict[str, str]) -> None:
    plain = (await bridge.get(path)).text
    assert (await bridge.get(path, headers=headers)).text == plain


@pytest.mark.requirement("ASM15")
@pytest.mark.parametrize("path", [PATH, "/jwks.json"])
async def test_any_page_may_read_it_and_nobody_write(bridge: Bridge, path: str) -> None:
    answer = await bridge.get(path, headers={"Origin": "https://inspector.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "max-age=" in answer.headers["Cache-Control"]
    assert (await bridge.request("OPTIONS", path)).status == 204
    assert (await bridge.request("HEAD", path)).status == 200
    assert (await bridge.post(path)).status == 405


@pytest.mark.requirement("ASM14")
@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", f"{PATH}/mcp", "/userinfo", "/register"]
)
async def test_what_the_bridge_is_not_is_404(bridge: Bridge, path: str) -> None:
    assert (await bridge.get(path)).status == 404
