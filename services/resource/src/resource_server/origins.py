"""Which web pages may call us (Fetch standard; MCP transports, Security Warning)."""

import re
from dataclasses import dataclass

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


def check_origin(value: str) -> str:
    """An origin as browsers spell it: scheme, host, port, lower case. Raises ValueError."""
    if not _ORIGIN.fullmatch(value):
        raise ValueError("an origin is written scheme://host or scheme://host:port")
    return value


@dataclass(frozen=True, slots=True)
class AllowedOrigins:
    """Design decision 26. Compared byte for byte: browsers have one spelling."""

    listed: frozenset[str]
    any_loopback: bool

    def __call__(self, origin: str) -> bool:
        if origin in self.listed:
            return True
        return self.any_loopback and _LOOPBACK_ORIGIN.fullmatch(origin) is not None
