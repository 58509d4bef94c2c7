"""Rings of symmetric keys: the newest writes, older ones still read; one derived ring a purpose."""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Key:
    """One 256-bit key and the id that sealed values name it by."""

    kid: str
    material: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys, newest first. Raises ValueError when empty or when two keys share an id."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("a key ring needs at least one key")
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise ValueError("two keys of a ring have the same id")

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read `kid:base64url,kid:base64url`, newest first, 32 bytes a key.

        Raises ValueError that never quotes the key material.
        """
        parts = text.strip().split(",")
        return cls(tuple(_parse_key(part, place) for place, part in enumerate(parts, start=1)))

    @staticmethod
    def generate(kid: str) -> str:
        """A new ring of one random key, in the text form that `parse` reads."""
        material = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=")
        return f"{kid}:{material.decode()}"

    @property
    def newest(self) -> Key:
        return self.keys[0]

    def find(self, kid: str) -> Key | None:
        return next((key for key in self.keys if key.kid == kid), None)

    def derive(self, purpose: str) -> "KeyRing":
        """The ring for one purpose: each key through HKDF-SHA256 with the purpose as `info`."""
        return KeyRing(tuple(Key(key.kid, derive(key.material, purpose)) for key in self.keys))


def derive(material: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose from high-entropy input (RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(material)


def _parse_key(part: str, place: int) -> Key:
    """Errors name the place, not the id: an id may be the material, written the wrong way round."""
    kid, colon, encoded = part.strip().partition(":")
    if not colon or not _KEY_ID.fullmatch(kid):
        raise ValueError("a key is written as id:base64url, its id of letters, digits, _ and -")
    try:
        material = base64.b64decode(
            encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError):
        raise ValueError(f"key {place} is not base64url") from None
    if len(material) != KEY_BYTES:
        raise ValueError(f"key {place} has {len(material)} bytes, {KEY_BYTES} are needed")
    return Key(kid, material)
