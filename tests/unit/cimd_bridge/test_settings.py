"""The bridge's environment: what stops the start, and what is never said."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cimd_bridge.settings import Settings
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.settings import load_settings

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
        {"issuer": "https://auth.example/tenant"},
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
        {"upstream_keys": "0123456789abcdef"},
        {"internal_token": "short"},
        {"internal_token": "x" * 31},
        {"internal_token": "x" * 31 + " "},
        {"internal_token": "x" * 31 + "\n" + "x"},
        {"internal_token": "ü" * 40},
        {"registrar_internal_url": "127.0.0.1:3205"},
        {"registrar_internal_url": "http://127.0.0.1:3205/"},
        {"registrar_internal_url": "http://127.0.0.1:3205/internal"},
        {"registrar_internal_url": "file://x"},
        {"default_scopes": "mcp-api/admin"},
        {"access_token_seconds": 901},
        {"code_seconds": 61},
        {"refresh_grace_seconds": 61},
        {"refresh_idle_seconds": 7200, "refresh_absolute_seconds": 7199},
        {"signing_algorithm": "HS256"},
        {"signing_algorithm": "none"},
        {"upstream_clients": "always"},
        {"preregistered_clients_file": "/nonexistent/clients.toml"},
        {"management_port": 3004},
        {"provider_file": None},
        *(
            {limit: value}
            for limit in (
                *("authorization_limit", "introspection_failure_limit"),
                *("token_failure_limit", "token_failure_limit_network"),
                *("document_limit", "document_limit_host", "document_limit_host_new"),
            )
            for value in ("often", "0/minute")
        ),
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


@pytest.mark.requirement("OP4")
def test_a_wrong_entry_of_clients_toml_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "clients.toml"
    path.write_text('[[clients]]\nclient_id = "demo"\nredirect_uris = ["javascript:alert(1)"]')
    for name, value in GOOD.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("PREREGISTERED_CLIENTS_FILE", str(path))
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "clients.toml: demo" in line
    assert "javascript" not in line


@pytest.mark.requirement("OP1", "B17")
def test_secrets_are_not_shown() -> None:
    settings = Settings(**GOOD, provider_client_secret="canary")
    shown = repr(settings) + str(settings)
    for secret in ("canary", GOOD["internal_token"], GOOD["master_keys"], GOOD["upstream_keys"]):
        assert secret not in shown


def test_what_follows_from_the_settings() -> None:
    settings = Settings(**GOOD)
    assert settings.listening_ports() == (3004, 3104)
    assert settings.master_ring.newest.kid == "m1"
    assert settings.upstream_ring.newest.kid == "u1"
    assert settings.preregistered().clients == {}
    assert settings.refresh_idle_seconds == 30 * 86_400
    assert settings.refresh_absolute_seconds == 90 * 86_400
