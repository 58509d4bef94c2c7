"""A resource server under test: the real application on a port of its own, and a way to call it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from fakes.token_issuer import TokenIssuer
from fakes.wire import held_port

from oauth_kit.redis import Redis
from resource_server.app import build_app
from resource_server.settings import ResourceSettings

NOW = 1_800_000_000
ENVELOPE_VERSION = "io.modelcontextprotocol/protocolVersion"
ENVELOPE_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


@dataclass
class SettableClock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes
    document: Any

    @property
    def challenge(self) -> str:
        """The one WWW-Authenticate header."""
        [value] = self.headers.getall("WWW-Authenticate")
        return str(value)


@dataclass
class ResourceServer:
    settings: ResourceSettings
    issuer: TokenIssuer
    clock: SettableClock
    http: aiohttp.ClientSession
    port: int
    redis: Redis
    application: web.Application

    @property
    def resource(self) -> str:
        return self.settings.resource

    def mint(self, **changes: Any) -> str:
        return self.issuer.mint(self.resource, self.clock.now, **changes)

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Any = None,
        **options: Any,
    ) -> Answer:
        sent = [(name, value) for name, value in dict(headers or {}).items()]
        if token is not None:
            sent.append(("Authorization", f"Bearer {token}"))
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(
            method, url, headers=sent, allow_redirects=False, **options
        ) as response:
            body = await response.read()
            is_json = response.content_type == "application/json" and body
            document = await response.json() if is_json else None
            return Answer(response.status, response.headers, body, document)

    async def rpc(
        self, method: str, params: Any = None, *, token: str | None, **options: Any
    ) -> Answer:
        """One JSON-RPC request of revision 2025-11-25."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            message["params"] = params
        return await self.call("POST", "/mcp", token=token, json=message, **options)

    async def rpc26(
        self,
        method: str,
        params: Any = None,
        *,
        token: str | None,
        version: str = "2026-07-28",
        headers: Any = None,
    ) -> Answer:
        """One JSON-RPC request of revision 2026-07-28, with its envelope and routing headers."""
        meta = {ENVELOPE_VERSION: version, ENVELOPE_CAPABILITIES: {}}
        params = {"_meta": meta, **(params or {})}
        routing = {"MCP-Protocol-Version": version, "Mcp-Method": method}
        if "name" in params:
            routing["Mcp-Name"] = params["name"]
        routing |= headers or {}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        kept = {name: value for name, value in routing.items() if value is not None}
        return await self.call("POST", "/mcp", token=token, json=message, headers=kept)

    async def until(self, condition: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
        """Ask until it is so; every question is a call, so nothing sleeps."""
        async with asyncio.timeout(seconds):
            while not await condition():
                continue

    async def until_ready(self) -> None:
        async def ready() -> bool:
            return (await self.call("GET", "/readyz")).status == 200

        await self.until(ready)


@asynccontextmanager
async def resource_server(
    redis: Redis,
    issuer: TokenIssuer,
    *,
    clock: SettableClock | None = None,
    issuer_url: str | None = None,
    **changes: Any,
) -> AsyncIterator[ResourceServer]:
    clock = clock or SettableClock()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        with held_port() as (port, taking_it):
            settings = ResourceSettings(
                **{
                    "environment": "development",
                    "issuer": issuer_url or issuer.issuer,
                    "resource": f"http://127.0.0.1:{port}/mcp",
                    "redis_url": "redis://unused",
                    **changes,
                }
            )
            application = build_app(settings, redis=redis, session=http, ports=None, clock=clock)
            async with TestServer(application, **taking_it):
                yield ResourceServer(settings, issuer, clock, http, port, redis, application)


@dataclass
class Starter:
    """Starts resource servers that end with the test."""

    enter: Callable[[Any], Awaitable[Any]]
    redis: Redis
    issuer: TokenIssuer
    options: dict[str, Any] = field(default_factory=dict)

    async def __call__(
        self, *, ready: bool = True, issuer: TokenIssuer | None = None, **changes: Any
    ) -> ResourceServer:
        started: ResourceServer = await self.enter(
            resource_server(self.redis, issuer or self.issuer, **self.options, **changes)
        )
        if ready:
            await started.until_ready()
        return started
