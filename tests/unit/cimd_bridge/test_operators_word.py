"""What only the operator can say: who is trusted, and how far his own clients reach."""

from dataclasses import replace
from typing import Any

import pytest
from fakes.bridge_harness import KEYSPACE, Bridge, Pkce

from oauth_kit.records.client import Client, client_key
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration


@pytest.mark.parametrize("change", [{"trusted": True}, {"kind": "preregistered"}])
async def test_whoever_writes_to_the_store_makes_nobody_trusted(
    bridge: Bridge, change: dict[str, Any]
) -> None:
    client = await bridge.register()
    await bridge.redis.set(
        client_key(KEYSPACE, client.client_id), replace(client, **change).to_json()
    )
    answer = await bridge.authorize(bridge.question(client, Pkce()))
    assert answer.status == 400
    assert await bridge.log_ins() == []


@pytest.mark.requirement("A21")
async def test_a_preregistered_client_gets_no_more_than_the_operator_wrote(
    make_bridge: Any, tmp_path: Any
) -> None:
    path = tmp_path / "reader.toml"
    path.write_text(
        '[[clients]]\nclient_id = "reader"\nname = "Reader"\n'
        'redirect_uris = ["http://localhost:3000/callback"]\nscopes = ["mcp-api/read"]\n'
    )
    bridge: Bridge = await make_bridge(preregistered_clients_file=path)
    metadata = read_registration(
        {"client_name": "Reader", "redirect_uris": ["http://localhost:3000/callback"]},
        MetadataPolicy(),
    )
    reader = Client(client_id="reader", kind="preregistered", metadata=metadata)
    wide = await bridge.authorize(bridge.question(reader, Pkce()))
    assert wide.query["error"] == "invalid_scope"
    narrow = await bridge.authorize(bridge.question(reader, Pkce(), scope="mcp-api/read"))
    assert narrow.status == 200


@pytest.mark.requirement("RV6")
@pytest.mark.parametrize(("provider", "revoked"), [("cognito", 1), ("oidc", 0)])
async def test_a_session_that_another_grant_shares_is_not_ended_upstream(
    make_bridge: Any, provider: str, revoked: int
) -> None:
    bridge: Bridge = await make_bridge(provider_name=provider)
    client = await bridge.register()
    first = await bridge.tokens_for(client)
    second = await bridge.tokens_for(client)
    for tokens, expected in ((first, revoked), (second, revoked + 1)):
        data = {"client_id": client.client_id, "token": tokens["refresh_token"]}
        assert (await bridge.post("/revoke", data=data)).status == 200
        await bridge.settle()
        assert len(bridge.provider.revoked) == expected
