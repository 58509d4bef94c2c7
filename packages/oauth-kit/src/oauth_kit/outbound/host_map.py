"""Where a public name is really found in development: `localhost:3001=resource:3001,…`."""

import re
from dataclasses import dataclass

_HOST_AND_PORT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class HostMap:
    """Exact (host, port) pairs. In containers the name localhost means another container."""

    pairs: dict[tuple[str, int], tuple[str, int]]

    @classmethod
    def parse(cls, text: str) -> "HostMap":
        """Raises ValueError for anything but comma-separated `host:port=host:port`."""
        pairs: dict[tuple[str, int], tuple[str, int]] = {}
        for part in (part.strip() for part in text.split(",")):
            if part:
                public, equals, real = part.partition("=")
                if not equals:
                    raise ValueError("each pair is written host:port=host:port")
                name = _read(public)
                if name in pairs:
                    raise ValueError("a name is mapped twice")
                pairs[name] = _read(real)
        return cls(pairs)

    def find(self, host: str, port: int) -> tuple[str, int] | None:
        return self.pairs.get((host.lower(), port))


def _read(text: str) -> tuple[str, int]:
    found = _HOST_AND_PORT.fullmatch(text.strip())
    if not found or not 1 <= int(found[2]) <= 65535:
        raise ValueError("each pair is written host:port=host:port")
    return found[1].strip("[]").lower(), int(found[2])
