"""The pool's two signing keys: private halves from MiniStack's state, names from its JWKS.

MiniStack writes them to `cognito-pool-keys/<pool>-{access,id}.pem` when the JWKS is first asked
for. Signing with them keeps one JWKS, MiniStack's own, true for every token.
"""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cognito_emulator.ministack_client import MiniStackClient

KeyUse = Literal["access", "id"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the `kid` that the JWKS gives its public half."""

    kid: str
    private: RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Keys of every pool, read once: MiniStack never changes them."""

    ministack: MiniStackClient
    folder: Path
    _known: dict[tuple[str, KeyUse], SigningKey] = field(default_factory=dict)

    async def key(self, pool_id: str, use: KeyUse) -> SigningKey:
        """The key that signs tokens of this use."""
        known = self._known.get((pool_id, use))
        if known is None:
            known = self._known[pool_id, use] = await self._load(pool_id, use)
        return known

    async def _load(self, pool_id: str, use: KeyUse) -> SigningKey:
        jwks = await self.ministack.jwks(pool_id)
        pem = (self.folder / f"{pool_id}-{use}.pem").read_bytes()
        private = load_pem_private_key(pem, password=None)
        if jwks is None or not isinstance(private, RSAPrivateKey):
            raise LookupError(f"no signing key for {pool_id}")
        modulus = _base64url(private.public_key().public_numbers().n)
        kid = next(key["kid"] for key in jwks["keys"] if key["n"] == modulus)
        return SigningKey(kid, private)

    def forget_other_pools(self, pool_ids: list[str]) -> None:
        """Delete key files of pools that MiniStack has forgotten."""
        for path in self.folder.glob("*.pem"):
            if path.stem.rpartition("-")[0] not in pool_ids:
                path.unlink()


def sign(key: SigningKey, claims: dict[str, Any]) -> str:
    """A JWT as Cognito signs it: `kid` and `alg` in the header, no `typ`."""
    return jwt.encode(claims, key.private, algorithm="RS256", headers={"kid": key.kid, "typ": None})


def _base64url(number: int) -> str:
    length = (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).rstrip(b"=").decode("ascii")
