"""Keyed hashes of values that are compared and never read back (HMAC-SHA256)."""

import hashlib
import hmac
from dataclasses import dataclass

from oauth_kit.crypto.key_ring import KeyRing


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """Digests of one purpose. A ring with older keys gives one candidate a key."""

    ring: KeyRing

    def digest(self, value: str) -> str:
        """Lower-case hex under the newest key: what is stored."""
        return _hmac(self.ring.newest.material, value)

    def digests(self, value: str) -> tuple[str, ...]:
        """Every digest that a stored one may equal, newest key first."""
        return tuple(_hmac(key.material, value) for key in self.ring.keys)

    def matches(self, value: str, digest: str) -> bool:
        """Compare in constant time for each key; `digest` may be any text of a stranger's."""
        given = digest.encode("utf-8", "surrogatepass")
        found = [hmac.compare_digest(own.encode(), given) for own in self.digests(value)]
        return any(found)


def sha256_hex(value: str) -> str:
    """For names of keys whose value is random or public; anything guessable takes a KeyedHash."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _hmac(material: bytes, value: str) -> str:
    return hmac.new(material, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
