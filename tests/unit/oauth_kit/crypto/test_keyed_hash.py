"""Keyed hashes: comparable for us, useless to who reads the store."""

import hashlib
import hmac

import pytest

from oauth_kit.crypto.key_ring import Key, KeyRing
from oauth_kit.crypto.keyed_hash import KeyedHash, sha256_hex

OLD, NEW = Key("old", b"\x01" * 32), Key("new", b"\x02" * 32)
BOTH = KeyedHash(KeyRing((NEW, OLD)))


@pytest.mark.requirement("TK26", "OP7")
def test_a_digest_is_hmac_sha256_under_the_newest_key() -> None:
    expected = hmac.new(NEW.material, b"user-1", hashlib.sha256).hexdigest()
    assert BOTH.digest("user-1") == expected
    assert BOTH.digests("user-1") == (expected, KeyedHash(KeyRing((OLD,))).digest("user-1"))


@pytest.mark.requirement("TK26", "OP7")
def test_without_the_key_nothing_matches() -> None:
    stranger = KeyedHash(KeyRing((Key("new", b"\x03" * 32),)))
    assert not stranger.matches("user-1", BOTH.digest("user-1"))
    assert not BOTH.matches("user-1", sha256_hex("user-1"))


@pytest.mark.requirement("OP8")
def test_a_digest_of_an_older_key_still_matches() -> None:
    before = KeyedHash(KeyRing((OLD,))).digest("user-1")
    assert BOTH.matches("user-1", before)
    assert BOTH.matches("user-1", BOTH.digest("user-1"))
    assert not KeyedHash(KeyRing((NEW,))).matches("user-1", before)


@pytest.mark.parametrize("digest", ["", "x", "é", "\udcff", "\x00", "0" * 64, "A" * 100_000])
def test_any_text_can_be_compared(digest: str) -> None:
    assert not BOTH.matches("user-1", digest)
    assert not BOTH.matches("user-1", BOTH.digest("user-1") + digest) or digest == ""


def test_values_of_strangers_have_digests_too() -> None:
    assert len({BOTH.digest(value) for value in ("", "a", "A", "é", "\udcff", "\x00")}) == 6
    assert sha256_hex("") == hashlib.sha256(b"").hexdigest()
    assert sha256_hex("\udcff") != sha256_hex("\udcfe")
