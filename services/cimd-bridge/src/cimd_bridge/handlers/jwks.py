"""GET /jwks.json: the public halves of our signing keys (RFC 7517 §5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from cimd_bridge.signing_keys import SigningKeys
from oauth_kit.clock import Clock
from oauth_kit.web.answering import json_answer

JWKS_PATH = "/jwks.json"


@dataclass(frozen=True, slots=True)
class JwksEndpoint:
    signing_keys: SigningKeys
    cacheable_seconds: int
    clock: Clock

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.get(JWKS_PATH, self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        document = await self.signing_keys.public_jwks(self.clock())
        return json_answer(document, cacheable_seconds=self.cacheable_seconds)
