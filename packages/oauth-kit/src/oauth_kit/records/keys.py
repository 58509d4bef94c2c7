"""Names of Redis keys: `mcp:<environment>:<noun>:<id>`, and of one service's own keys:
`mcp:<environment>:<service>:<noun>:<id>`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyspace:
    """All keys of one deployment. `environment` keeps several apart in one Redis.

    service: in the keys of one that shares none of them, so that Redis can keep all others off
    """

    environment: str
    service: str = ""

    def key(self, noun: str, *parts: str) -> str:
        own = (self.service,) if self.service else ()
        return ":".join(("mcp", self.environment, *own, noun, *parts))
