"""Protected resource metadata, at the path of the resource and at the root (RFC 9728 §3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from oauth_kit.rules.metadata_documents import metadata_url
from oauth_kit.web.answering import json_answer

_CACHEABLE_SECONDS = 300
_ROOT_PATH = "/.well-known/oauth-protected-resource"


def metadata_paths(resource: str) -> tuple[str, ...]:
    """Clients try the path of the resource first, then the root."""
    return tuple(dict.fromkeys((urlsplit(metadata_url(resource)).path, _ROOT_PATH)))


@dataclass(frozen=True, slots=True)
class MetadataEndpoint:
    """The document comes from configuration alone: no header of a request can change it."""

    resource: str
    document: dict[str, object]

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get(path, self.handle) for path in metadata_paths(self.resource)]

    async def handle(self, request: web.Request) -> web.Response:
        return json_answer(self.document, cacheable_seconds=_CACHEABLE_SECONDS)
