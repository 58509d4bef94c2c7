"""The keys that sign access tokens: kept sealed, rotated with overlap, the same on every replica.

A key is `next` from its publication on, `current` from `activates_at` until its successor
activates, then `retired`, and forgotten when nothing signed with it can be valid. The states
follow from the times in one sealed record, so replicas need not tell each other (RFC 9068 §4, §6).
"""

import asyncio
import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from cimd_bridge.records.locks import held_lock
from cimd_bridge.records.store import RecordStore, lua
from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()

SigningAlgorithm = Literal["RS256", "ES256"]
KeyState = Literal["next", "current", "retired"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

JWKS_MAX_AGE_SECONDS: Final = 300
_LEEWAY_SECONDS: Final = 60
_RETRY_SECONDS: Final = 5
_RSA_BITS: Final = 2048
_LOCK_SECONDS: Final = 30
_REPLACE: Final = lua("signing_keys_replace")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair. Times are Unix seconds; the private key is never shown."""

    kid: str
    alg: SigningAlgorithm
    activates_at: int
    private_key: PrivateKey = field(repr=False)

    def to_jwk(self) -> dict[str, object]:
        """The public half (RFC 7517 §4)."""
        public = self.private_key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
        else:
            jwk = ECAlgorithm.to_jwk(public, as_dict=True)
        members = {name: value for name, value in jwk.items() if name != "key_ops"}
        return {**members, "kid": self.kid, "use": "sig", "alg": self.alg}


@dataclass(frozen=True, slots=True)
class Rotation:
    """When keys change.

    rotation_seconds:      how long a key signs
    publish_ahead_seconds: between publication and first use: longer than any copy of the JWKS and
                           any replica's memory live, so nobody meets a signature by a key that
                           could not be known
    access_token_seconds:  how long what a key signed is valid
    refresh_seconds:       how long a replica goes by its memory
    """

    rotation_seconds: int = 30 * 86_400
    publish_ahead_seconds: int = 900
    access_token_seconds: int = 300
    refresh_seconds: int = 30

    def __post_init__(self) -> None:
        if self.publish_ahead_seconds <= self._copies_seconds:
            raise ValueError("a key must be published for longer than copies of the JWKS live")
        if self.rotation_seconds <= self.publish_ahead_seconds + self.retire_seconds:
            raise ValueError("a key must be used for longer than it is published without use")

    @property
    def retire_seconds(self) -> int:
        """Between last use and removal: a token's life, leeway, and any copy of the JWKS."""
        return self.access_token_seconds + _LEEWAY_SECONDS + self._copies_seconds

    @property
    def _copies_seconds(self) -> int:
        return JWKS_MAX_AGE_SECONDS + self.refresh_seconds


@dataclass(frozen=True, slots=True)
class _KeySet:
    """The record as it was read: keys by activation, oldest first."""

    version: str
    keys: tuple[SigningKey, ...]

    def current(self, now: int) -> SigningKey:
        """The newest active key; the oldest where this clock is behind the first key's maker's."""
        active = [key for key in self.keys if key.activates_at <= now]
        return active[-1] if active else self.keys[0]

    def known(self, now: int, retire_seconds: int) -> tuple[SigningKey, ...]:
        """Keys that may have signed something still valid, or are about to sign."""
        successors = (*self.keys[1:], None)
        return tuple(
            key
            for key, successor in zip(self.keys, successors, strict=True)
            if successor is None or now < successor.activates_at + retire_seconds
        )

    def state(self, key: SigningKey, now: int) -> KeyState:
        if key == self.current(now):
            return "current"
        return "next" if key.activates_at > now else "retired"


class SigningKeys:
    """`{signing-key}:keys` (one sealed record with a version) and `{signing-key}:lock`.

    Rotation needs no timer: whoever re-reads the record and finds the newest key old enough
    publishes the next one.
    """

    def __init__(
        self,
        store: RecordStore,
        *,
        algorithm: SigningAlgorithm = "RS256",
        rotation: Rotation | None = None,
    ) -> None:
        self._store = store
        self._algorithm = algorithm
        self._rotation = rotation or Rotation()
        self._key = store.keyspace.key("{signing-key}", "keys")
        self._lock_key = store.keyspace.key("{signing-key}", "lock")
        self._replace = store.step(_REPLACE)
        self._held: _KeySet | None = None
        self._read_at = self._read_again_at = 0
        self._reading = asyncio.Lock()

    async def current(self, now: int) -> SigningKey:
        """The key to sign with; made if there is none yet."""
        return (await self._fresh(now)).current(now)

    async def public_jwks(self, now: int) -> dict[str, object]:
        """The document of `/jwks.json` (RFC 7517 §5): next, current and retired keys."""
        known = (await self._fresh(now)).known(now, self._rotation.retire_seconds)
        return {"keys": [key.to_jwk() for key in known]}

    async def find(self, kid: str, now: int) -> SigningKey | None:
        """The key of that id, as long as it is published."""
        known = (await self._fresh(now)).known(now, self._rotation.retire_seconds)
        return next((key for key in known if key.kid == kid), None)

    async def states(self, now: int) -> dict[str, KeyState]:
        """Each key's state by its kid, for operators."""
        held = await self._fresh(now)
        known = held.known(now, self._rotation.retire_seconds)
        return {key.kid: held.state(key, now) for key in known}

    async def rotate_if_due(self, now: int) -> None:
        """Publish the next key if the newest is old enough or of another algorithm."""
        async with self._reading:
            await self._reread(now)

    async def force_rotation(self, now: int) -> str:
        """Publish the next key now, unless one is waiting already; returns its kid."""
        async with self._reading:
            rotated = self._remember(await self._rotate(now, force=True), now)
        return rotated.keys[-1].kid

    async def _fresh(self, now: int) -> _KeySet:
        """The record, read again once it is `refresh_seconds` old, by one caller at a time.

        While the store is away the memory serves on, but no longer than a key is published ahead:
        by then another replica may sign with one that is not known here.
        """
        if self._held is not None and now < self._read_again_at:
            return self._held
        async with self._reading:
            held = self._held
            if held is not None and now < self._read_again_at:
                return held
            try:
                return await self._reread(now)
            except OAuthError as error:
                good_until = self._read_at + self._rotation.publish_ahead_seconds
                if held is None or now >= good_until:
                    raise
                log.warning("signing_keys_not_refreshed", reason=error.reason)
                self._read_again_at = min(now + _RETRY_SECONDS, good_until)
                return held

    async def _reread(self, now: int) -> _KeySet:
        read = await self._read()
        if read is None or self._is_due(read, now):
            read = await self._rotate(now, force=False)
        return self._remember(read, now)

    def _remember(self, read: _KeySet, now: int) -> _KeySet:
        self._held, self._read_at = read, now
        self._read_again_at = now + self._rotation.refresh_seconds
        return read

    def _is_due(self, held: _KeySet, now: int, *, force: bool = False) -> bool:
        newest = held.keys[-1]
        if newest.activates_at > now:
            return False  # one is waiting already
        next_at = newest.activates_at + self._rotation.rotation_seconds
        ahead = self._rotation.publish_ahead_seconds
        return force or newest.alg != self._algorithm or now >= next_at - ahead

    async def _rotate(self, now: int, *, force: bool) -> _KeySet:
        """Add a key under the lock; whoever waited finds it there. Returns what is stored now."""
        async with held_lock(
            self._store.redis,
            self._lock_key,
            lives_seconds=_LOCK_SECONDS,
            waits_seconds=_LOCK_SECONDS,
        ):
            held = await self._read()
            if held is not None and not self._is_due(held, now, force=force):
                return held
            starts_at = now if held is None else now + self._rotation.publish_ahead_seconds
            key = await asyncio.to_thread(_generate, self._algorithm, starts_at)
            known = held.known(now, self._rotation.retire_seconds) if held else ()
            keys = (*known, key)
            version = held.version if held else ""
            new_version = secrets.token_hex(8)
            # Fenced by the version: a holder whose lock ran out replaces nothing.
            (written,) = await self._replace([self._key], version, new_version, self._seal(keys))
            if written == "1":
                log.info("signing_key_published", kid=key.kid, alg=key.alg, activates_at=starts_at)
                return _KeySet(new_version, keys)
            stored = await self._read()
            if stored is None:
                raise OAuthError(
                    "temporarily_unavailable",
                    "The service is preparing its keys, try again shortly",
                    reason="signing keys vanished during rotation",
                )
            return stored

    async def _read(self) -> _KeySet | None:
        version, sealed = await self._store.fields(self._key, "version", "sealed")
        if not version:
            return None
        if self._held is not None and self._held.version == version:
            return self._held
        document = self._store.unseal(sealed, self._key, "sealed")
        if document is None:
            raise OAuthError(
                "temporarily_unavailable",
                "The service cannot read its keys",
                reason="no key of MASTER_KEYS opens the signing keys",
            )
        return _KeySet(version, tuple(_from_document(part) for part in document["keys"]))

    def _seal(self, keys: tuple[SigningKey, ...]) -> str:
        document = {"keys": [_to_document(key) for key in keys]}
        return self._store.seal(document, self._key, "sealed")


def _generate(algorithm: SigningAlgorithm, activates_at: int) -> SigningKey:
    """A new key pair; RSA takes long enough to want a thread."""
    private: PrivateKey
    if algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return SigningKey(secrets.token_hex(8), algorithm, activates_at, private)


def _to_document(key: SigningKey) -> dict[str, object]:
    der = key.private_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "kid": key.kid,
        "alg": key.alg,
        "activates_at": key.activates_at,
        "private_key": base64.b64encode(der).decode(),
    }


def _from_document(document: Mapping[str, Any]) -> SigningKey:
    der = base64.b64decode(document["private_key"])
    return SigningKey(
        kid=document["kid"],
        alg=cast(SigningAlgorithm, document["alg"]),
        activates_at=document["activates_at"],
        private_key=cast(PrivateKey, serialization.load_der_private_key(der, password=None)),
    )
