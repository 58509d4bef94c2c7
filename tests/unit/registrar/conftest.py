"""A registrar built from its own composition root, with memory where the world would be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import fakeredis
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from fakes.memory_directory import MemoryDirectory

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.providers.catalog import ProviderConfig
from oauth_kit.records.upstream_client import UpstreamClientSealer
from oauth_kit.redis import Redis
from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.rate_limits import RateLimits
from registrar.app import build_app, upstream_clients
from registrar.directories.counted import counted
from registrar.metrics import RegistrarMetrics
from registrar.registrations.table import RegistrationTable
from registrar.settings import Settings
from registrar.upstream_clients import UpstreamClients

NOW = 1_800_000_000
INTERNAL_TOKEN = "internal-token-of-the-tests-0123456789"
UPSTREAM_KEYS = KeyRing.generate("k1")


@dataclass
class ChangingProvider:
    """A provider that can be exchanged for another generation, or be away."""

    config: ProviderConfig | None

    def current(self) -> ProviderConfig:
        if self.config is None:
            raise OAuthError("temporarily_unavailable", "The identity provider is not set up yet")
        return self.config


def provider_config(generation: str = "generation-1", **changes: Any) -> ProviderConfig:
    return ProviderConfig(
        **{
            "generation": generation,
            "provider": "cognito",
            "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool",
            "client_id": "sharedclientid",
            "client_secret": "sharedclientsecret",
            "endpoint_url": "http://localhost:4566",
            "pool_id": "us-east-1_pool",
            "region": "us-east-1",
            **changes,
        }
    )


def make_settings(**changes: Any) -> Settings:
    return Settings(
        **{
            "redis_url": "memory://",
            "internal_token": INTERNAL_TOKEN,
            "upstream_keys": UPSTREAM_KEYS,
            "provider_file": "/nowhere/provider.json",
            "rate_limits": "off",
            **changes,
        }
    )


@dataclass
class Registrar:
    settings: Settings
    http: TestClient[web.Request, web.Application]
    redis: Redis
    directory: MemoryDirectory
    provider: ChangingProvider
    upstreams: UpstreamClients

    @property
    def sealer(self) -> UpstreamClientSealer:
        return UpstreamClientSealer(self.settings.upstream_ring)

    async def register(self, **metadata: object) -> dict[str, Any]:
        body = {"redirect_uris": ["http://localhost:3000/callback"], **metadata}
        answer = await self.http.post("/register", json=body)
        assert answer.status == 201, await answer.text()
        document: dict[str, Any] = await answer.json()
        return document


Start = Callable[..., Awaitable[Registrar]]


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    client = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
def start_registrar(aiohttp_client: Any, redis: Redis) -> Start:
    async def start(
        *, administers: bool = True, table: RegistrationTable | None = None, **changes: Any
    ) -> Registrar:
        settings = make_settings(**changes)
        provider = ChangingProvider(provider_config())
        directory = MemoryDirectory()
        metrics = RegistrarMetrics(upstream_client_budget=settings.upstream_client_budget)
        application = build_app(
            settings,
            redis=redis,
            provider=provider,
            directory_for=counted(
                lambda _: directory if administers else None, metrics.upstream_errors.add
            ),
            table=table,
            limits=RateLimits(
                "memory://",
                prefix="rate",
                enabled=settings.rate_limits == "on",
                count_limited=metrics.rate_limited.add,
            ),
            metrics=metrics,
            clock=lambda: NOW,
        )
        return Registrar(
            settings,
            await aiohttp_client(application),
            redis,
            directory,
            provider,
            upstream_clients(settings, redis, lambda: NOW),
        )

    return start


@pytest.fixture
async def registrar(start_registrar: Start) -> Registrar:
    return await start_registrar()
