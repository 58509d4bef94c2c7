"""The bridge's environment: what stops the start."""

from typing import Any

import pytest
from pydantic import ValidationError

from cimd_bridge.settings import Settings
from oauth_kit.crypto.key_ring import KeyRing

GOOD: dict[str, Any] = {
    "redis_url": "redis://localhost",
    "issuer": "https://auth.example",
    "resource": "https://mcp.example/mcp",
    "registrar_url": "https://registrar.example",
    "master_keys": KeyRing.generate("m1"),
    "upstream_keys": KeyRing.generate("u1"),
    "internal_token": "0123456789abcdef0123456789abcdef",
    "provider_file": "/run/provider.json",
}


def test_a_deployment_starts() -> None:
    assert Settings(**GOOD).environment == "production"


@pytest.mark.requirement("OP4", "ASM16")
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://auth.example"},
        {"issuer": "http://localhost.auth.example"},
        {"issuer": "https://auth.example/"},
        {"issuer": "https://auth.example?tenant=1"},
        {"issuer": "https://auth.example#"},
        {"issuer": "https://user@auth.example"},
        {"issuer": "HTTPS://auth.example"},
        {"issuer": "ftp://auth.example"},
        {"issuer": ""},
        {"resource": "http://mcp.example/mcp"},
        {"registrar_url": "http://registrar.example"},
        {"master_keys": ""},
        {"master_keys": "k1:AAAA"},
        {"upstream_keys": "k1"},
        {"internal_token": "short"},
        {"default_scopes": "mcp-api/admin"},
        {"access_token_seconds": 901},
        {"code_seconds": 61},
        {"signing_algorithm": "HS256"},
        {"provider_file": None},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_meant_stops_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**{**GOOD, **changes})
    assert "0123456789abcdef" not in str(caught.value)


@pytest.mark.requirement("CI11", "OP4")
@pytest.mark.parametrize(
    "changes",
    [
        {"cimd_allow_loopback": True},
        {"cimd_allow_loopback": True, "issuer": "http://localhost:3004"},
        {"cimd_allow_loopback": True, "environment": "development"},
        {"cimd_private_hosts": "client.internal"},
        {"host_map": "localhost:3001=resource:3001"},
    ],
    ids=str,
)
def test_an_exception_for_a_laptop_needs_one(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**{**GOOD, **changes})


@pytest.mark.requirement("CI11")
def test_a_laptop_may_have_its_exceptions() -> None:
    settings = Settings(
        **{
            **GOOD,
            "environment": "development",
            "issuer": "http://localhost:3004",
            "cimd_allow_loopback": True,
        }
    )
    assert settings.cimd_allow_loopback
