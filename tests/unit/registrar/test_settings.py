"""The registrar's environment: what stops the start, and what follows from what."""

from typing import Any

import pytest
from pydantic import ValidationError

from oauth_kit.crypto.key_ring import KeyRing
from registrar.settings import Settings

GOOD: dict[str, Any] = {
    "redis_url": "redis://localhost",
    "internal_token": "0123456789abcdef0123456789abcdef",
    "upstream_keys": KeyRing.generate("k1"),
    "provider_file": "/run/provider.json",
}

REALM: dict[str, Any] = {
    "provider": "keycloak",
    "provider_file": None,
    "provider_issuer": "https://idp.example/realms/mcp",
    "provider_client_id": "mcp-bridge",
    "provider_admin_client_secret": "admin-secret",
}

EMULATED: dict[str, Any] = {
    "registration_store": "dynamodb",
    "environment": "development",
    "aws_endpoint_url_dynamodb": "http://localhost:4566",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"internal_token": ""},
        {"internal_token": "short"},
        {"internal_token": "0123456789abcdef0123456789abcde"},
        {"internal_token": "has a space in its middle, and is long"},
        {"initial_access_token": "0123456789abcdef0123456789abcde"},
        {"upstream_keys": "k1:AAAA"},
        {"upstream_keys": ""},
        {"registration_limit": "often"},
        {"registration_limit_global": ""},
        {"upstream_subject_limit": "-1/minute"},
        {"registration_max_clients": 0},
        {"registration_unused_days": 0},
        {"upstream_client_budget": 10_001},
        {"upstream_client_check_seconds": 0},
        {"upstream_clients": "native"},
        {"dynamic_registration": "maybe"},
        {"internal_port": 3005},
        {"internal_port": 3105},
        {"management_port": 3005},
        {"provider_file": None},
        {"registration_store": "valkey"},
        {"registration_table": "ab"},
        {"registration_table": "a/b"},
        {"registration_table": "x" * 256},
        {"aws_region": "EU-west-1"},
        {"aws_region": "eu-west-1.evil.example"},
        {"registration_store": "dynamodb"},
        {"registration_store": "dynamodb", "aws_endpoint_url_dynamodb": "https://vpce.example"},
        {"registration_store": "dynamodb", "aws_endpoint_url_dynamodb": "http://localhost:4566"},
        {**EMULATED, "aws_endpoint_url_dynamodb": "http://localhost:4566/"},
        {**EMULATED, "aws_endpoint_url_dynamodb": "http://user@localhost:4566"},
        {**EMULATED, "aws_endpoint_url_dynamodb": "localhost:4566"},
        {**EMULATED, "aws_endpoint_url_dynamodb": "ftp://localhost:4566"},
        {**REALM, "provider_admin_client_secret": None},
        {**REALM, "provider_admin_client_secret": ""},
        {**REALM, "provider_issuer": "https://idp.example/realms/"},
        {**REALM, "provider_issuer": "https://idp.example/realms/mcp/"},
        {**REALM, "provider_issuer": "https://idp.example/mcp"},
    ],
    ids=str,
)
def test_a_setting_that_cannot_work_stops_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**{**GOOD, **changes})
    assert "0123456789abcde" not in str(caught.value)


def test_ports_follow_from_the_public_one() -> None:
    assert Settings(**GOOD).listening_ports() == (3005, 3105, 3205)
    assert Settings(**GOOD, port=13005).listening_ports() == (13005, 13105, 13205)


def test_the_callback_is_the_issuers_unless_it_is_said() -> None:
    assert Settings(**GOOD).callback_url == "http://localhost:3004/callback"
    assert Settings(**GOOD, bridge_callback_url="https://b/cb").callback_url == "https://b/cb"


def test_secrets_are_not_shown() -> None:
    settings = Settings(**GOOD, initial_access_token="fedcba9876543210fedcba9876543210")
    assert "0123456789abcdef" not in repr(settings)
    assert "fedcba9876543210" not in repr(settings)
    assert GOOD["upstream_keys"] not in repr(settings)


def test_a_realm_takes_a_service_account_unless_all_share_one_client() -> None:
    found = Settings(**GOOD | REALM | {"provider_admin_client_secret": "admin-secret\n"})
    account = found.service_account()
    assert account is not None
    assert (account.client_id, account.client_secret) == ("mcp-registrar", "admin-secret")
    assert account.admin_url is None
    shared = {"provider_admin_client_secret": None, "upstream_clients": "shared"}
    assert Settings(**GOOD | REALM | shared).service_account() is None
    elsewhere = {
        "provider_issuer": "https://login.example",
        "provider_admin_url": "https://kc.internal/admin/realms/mcp",
    }
    account = Settings(**GOOD | REALM | elsewhere).service_account()
    assert account is not None
    assert account.admin_url == "https://kc.internal/admin/realms/mcp"


def test_registrations_are_in_redis_unless_a_table_is_chosen() -> None:
    assert Settings(**GOOD).registration_store == "redis"
    assert Settings(**GOOD, **EMULATED).table_region == "us-east-1"
    on_aws = Settings(**GOOD, registration_store="dynamodb", aws_region="eu-central-1")
    assert (on_aws.table_region, on_aws.registration_table) == (
        "eu-central-1",
        "mcp-authstack-registrations",
    )
    endpoint = "https://vpce-1.dynamodb.us-gov-west-1.vpce.amazonaws.com"
    private = {"aws_region": "us-gov-west-1", "aws_endpoint_url_dynamodb": endpoint}
    assert Settings(**GOOD, registration_store="dynamodb", **private).table_region
