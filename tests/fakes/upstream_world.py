"""A world for each identity provider: a fake, the Cognito emulator, Keycloak, Keycloak as OIDC."""

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import boto3
from aiohttp.test_utils import TestServer
from fakes.emulator_process import Emulator
from fakes.fake_provider import ISSUER, FakeProvider
from fakes.keycloak_process import Keycloak

from authstack.smoke.browser import Arrival, Browser, open_browser_session
from oauth_kit.providers.catalog import ProviderConfig, ProviderFile
from oauth_kit.providers.dialects import ProviderName
from oauth_kit.providers.oidc import OidcProvider
from oauth_kit.providers.port import UpstreamCredentials, UpstreamLogin
from registrar.directories.catalog import directory_catalog
from registrar.directories.port import AppClientRequest, ClientDirectory

CALLBACK_URL = "http://localhost:3004/callback"
LOGOUT_URL = "http://localhost:3004/logout"
USERNAME = "demo@example.com"
PASSWORD = "Demo-Passw0rd-1!"
SCOPES = "openid profile email"


class Visit(Protocol):
    """Somebody in front of one browser.

    passwords_typed: how often the provider wanted one
    """

    passwords_typed: int

    async def __call__(self, url: str) -> dict[str, str]:
        """Open an authorization URL, log in where asked; what the callback gets."""
        ...

    async def log_out(self, url: str) -> str | None:
        """Open a log-out URL, confirm where asked; where the browser is sent, None if nowhere."""
        ...


@dataclass(frozen=True)
class Asked:
    """One authorization request, as the bridge makes it."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    code_verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def code_challenge(self) -> str:
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class UpstreamWorld:
    """A provider with two clients of ours and one user.

    sends_iss: its authorization response names the issuer (RFC 9207)
    """

    provider: OidcProvider
    ours: UpstreamCredentials
    other: UpstreamCredentials
    sends_iss: bool
    new_browser: Callable[[], Visit]
    enable_user: Callable[[bool], Awaitable[None]]

    async def authorization_url(self, asked: Asked, client_id: str | None = None) -> str:
        return await self.provider.authorization_url(
            client_id or self.ours.client_id,
            redirect_uri=CALLBACK_URL,
            state=asked.state,
            nonce=asked.nonce,
            code_challenge=asked.code_challenge,
        )

    async def log_out(self, browser: Visit, return_to: str = LOGOUT_URL) -> str | None:
        url = await self.provider.logout_url(self.ours.client_id, return_to=return_to, state="st")
        assert url is not None
        return await browser.log_out(url)

    async def code(self, asked: Asked, browser: Visit | None = None) -> str:
        visit = browser or self.new_browser()
        return (await visit(await self.authorization_url(asked)))["code"]

    async def exchange(
        self,
        code: str,
        asked: Asked,
        credentials: UpstreamCredentials | None = None,
        **changes: str,
    ) -> UpstreamLogin:
        arguments = {
            "redirect_uri": CALLBACK_URL,
            "code_verifier": asked.code_verifier,
            "nonce": asked.nonce,
            **changes,
        }
        return await self.provider.exchange(code, credentials or self.ours, **arguments)

    async def log_in(
        self, browser: Visit | None = None, credentials: UpstreamCredentials | None = None
    ) -> UpstreamLogin:
        asked, who = Asked(), credentials or self.ours
        visit = browser or self.new_browser()
        answer = await visit(await self.authorization_url(asked, who.client_id))
        assert answer["state"] == asked.state
        assert await self.provider.accepts_issuer(answer.get("iss"))
        return await self.exchange(answer["code"], asked, who)


@asynccontextmanager
async def fake_world(http: aiohttp.ClientSession) -> AsyncIterator[UpstreamWorld]:
    clients = {"shared": "shared-secret", "other": "other-secret"}
    fake = FakeProvider(clients=clients, logout_urls={LOGOUT_URL})
    server = TestServer(fake.application(), host="127.0.0.1")
    await server.start_server()
    config = ProviderConfig(
        generation="1",
        provider="cognito",
        issuer=ISSUER,
        client_id="shared",
        client_secret="shared-secret",
        authorize_url=f"{ISSUER}/authorize",
        token_url=str(server.make_url("/token")),
        jwks_url=str(server.make_url("/jwks")),
        revoke_url=str(server.make_url("/revoke")),
        logout_url=str(server.make_url("/logout")),
    )

    async def enable_user(enabled: bool) -> None:
        fake.refuses_refresh = not enabled

    yield UpstreamWorld(
        OidcProvider(config, http, scopes=SCOPES),
        UpstreamCredentials("shared", "shared-secret"),
        UpstreamCredentials("other", "other-secret"),
        sends_iss=False,
        new_browser=lambda: FakeVisit(fake, http),
        enable_user=enable_user,
    )
    await server.close()


@asynccontextmanager
async def cognito_world(
    emulator: Emulator, http: aiohttp.ClientSession
) -> AsyncIterator[UpstreamWorld]:
    config = ProviderFile(emulator.provider_file).current()
    api = boto3.client(
        "cognito-idp",
        region_name=config.region,
        endpoint_url=config.endpoint_url,
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
    )

    async def enable_user(enabled: bool) -> None:
        change = api.admin_enable_user if enabled else api.admin_disable_user
        await asyncio.to_thread(change, UserPoolId=config.pool_id or "", Username=USERNAME)

    directory = directory_catalog("")(config)
    assert directory is not None
    async with _real_world(config, directory, http, enable_user, sends_iss=False) as world:
        yield world


@asynccontextmanager
async def keycloak_world(
    keycloak: Keycloak,
    http: aiohttp.ClientSession,
    name: ProviderName = "keycloak",
) -> AsyncIterator[UpstreamWorld]:
    """name: `oidc` makes it any OpenID provider, known by issuer, client id and secret alone"""
    catalog = directory_catalog("", session=http, service_account=keycloak.service_account())
    directory = catalog(keycloak.provider())
    assert directory is not None

    async def enable_user(enabled: bool) -> None:
        await keycloak.enable_user(USERNAME, enabled)

    config = keycloak.provider(name)
    async with _real_world(config, directory, http, enable_user, sends_iss=True) as world:
        yield world


@asynccontextmanager
async def _real_world(
    config: ProviderConfig,
    directory: ClientDirectory,
    http: aiohttp.ClientSession,
    enable_user: Callable[[bool], Awaitable[None]],
    *,
    sends_iss: bool,
) -> AsyncIterator[UpstreamWorld]:
    made = await directory.create(
        AppClientRequest("mcp Another client", CALLBACK_URL, tuple(SCOPES.split()))
    )
    browsers: list[aiohttp.ClientSession] = []

    def new_browser() -> Visit:
        browsers.append(open_browser_session(None, timeout_seconds=60))
        return ScriptedVisit(browsers[-1])

    yield UpstreamWorld(
        OidcProvider(config, http, scopes=SCOPES),
        UpstreamCredentials(config.client_id, config.client_secret),
        UpstreamCredentials(made.client_id, made.client_secret),
        sends_iss=sends_iss,
        new_browser=new_browser,
        enable_user=enable_user,
    )
    for browser in browsers:
        await browser.close()
    await directory.delete(made.client_id)


@dataclass
class FakeVisit:
    """A browser of the fake provider, which has no pages but remembers who is logged in."""

    fake: FakeProvider
    http: aiohttp.ClientSession
    logged_in: bool = False
    passwords_typed: int = 0

    async def __call__(self, url: str) -> dict[str, str]:
        self.passwords_typed += not self.logged_in
        self.logged_in = True
        query = dict(parse_qsl(urlsplit(url).query))
        return {"code": self.fake.log_in(url), "state": query["state"]}

    async def log_out(self, url: str) -> str | None:
        async with self.http.get(url, allow_redirects=False) as answer:
            self.logged_in = answer.status != 302
            return answer.headers.get("Location")


@dataclass
class ScriptedVisit:
    """The demo user in front of one browser."""

    session: aiohttp.ClientSession
    passwords_typed: int = 0

    async def __call__(self, url: str) -> dict[str, str]:
        browser = Browser(self.session, CALLBACK_URL)
        shown = await browser.open(url)
        if not isinstance(shown, Arrival):
            form = next(form for form in shown.forms() if form.password_field)
            typed = {"username": USERNAME, str(form.password_field): PASSWORD}
            shown = await browser.submit(shown, form, form.filled(typed))
            self.passwords_typed += 1
        assert isinstance(shown, Arrival), shown.text
        return dict(parse_qsl(urlsplit(shown.url).query, keep_blank_values=True))

    async def log_out(self, url: str) -> str | None:
        browser = Browser(self.session, LOGOUT_URL)
        shown = await browser.open(url)
        if not isinstance(shown, Arrival) and (forms := shown.forms()):
            shown = await browser.submit(shown, forms[0], forms[0].filled({}))
        return shown.url if isinstance(shown, Arrival) else None


def unverified_claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert isinstance(claims, dict)
    return claims
