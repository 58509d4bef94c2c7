"""A client that is told nonsense does not start."""

import pytest
from pydantic import ValidationError

from demo_clients.settings import ClientSettings
from oauth_kit.crypto.key_ring import KeyRing

GOOD: dict[str, str] = {
    "client_kind": "dynamic",
    "port": "3002",
    "public_url": "http://localhost:3002",
    "redis_url": "redis://x",
    "session_keys": KeyRing.generate("k1"),
}


def make(**changed: str) -> ClientSettings:
    return ClientSettings.model_validate({**GOOD, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"client_kind": "other"},
        {"public_url": "http://client.example"},
        {"public_url": "http://localhost:3002/"},
        {"public_url": "http://localhost:3002/app"},
        {"public_url": "javascript:x"},
        {"session_keys": "k1:short"},
        {"session_keys": ""},
        {"contexts_url": "ftp://x"},
        {"preregistered_issuer": "https://as.example/"},
        {"client_kind": "preregistered"},
        {"client_kind": "preregistered", "preregistered_client_id": "x"},
        {"client_kind": "preregistered", "preregistered_client_secret": "x"},
    ],
)
def test_settings_that_cannot_work_are_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        make(**changed)


def test_the_contexts_stand_beside_the_mcp_endpoint() -> None:
    settings = make(resource="https://mcp.example:8443/deep/mcp")
    assert settings.contexts_address == "https://mcp.example:8443/v1/contexts"
    assert make(contexts_url="https://b.example/c").contexts_address == "https://b.example/c"


@pytest.mark.parametrize(
    ("public_url", "cookie"),
    [
        ("http://localhost:3002", "client-3002"),
        ("http://localhost", "client-80"),
        ("https://c.example", "__Host-client-443"),
        ("https://c.example:8443", "__Host-client-8443"),
    ],
)
def test_the_cookie_is_named_after_the_port(public_url: str, cookie: str) -> None:
    assert make(public_url=public_url).cookie_name == cookie


def test_private_servers_are_for_a_loopback_resource() -> None:
    assert make(resource="http://localhost:3001/mcp").loopback_allowed
    assert not make(resource="https://mcp.example/mcp").loopback_allowed


def test_a_secret_is_not_in_the_text_form() -> None:
    settings = make(preregistered_client_secret="hidden")
    assert "hidden" not in repr(settings)
    assert GOOD["session_keys"] not in repr(settings)
