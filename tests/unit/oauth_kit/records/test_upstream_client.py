"""Upstream clients: sealed for one MCP client, in its place, and nowhere else."""

import pytest

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import UpstreamClient, UpstreamClientSealer, upstream_key

KEYS = KeyRing.parse(KeyRing.generate("u1"))
SEALER = UpstreamClientSealer(KEYS)
UPSTREAM = UpstreamClient("app-client", "canary-secret", "generation-1", "f" * 64)
KEY = upstream_key(Keyspace("production"), "mcp-1")


@pytest.mark.requirement("B19", "OP7")
def test_another_client_s_place_does_not_open_it() -> None:
    sealed = SEALER.seal(UPSTREAM, KEY)
    other = upstream_key(Keyspace("production"), "mcp-2")
    with pytest.raises(ValueError, match="does not open"):
        SEALER.open(sealed, other)
    with pytest.raises(ValueError, match="does not open"):
        SEALER.open(sealed, upstream_key(Keyspace("development"), "mcp-1"))


@pytest.mark.requirement("OP7")
def test_other_keys_do_not_open_it() -> None:
    sealed = SEALER.seal(UPSTREAM, KEY)
    with pytest.raises(ValueError, match="does not open"):
        UpstreamClientSealer(KeyRing.parse(KeyRing.generate("u1"))).open(sealed, KEY)
    with pytest.raises(ValueError, match="unknown key"):
        UpstreamClientSealer(KeyRing.parse(KeyRing.generate("u2"))).open(sealed, KEY)


@pytest.mark.requirement("B19", "OP1")
def test_the_secret_is_neither_stored_nor_shown() -> None:
    sealed = SEALER.seal(UPSTREAM, KEY)
    assert "canary" not in sealed
    assert "canary" not in repr(UPSTREAM)
    assert SEALER.open(sealed, KEY) == UPSTREAM
    assert SEALER.open(sealed.encode(), KEY) == UPSTREAM


@pytest.mark.parametrize("client_id", ["mcp-1", "https://app.example/" + "x" * 5000, "a:b", "é"])
def test_a_key_s_name_is_short_whatever_the_client_is_called(client_id: str) -> None:
    key = upstream_key(Keyspace("production"), client_id)
    prefix, _, digest = key.rpartition(":")
    assert (prefix, len(digest)) == ("mcp:production:upstream", 64)
