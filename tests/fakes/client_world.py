"""One client in front of two real servers on loopback, and a browser without JavaScript."""

import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import fakeredis
from aiohttp import web
from aiohttp.test_utils import TestClient
from fakes.authorization_server import FakeAuthorizationServer
from fakes.resource_server import FakeResourceServer

from demo_clients.settings import ClientSettings
from oauth_kit.crypto.key_ring import KeyRing

PUBLIC_URL = "http://127.0.0.1:3002"


@dataclass
class Time:
    """A clock that stands still until it is moved."""

    now: int = 1_800_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class Page:
    """A page as a person sees it."""

    status: int
    text: str
    headers: Any

    def says(self, test_id: str) -> str:
        """The text of the element with this id, without its tags."""
        found = re.search(
            rf'data-testid="{test_id}"[^>]*>(.*?)</(?:p|pre|dd|table)>', self.text, re.S
        )
        assert found is not None, f"nothing called {test_id} in the page"
        return html.unescape(re.sub(r"<[^>]+>", " ", found[1])).strip()

    def has(self, test_id: str) -> bool:
        return f'data-testid="{test_id}"' in self.text

    @property
    def is_logged_in(self) -> bool:
        return 'data-logged-in="true"' in self.text

    @property
    def succeeded(self) -> bool:
        return 'data-succeeded="true"' in self.text


@dataclass
class Browser:
    """Presses buttons, follows redirects between the client and the authorization server."""

    client: TestClient[web.Request, web.Application]
    outside: aiohttp.ClientSession
    visited: list[str] = field(default_factory=list)

    async def home(self) -> Page:
        return await self.get("/")

    async def get(self, path: str, **options: Any) -> Page:
        response = await self.client.get(path, allow_redirects=False, **options)
        return Page(response.status, await response.text(), response.headers)

    async def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', (await self.home()).text)
        assert found is not None
        return found[1]

    async def press(self, button: str, **fields: str) -> str:
        """Send the form of a button; returns where it redirects to."""
        path = "/login" if button == "log-in" else f"/actions/{button}"
        form = {"form_token": await self.form_token(), **fields}
        response = await self.client.post(path, data=form, allow_redirects=False)
        assert response.status == 303, await response.text()
        return response.headers["Location"]

    async def authorize(self, location: str) -> str:
        """What the authorization server redirects to."""
        self.visited.append(location)
        async with self.outside.get(location, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return response.headers["Location"]

    async def return_with(self, callback: str) -> str:
        """Open the redirect URI; returns where the client sends us then."""
        parts = urlsplit(callback)
        page = await self.get(f"{parts.path}?{parts.query}")
        assert page.status == 303, page.text
        return str(page.headers["Location"])

    async def submit(self, path: str, **fields: str) -> Page:
        """Send a form of any page and go wherever that leads, until there is a page."""
        form = {"form_token": await self.form_token(), **fields}
        response = await self.client.post(path, data=form, allow_redirects=False)
        for _ in range(10):
            if response.status != 303:
                return Page(response.status, await response.text(), response.headers)
            location = response.headers["Location"]
            if location.startswith("http"):
                location = "/" + (await self.authorize(location)).split("/", 3)[3]
            response = await self.client.get(location, allow_redirects=False)
        raise AssertionError("redirected in a circle")

    async def do(self, button: str, **fields: str) -> Page:
        """Press a button and go wherever that leads, until there is a page."""
        location = await self.press(button, **fields)
        for _ in range(10):
            if location == "/":
                return await self.home()
            location = await self.return_with(await self.authorize(location))
        raise AssertionError("redirected in a circle")


@dataclass
class World:
    """The client under test with everything around it."""

    issuer: FakeAuthorizationServer
    resource: FakeResourceServer
    redis: fakeredis.FakeAsyncRedis
    time: Time
    browser: Browser

    async def dump(self) -> str:
        """Every key and value in the store."""
        keys = [key async for key in self.redis.scan_iter("*")]
        return "\n".join([f"{key}={await self._value(key)}" for key in keys])

    async def _value(self, key: str) -> object:
        match await self.redis.type(key):
            case "stream":
                return await self.redis.xrange(key)
            case "zset":
                return await self.redis.zrange(key, 0, -1, withscores=True)
            case _:
                return await self.redis.get(key)


MakeWorld = Callable[..., Awaitable[World]]


def make_settings(
    issuer: FakeAuthorizationServer, resource: FakeResourceServer, kind: str, **changed: str
) -> ClientSettings:
    values = {
        "environment": "development",
        "client_kind": kind,
        "port": "3002",
        "public_url": PUBLIC_URL,
        "redis_url": "redis://127.0.0.1:1",
        "rate_limits": "off",
        "issuer": issuer.issuer,
        "resource": resource.resource,
        "session_keys": KeyRing.generate("k1"),
        "preregistered_client_id": "demo:pre registered",
        "preregistered_client_secret": "s+cret/%:",
        **changed,
    }
    return ClientSettings.model_validate(values)


def introduce(issuer: FakeAuthorizationServer, kind: str, public_url: str = PUBLIC_URL) -> None:
    """What the operator, or a fetched document, has told the authorization server."""
    redirect_uris = [f"{public_url}/callback"]
    if kind == "preregistered":
        issuer.clients["demo:pre registered"] = {
            "redirect_uris": redirect_uris,
            "token_endpoint_auth_method": "client_secret_basic",
            "client_secret": "s+cret/%:",
        }
    if kind == "metadata_document":
        issuer.clients[f"{public_url}/client-metadata.json"] = {
            "redirect_uris": redirect_uris,
            "token_endpoint_auth_method": "none",
        }
