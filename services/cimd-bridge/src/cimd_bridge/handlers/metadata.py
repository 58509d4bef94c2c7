"""GET /.well-known/oauth-authorization-server: what clients must know about us (RFC 8414)."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from oauth_kit.web.answering import json_answer

METADATA_PATH = "/.well-known/oauth-authorization-server"
_CACHEABLE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class MetadataEndpoint:
    """The document comes from configuration alone: no request header and no provider changes it."""

    document: dict[str, object]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get(METADATA_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        return json_answer(self.document, cacheable_seconds=_CACHEABLE_SECONDS)
