"""An OpenID provider on loopback and our side of it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fakes.fake_provider import FakeProvider
from fakes.wire import on_loopback

from oauth_kit.outbound.http import open_session
from oauth_kit.providers.catalog import ProviderConfig
from oauth_kit.providers.dialects import ProviderName
from oauth_kit.providers.oidc import OidcProvider


class World:
    """A fake provider, and `OidcProvider`s that talk to it."""

    def __init__(self, fake: FakeProvider, origin: str) -> None:
        self.fake = fake
        self.origin = origin
        self.session = open_session(timeout_seconds=2)
        self.config = ProviderConfig(
            generation="g1",
            provider="oidc",
            issuer=origin,
            client_id="shared",
            client_secret="shared-secret",
        )

    def provider(
        self, name: ProviderName = "oidc", *, authorize_params: str = "", **changes: str
    ) -> OidcProvider:
        config = replace(self.config, provider=name, **changes)  # type: ignore[arg-type]
        return OidcProvider(
            config,
            self.session,
            scopes="openid profile email",
            authorize_params=authorize_params,
        )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    fake = FakeProvider()
    async with on_loopback(fake.application()) as origin:
        fake.issuer = origin
        world = World(fake, origin)
        yield world
        await world.session.close()
