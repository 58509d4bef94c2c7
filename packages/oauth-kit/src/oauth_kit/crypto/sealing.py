"""Authenticated encryption of stored values: AES-256-GCM, bound to the place they are stored at."""

import base64
import binascii
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from oauth_kit.crypto.key_ring import KeyRing

_NONCE_BYTES = 12


class Sealer:
    """Seals with the newest key of a ring and opens with any of them.

    `context` (usually the Redis key's name) is authenticated but not stored, so a sealed value
    copied elsewhere does not open there.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._newest_kid = ring.newest.kid
        self._ciphers = {key.kid: _cipher(key.material) for key in ring.keys}

    def seal(self, plaintext: bytes, context: str) -> str:
        """Return `kid.base64url(nonce + ciphertext)`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._newest_kid].encrypt(nonce, plaintext, context.encode())
        encoded = base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()
        return f"{self._newest_kid}.{encoded}"

    def open(self, sealed: str, context: str) -> bytes:
        """Return the plaintext, or raise ValueError when the value is not ours or not from here."""
        kid, _, encoded = sealed.partition(".")
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise ValueError("sealed under an unknown key")
        try:
            raw = base64.b64decode(
                encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True
            )
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise ValueError("sealed value does not open") from None


@lru_cache(maxsize=64)
def _cipher(material: bytes) -> AESGCM:
    return AESGCM(material)
