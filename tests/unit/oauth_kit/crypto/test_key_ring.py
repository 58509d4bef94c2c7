"""Key rings: read strictly, derived by purpose, never quoted."""

import base64

import pytest

from oauth_kit.crypto.key_ring import Key, KeyRing, derive


def text_of(byte: int, size: int = 32) -> str:
    return base64.urlsafe_b64encode(bytes([byte]) * size).decode().rstrip("=")


SECRET = text_of(0xFB)


@pytest.mark.requirement("OP1", "OP4", "B17")
@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        SECRET,
        f":{SECRET}",
        f"k 1:{SECRET}",
        f"k/1:{SECRET}",
        f"{'k' * 33}:{SECRET}",
        f"k1:{SECRET},",
        f"k1:{SECRET},k1:{text_of(2)}",
        f"k1:{SECRET}A",
        f"k1:{SECRET}!",
        f"k1:{SECRET[:-3]}",
        f"k1:{SECRET} {SECRET}",
        f"k1={SECRET}",
        f"k1:{text_of(0xFB, 31)}",
        f"k1:{text_of(0xFB, 33)}",
        f"k1:{text_of(0xFB, 64)}",
        "k1:",
        f"k1:{SECRET}é",
        f"{SECRET[:32]}:k1",
        f"{SECRET[:32]}:{SECRET[:20]}",
    ],
)
def test_a_ring_that_is_not_one_is_refused_without_its_material(text: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        KeyRing.parse(text)
    assert SECRET[:8] not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.requirement("OP8")
def test_the_newest_key_stands_first() -> None:
    ring = KeyRing.parse(f" new:{text_of(2)} , old_1:{SECRET}=\n")
    assert [key.kid for key in ring.keys] == ["new", "old_1"]
    assert ring.newest == Key("new", b"\x02" * 32)
    assert ring.find("old_1") == Key("old_1", b"\xfb" * 32)
    assert ring.find("other") is None


@pytest.mark.requirement("OP1")
def test_material_is_not_shown() -> None:
    ring = KeyRing((Key("k1", b"canary" * 5 + b"ca"),))
    assert "canary" not in repr(ring)
    assert "k1" in repr(ring)


def test_a_ring_needs_keys_of_different_names() -> None:
    with pytest.raises(ValueError, match="at least one"):
        KeyRing(())
    with pytest.raises(ValueError, match="same id"):
        KeyRing((Key("a", b"1" * 32), Key("a", b"2" * 32)))


def test_a_generated_ring_is_random_and_can_be_read() -> None:
    one, other = KeyRing.parse(KeyRing.generate("k1")), KeyRing.parse(KeyRing.generate("k1"))
    assert one.newest.kid == other.newest.kid == "k1"
    assert len(one.newest.material) == 32
    assert one != other


@pytest.mark.requirement("OP7")
def test_each_purpose_has_keys_of_its_own() -> None:
    ring = KeyRing.parse(f"new:{text_of(2)},old:{text_of(1)}")
    codes, grants = ring.derive("codes"), ring.derive("grants")
    assert [key.kid for key in codes.keys] == ["new", "old"]
    materials = {key.material for derived in (ring, codes, grants) for key in derived.keys}
    assert len(materials) == 6
    assert all(len(material) == 32 for material in materials)
    assert ring.derive("codes") == codes


def test_derivation_is_hkdf_sha256() -> None:
    """RFC 5869 A.3: no salt, no info; the first 32 of its 42 bytes."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert derive(b"\x0b" * 22, "").hex() == expected
