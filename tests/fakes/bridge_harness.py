"""The bridge in front of fakes, and a client's way through it."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from fakes.fake_provider import FakeProvider

from cimd_bridge.background import Background
from cimd_bridge.settings import Settings
from oauth_kit.records.client import Client, client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis
from oauth_kit.rules.client_authentication import hash_secret
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration

ISSUER = "http://localhost:3004"
RESOURCE = "http://localhost:3001/mcp"
KEYSPACE = Keyspace("development")
NATIVE = frozenset({"cursor", "vscode"})


@dataclass
class FakeClock:
    now: int

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: int) -> None:
        self.now += seconds


@dataclass
class FakeRegistrar:
    """The internal API with memory.

    gone: MCP clients whose upstream client the provider has lost
    down: makes it answer 500
    """

    clients: dict[str, Client] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    upstream_requests: list[dict[str, Any]] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    down: bool = False
    token: str = "internal-token-of-at-least-32-characters"

    def application(self) -> Application:
        from aiohttp import web

        async def find(request: Request) -> web.Response:
            assert request.headers["Authorization"] == f"Bearer {self.token}"
            self.asked.append(request.match_info["client_id"])
            if self.down:
                return web.json_response({}, status=500)
            client = self.clients.get(request.match_info["client_id"])
            if client is None:
                return web.json_response({"error": "not_found"}, status=404)
            return web.json_response(client.to_document())

        async def upstream(request: Request) -> web.Response:
            self.upstream_requests.append(await request.json())
            return web.json_response({"status": "created", "upstream_client_id": "own"})

        async def used(request: Request) -> web.Response:
            self.renewed.append(request.match_info["client_id"])
            return web.Response(status=500 if self.down else 204)

        async def check(request: Request) -> web.Response:
            client_id = (await request.json())["client_id"]
            self.checked.append(client_id)
            status = "gone" if client_id in self.gone else "exists"
            return web.json_response({"status": status}, status=500 if self.down else 200)

        app = web.Application()
        app.router.add_post("/internal/upstream-clients/check", check)
        app.router.add_get("/internal/clients/{client_id}", find)
        app.router.add_post("/internal/clients/{client_id}/used", used)
        app.router.add_post("/internal/upstream-clients", upstream)
        return app


@dataclass
class Answer:
    """One response, read whole."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def query(self) -> dict[str, str]:
        pairs = parse_qsl(urlsplit(self.location).query, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), "a parameter of the redirect is repeated"
        return dict(pairs)

    def json(self) -> Any:
        return json.loads(self.text)


class Pkce:
    def __init__(self) -> None:
        self.verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        self.challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(repr=False)
class Bridge:
    """Requests as clients and browsers make them; redirects are never followed."""

    http: TestClient[Request, Application]
    redis: Redis
    provider: FakeProvider
    registrar: FakeRegistrar
    clock: FakeClock
    background: Background
    settings: Settings

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        return await self.request("POST", path, **options)

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        async with self.http.request(method, path, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers.copy(), await response.text())

    async def register(self, **metadata: Any) -> Client:
        """Put a registered client where the registrar would."""
        document = {
            "client_name": "Test app",
            "redirect_uris": ["http://localhost:9999/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        } | metadata
        secret = document.pop("secret", None)
        client = Client(
            client_id="mcp-" + secrets.token_urlsafe(16),
            kind="registered",
            metadata=read_registration(document, MetadataPolicy(native_schemes=NATIVE)),
            secret_hash=hash_secret(secret) if secret else None,
            method_was_defaulted="token_endpoint_auth_method" not in metadata and bool(secret),
        )
        await self.redis.set(client_key(KEYSPACE, client.client_id), client.to_json())
        return client

    def question(self, client: Client, pkce: Pkce, **changes: str | None) -> dict[str, str]:
        """A complete authorization request; None leaves a parameter out."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.metadata.redirect_uris[0],
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
            "state": "st",
            "resource": RESOURCE,
            "scope": "mcp-api/read mcp-api/write",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    async def authorize(self, parameters: Mapping[str, str], **options: Any) -> Answer:
        return await self.get("/authorize?" + urlencode(parameters), **options)

    async def decide(self, page: Answer, decision: str = "approve", **options: Any) -> Answer:
        data = {"form": sealed_form(page), "decision": decision}
        headers = {"Origin": ISSUER, "Sec-Fetch-Site": "same-origin"} | options.pop("headers", {})
        return await self.post("/consent", data=data, headers=headers, **options)

    async def come_back(self, to_provider: Answer, **changes: str | None) -> Answer:
        """The provider's log-in, then our callback."""
        answer: dict[str, str | None] = {
            "code": self.provider.log_in(to_provider.location),
            "state": to_provider.query["state"],
            **changes,
        }
        query = urlencode({name: value for name, value in answer.items() if value is not None})
        return await self.get(f"/callback?{query}")

    async def code_for(self, client: Client, pkce: Pkce, **changes: str | None) -> str:
        page = await self.authorize(self.question(client, pkce, **changes))
        assert page.status == 200, page.text
        done = await self.come_back(await self.decide(page))
        return done.query["code"]

    async def redeem(
        self, client: Client, code: str, pkce: Pkce, *, headers: Any = None, **changes: str | None
    ) -> Answer:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": pkce.verifier,
            "client_id": client.client_id,
            "redirect_uri": client.metadata.redirect_uris[0],
            **changes,
        }
        return await self.post("/token", data=_present(form), headers=headers)

    async def refresh(
        self, client: Client, token: str, *, headers: Any = None, **changes: str | None
    ) -> Answer:
        form: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": client.client_id,
            **changes,
        }
        return await self.post("/token", data=_present(form), headers=headers)

    async def tokens_for(self, client: Client, **changes: str | None) -> dict[str, Any]:
        """The whole way, to an access token and (mostly) a refresh token."""
        pkce = Pkce()
        answer = await self.redeem(client, await self.code_for(client, pkce, **changes), pkce)
        assert answer.status == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def settle(self) -> None:
        """Let what the bridge does in the background finish."""
        await self.background.drain()

    async def log_ins(self) -> list[str]:
        """Keys of everything that an authorization writes."""
        nouns = ("txn", "form", "code", "grant", "family", "upstream")
        return [key for key in await self.redis.keys("*") if key.split(":")[2] in nouns]

    async def stored(self) -> dict[str, str]:
        """Everything in the store, readable or not."""
        found = {}
        for key in await self.redis.keys("*"):
            kind = await self.redis.type(key)
            match kind:
                case "string":
                    found[key] = await self.redis.get(key)
                case "hash":
                    found[key] = json.dumps(await self.redis.hgetall(key))
                case "zset":
                    found[key] = json.dumps(await self.redis.zrange(key, 0, -1))
                case "stream":
                    found[key] = json.dumps(await self.redis.xrange(key))
                case _:
                    raise AssertionError(kind)
        return found


def sealed_form(page: Answer) -> str:
    match = re.search(r'name="form" value="([^"]+)"', page.text)
    assert match, page.text
    return unescape(match[1])


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of RFC 6749 §2.3.1: both parts form-encoded."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def _present(form: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in form.items() if value is not None}
