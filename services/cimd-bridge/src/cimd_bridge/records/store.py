"""What records are made of: the connection, names of keys, sealed values, keyed hashes, steps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import structlog
from redis.commands.core import AsyncScript

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.keyed_hash import KeyedHash
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, store_errors

log = structlog.get_logger()


def lua(name: str) -> str:
    """The source of `<name>.lua`, with the functions of `prelude.lua` in front."""
    folder = resources.files("cimd_bridge.records")
    return "\n".join(folder.joinpath(f"{part}.lua").read_text() for part in ("prelude", name))


@dataclass(frozen=True, slots=True)
class Step:
    """One atomic step: a registered Lua script."""

    script: AsyncScript

    async def __call__(self, keys: Sequence[str], *arguments: str | int) -> list[str]:
        """Run it. Missing fields come back as the empty string."""
        async with store_errors():
            answer = await self.script(keys=list(keys), args=list(arguments))
        return [value or "" for value in answer]


@dataclass(frozen=True, slots=True)
class RecordStore:
    """Redis, and how this service's values are named, sealed and hashed in it."""

    redis: Redis
    keyspace: Keyspace
    sealer: Sealer = field(repr=False)
    hashes: KeyedHash = field(repr=False)

    @classmethod
    def under(cls, master_keys: KeyRing, redis: Redis, keyspace: Keyspace) -> "RecordStore":
        """The store of one deployment; its keys are derived from MASTER_KEYS, one a purpose."""
        return cls(
            redis,
            keyspace,
            Sealer(master_keys.derive("bridge-records")),
            KeyedHash(master_keys.derive("bridge-record-hashes")),
        )

    def key(self, noun: str, identifier: str) -> str:
        """The name of a key whose id is its hash tag: `mcp:<environment>:<noun>:{<id>}`."""
        return self.keyspace.key(noun, f"{{{identifier}}}")

    def step(self, source: str) -> Step:
        return Step(self.redis.register_script(source))

    async def fields(self, key: str, *names: str) -> list[str]:
        """Fields of a hash. Missing ones come back as the empty string."""
        async with store_errors():
            values = await self.redis.hmget(key, list(names))
        return [str(value or "") for value in values]

    def digest(self, field_name: str, value: str, identifier: str = "") -> str:
        """A keyed hash under the newest key, what is stored.

        It is bound to the field and the record, so equal values in two records look different.
        """
        return self.hashes.digest(_labelled(field_name, value, identifier))

    def candidates(self, field_name: str, value: str, identifier: str = "") -> str:
        """Every digest that a stored one may equal, one for each key of the ring, for Lua."""
        return ",".join(self.hashes.digests(_labelled(field_name, value, identifier)))

    def seal(self, value: Mapping[str, object], key: str, field_name: str) -> str:
        """Encrypt a record, bound to the key's name and the field."""
        plaintext = json.dumps(value, separators=(",", ":")).encode()
        return self.sealer.seal(plaintext, f"{key}#{field_name}")

    def unseal(self, sealed: str, key: str, field_name: str) -> dict[str, Any] | None:
        """What `seal` was given, or None when no key that we still have opens it."""
        try:
            opened: dict[str, Any] = json.loads(self.sealer.open(sealed, f"{key}#{field_name}"))
        except ValueError:
            log.error("record_unreadable", noun=key.split(":")[2], field=field_name)
            return None
        return opened


def _labelled(field_name: str, value: str, identifier: str) -> str:
    return f"{field_name}\n{identifier}\n{value}"
