"""An OpenID provider with memory: a real server that a test can turn against us."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER = "https://idp.example/pool"


@dataclass
class FakeProvider:
    """Codes, refresh tokens and app clients of one pool.

    change_claims, change_header: what a hostile or broken provider does to its ID tokens
    fails_with:                   an HTTP status that the token endpoint answers instead
    answers_with:                 a whole answer that token and revocation endpoint give instead
    metadata:                     members that replace those of the discovery document
    logout_urls:                  where a browser may be sent to from the log-out
    """

    clients: dict[str, str] = field(default_factory=lambda: {"shared": "shared-secret"})
    issuer: str = ISSUER
    subject: str = "user-1"
    email: str = "canary@example.com"
    gives_refresh_token: bool = True
    fails_with: int | None = None
    answers_with: Callable[[], web.Response] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    logout_urls: set[str] = field(default_factory=set)
    rotates_refresh_tokens: bool = False
    refuses_refresh: bool = False
    signing_key: Any = KEY
    change_claims: Callable[[dict[str, Any]], object] = field(default=lambda claims: None)
    change_header: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def log_in(self, location: str) -> str:
        """What the log-in page would do: check our request, return the code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert query["client_id"] in self.clients
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return code

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_post("/revoke", self._revoke)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/logout", self._logout)
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        return app

    async def _discovery(self, request: web.Request) -> web.Response:
        self.calls.append("discovery")
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "revocation_endpoint": f"{self.issuer}/revoke",
        }
        return web.json_response(document | self.metadata)

    async def _jwks(self, request: web.Request) -> web.Response:
        jwk = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        return web.json_response({"keys": [jwk | {"kid": "idp-1", "use": "sig", "alg": "RS256"}]})

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.calls.append(str(form["grant_type"]))
        client_id = self._client(request)
        if self.answers_with is not None:
            return self.answers_with()
        if self.fails_with is not None:
            return web.json_response({"error": "boom, secret text"}, status=self.fails_with)
        if client_id is None:
            return web.json_response({"error": "invalid_client"}, status=400)
        if form["grant_type"] == "refresh_token":
            return self._refresh(str(form["refresh_token"]), client_id)
        return self._exchange(form, client_id)

    def _exchange(self, form: dict[str, Any], client_id: str) -> web.Response:
        asked = self.codes.pop(form["code"], None)
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if (
            asked is None
            or asked["client_id"] != client_id
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        answer = {
            "access_token": "upstream-access-canary",
            "id_token": self._id_token(client_id, asked["nonce"]),
            "token_type": "Bearer",
        }
        if self.gives_refresh_token:
            refresh_token = "upstream-refresh-canary-" + secrets.token_urlsafe(8)
            self.refresh_tokens[refresh_token] = client_id
            answer["refresh_token"] = refresh_token
        return web.json_response(answer)

    def _id_token(self, client_id: str, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": client_id,
            "sub": self.subject,
            "email": self.email,
            "email_verified": True,
            "nonce": nonce,
            "token_use": "id",
            "origin_jti": "session-1",
            "iat": now,
            "exp": now + 3600,
        }
        self.change_claims(claims)
        header = {"kid": "idp-1"} | self.change_header
        return jwt.encode(claims, self.signing_key, algorithm="RS256", headers=header)

    def _refresh(self, token: str, client_id: str) -> web.Response:
        if self.refuses_refresh or self.refresh_tokens.get(token) != client_id:
            return web.json_response({"error": "invalid_grant"}, status=400)
        answer = {"access_token": "upstream-access-2", "token_type": "Bearer"}
        if self.rotates_refresh_tokens:
            del self.refresh_tokens[token]
            answer["refresh_token"] = "upstream-refresh-canary-" + secrets.token_urlsafe(8)
            self.refresh_tokens[answer["refresh_token"]] = client_id
        return web.json_response(answer)

    async def _logout(self, request: web.Request) -> web.Response:
        """As Cognito's, which sends no `state` back."""
        known = request.query.get("client_id") in self.clients
        location = request.query.get("logout_uri", "")
        if not known or location not in self.logout_urls:
            return web.Response(status=400)
        return web.Response(status=302, headers={"Location": location})

    async def _revoke(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.calls.append("revoke")
        if self.answers_with is not None:
            return self.answers_with()
        if self._client(request) is None:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.revoked.append(str(form["token"]))
        self.refresh_tokens.pop(str(form["token"]), None)
        return web.Response()

    def _client(self, request: web.Request) -> str | None:
        _, _, encoded = request.headers.get("Authorization", "").partition(" ")
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
        known = self.clients.get(unquote_plus(client_id))
        return unquote_plus(client_id) if known == unquote_plus(secret) else None
