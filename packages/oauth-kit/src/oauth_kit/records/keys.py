"""Names of Redis keys: `mcp:<environment>:<noun>:<id>`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyspace:
    """All keys of one deployment. `environment` keeps several apart in one Redis."""

    environment: str

    def key(self, noun: str, *parts: str) -> str:
        return ":".join(("mcp", self.environment, noun, *parts))
