"""Sealed values: they open where they were sealed, under keys that we have, unchanged, or not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.crypto.key_ring import Key, KeyRing
from oauth_kit.crypto.sealing import Sealer

OLD, NEW = Key("old", b"\x01" * 32), Key("new", b"\x02" * 32)
SEALER = Sealer(KeyRing((NEW, OLD)))


@pytest.mark.requirement("OP7", "B19")
@pytest.mark.parametrize("context", ["", "code:b", "code:a ", "CODE:A", "code:a\x00", "\udcff"])
def test_a_value_moved_elsewhere_does_not_open(context: str) -> None:
    with pytest.raises(ValueError, match="does not open"):
        SEALER.open(SEALER.seal(b"plain", "code:a"), context)


@pytest.mark.requirement("OP7")
@pytest.mark.parametrize(
    "sealed",
    [
        *("", ".", "new", "new.", "new.AAAA", "new.!!!!", "new.é", "new.\udcff", "new.0" * 37),
        *("gone.AAAA", "NEW.AAAA", " new.AAAA", "\x00.AAAA"),
    ],
)
def test_what_we_did_not_seal_does_not_open(sealed: str) -> None:
    with pytest.raises(ValueError, match=r"does not open|unknown key"):
        SEALER.open(sealed, "code:a")


@pytest.mark.requirement("OP7", "B19")
def test_every_byte_is_authenticated() -> None:
    sealed = SEALER.seal(b"plain", "code:a")
    kid, _, encoded = sealed.partition(".")
    raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    changed = [raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :] for n in range(len(raw))]
    truncated = [raw[:n] for n in range(len(raw))]
    for forged in [*changed, *truncated, raw + b"\x00", b"\x00" + raw]:
        text = f"{kid}.{base64.urlsafe_b64encode(forged).decode().rstrip('=')}"
        with pytest.raises(ValueError, match="does not open"):
            SEALER.open(text, "code:a")


@pytest.mark.requirement("OP8")
def test_an_older_key_still_opens_and_a_removed_one_does_not() -> None:
    before = Sealer(KeyRing((OLD,))).seal(b"plain", "code:a")
    assert before.startswith("old.")
    assert SEALER.open(before, "code:a") == b"plain"
    assert SEALER.seal(b"plain", "code:a").startswith("new.")
    with pytest.raises(ValueError, match="unknown key"):
        Sealer(KeyRing((NEW,))).open(before, "code:a")


@pytest.mark.requirement("OP7")
def test_the_same_id_over_another_key_does_not_open() -> None:
    sealed = SEALER.seal(b"plain", "code:a")
    with pytest.raises(ValueError, match="does not open"):
        Sealer(KeyRing((Key("new", b"\x03" * 32),))).open(sealed, "code:a")
    with pytest.raises(ValueError, match="does not open"):
        SEALER.open(sealed.replace("new.", "old."), "code:a")


@pytest.mark.requirement("B19")
@given(st.binary(max_size=200), st.text(alphabet=st.characters(codec="utf-8"), max_size=50))
def test_what_is_sealed_opens_and_does_not_show(plain: bytes, context: str) -> None:
    sealed = SEALER.seal(plain, context)
    assert SEALER.open(sealed, context) == plain
    assert sealed != SEALER.seal(plain, context)
    assert sealed.isascii()
