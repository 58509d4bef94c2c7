"""A client survives the way through Redis, and the store holds nothing it could log in with."""

import json
from dataclasses import fields, replace

import pytest

from oauth_kit.records.client import Client, client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.client_authentication import hash_secret
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration

PUBLIC = Client(
    client_id="mcp-1",
    kind="registered",
    metadata=read_registration(
        {
            "client_name": "Ünïcode",
            "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
            "scope": "mcp-api/read mcp-api/write",
            "client_uri": "https://app.example",
            "logo_uri": "https://app.example/logo",
            "tos_uri": "https://app.example/tos",
            "policy_uri": "https://app.example/policy",
            "software_id": "app",
            "software_version": "1",
            "application_type": "native",
        },
        MetadataPolicy(native_schemes=frozenset()),
    ),
)
BARE = read_registration(
    {"redirect_uris": ["https://app.example/cb"]}, MetadataPolicy(native_schemes=frozenset())
)
CONFIDENTIAL = replace(
    PUBLIC,
    metadata=BARE,
    secret_hash=hash_secret("canary"),
    secret_expires_at=1_900_000_000,
    method_was_defaulted=True,
    issued_at=1_800_000_000,
    trusted=True,
)
DOCUMENT = replace(
    PUBLIC,
    client_id="https://app.example/client.json",
    kind="document",
    verified_host="app.example",
    loopback_document=True,
)


@pytest.mark.parametrize(
    "client",
    [PUBLIC, CONFIDENTIAL, DOCUMENT],
    ids=lambda c: c.kind + c.client_id[-1] + str(c.trusted),
)
def test_a_client_is_read_as_it_was_written(client: Client) -> None:
    assert Client.from_json(client.to_json()) == client
    assert Client.from_document(json.loads(json.dumps(client.to_document()))) == client


def test_every_field_is_written() -> None:
    assert set(PUBLIC.to_document()) == {field.name for field in fields(Client)}


@pytest.mark.requirement("B19", "OP7")
def test_the_secret_is_not_kept() -> None:
    assert "canary" not in CONFIDENTIAL.to_json()


@pytest.mark.parametrize("text", ["{}", '{"client_id": "x"}', "[]", "null"])
def test_what_is_no_client_is_not_read_as_one(text: str) -> None:
    with pytest.raises((KeyError, TypeError)):
        Client.from_json(text)


def test_environments_have_keys_of_their_own() -> None:
    assert client_key(Keyspace("production"), "mcp-1") == "mcp:production:client:mcp-1"
    assert client_key(Keyspace("development"), "mcp-1") == "mcp:development:client:mcp-1"
    assert Keyspace("production").key("lock", "a", "b") == "mcp:production:lock:a:b"
    assert Keyspace("production", "client-x").key("lock", "a") == "mcp:production:client-x:lock:a"
