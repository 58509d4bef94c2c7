"""Cross-origin answers: never with credentials, never on pages (Fetch standard)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

_PREFLIGHT_SECONDS = "7200"
_DEFAULT_HEADERS = (
    "Authorization",
    "Content-Type",
    "Accept",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Mcp-Session-Id",
    "Last-Event-ID",
)
_DEFAULT_EXPOSED = (
    "WWW-Authenticate",
    "Mcp-Session-Id",
    "MCP-Protocol-Version",
    "Retry-After",
    "X-Request-Id",
)

AllowOrigin = Callable[[str], bool]


def any_origin(origin: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class CorsRule:
    """Which origins may read which paths.

    paths:         exact paths; one that ends in `/` covers everything below it
    allows_origin: `any_origin` answers `*`; any other predicate reflects the origin it accepts
    """

    paths: tuple[str, ...]
    methods: tuple[str, ...]
    request_headers: tuple[str, ...] = _DEFAULT_HEADERS
    exposed_headers: tuple[str, ...] = _DEFAULT_EXPOSED
    allows_origin: AllowOrigin = any_origin
    _folders: tuple[str, ...] = field(init=False)
    _exposed: str = field(init=False)

    def __post_init__(self) -> None:
        folders = tuple(path for path in self.paths if path.endswith("/"))
        object.__setattr__(self, "_folders", folders)
        object.__setattr__(self, "_exposed", ", ".join(self.exposed_headers))

    def covers(self, path: str) -> bool:
        return path in self.paths or path.startswith(self._folders)

    def answer_headers(self, origin: str | None) -> dict[str, str]:
        """What every answer on these paths carries, refusals included."""
        if self.allows_origin is any_origin:
            allowed = {"Access-Control-Allow-Origin": "*"}
        elif origin is not None and self.allows_origin(origin):
            allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        else:
            return {"Vary": "Origin"}
        return {**allowed, "Access-Control-Expose-Headers": self._exposed}

    def preflight(self, origin: str | None) -> web.Response:
        headers = self.answer_headers(origin)
        if "Access-Control-Allow-Origin" in headers:
            headers |= {
                "Access-Control-Allow-Methods": ", ".join(self.methods),
                "Access-Control-Allow-Headers": self._allowed_request_headers(),
                "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            }
        return web.Response(status=204, headers=headers)

    def _allowed_request_headers(self) -> str:
        return ", ".join(self.request_headers)


def find_rule(rules: Iterable[CorsRule], path: str) -> CorsRule | None:
    for rule in rules:
        if rule.covers(path):
            return rule
    return None
