"""An issuer of access tokens: a real HTTP server whose keys and faults a test chooses."""

import base64
import functools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

METADATA_PATH = "/.well-known/oauth-authorization-server"
JWKS_PATH = "/jwks.json"


@functools.cache
def private_key(name: str, bits: int = 2048) -> Any:
    """The same key for the same name in one run; names that start with `ec` give P-256 keys."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def encode(part: bytes | object) -> str:
    """Base64url of bytes, or of a value's JSON."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header: object, claims: object, key: Any, algorithm: str = "RS256") -> str:
    """A JWS of any header and payload (values or raw bytes), well-formed or not."""
    signing_input = f"{encode(header)}.{encode(claims)}"
    signer: Any = RSAAlgorithm if algorithm == "RS256" else ECAlgorithm
    signature = signer(signer.SHA256).sign(signing_input.encode(), key)
    return f"{signing_input}.{encode(signature)}"


def public_jwk(kid: str, key: Any, **members: object) -> dict[str, Any]:
    algorithm: Any = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid, "use": "sig", **members}


@dataclass
class TokenIssuer:
    """issuer:   its identifier, once it has started
    kids:     the names of the keys it publishes
    jwks:     what it publishes instead of those
    metadata: members that replace those of its metadata
    status:   what it answers when not 200
    fetches:  how often each path was asked for
    """

    issuer: str = ""
    server: TestServer | None = None
    kids: list[str] = field(default_factory=lambda: ["rsa-1"])
    jwks: object | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    status: int = 200
    fetches: Counter[str] = field(default_factory=Counter)

    async def start(self, port: int | None = None) -> None:
        application = web.Application()
        application.router.add_get(METADATA_PATH, self._metadata)
        application.router.add_get(JWKS_PATH, self._jwks)
        self.server = TestServer(application, port=port)
        await self.server.start_server()
        self.issuer = f"http://127.0.0.1:{self.server.port}"

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.close()

    def claims(self, resource: str, now: int, **changes: object) -> dict[str, object]:
        """The claims of a good token; a change of None leaves the claim out."""
        claims = {
            "iss": self.issuer,
            "sub": "user-1",
            "aud": resource,
            "client_id": "client-1",
            "scope": "mcp-api/read",
            "gid": "grant-1",
            "jti": "token-1",
            "iat": now,
            "exp": now + 300,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def mint(self, resource: str, now: int, *, kid: str = "rsa-1", **changes: object) -> str:
        algorithm = "ES256" if kid.startswith("ec") else "RS256"
        header = {"typ": "at+jwt", "alg": algorithm, "kid": kid}
        return sign(header, self.claims(resource, now, **changes), private_key(kid), algorithm)

    async def _metadata(self, request: web.Request) -> web.Response:
        self.fetches["metadata"] += 1
        document = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}{JWKS_PATH}"}
        return web.json_response({**document, **self.metadata}, status=self.status)

    async def _jwks(self, request: web.Request) -> web.Response:
        self.fetches["jwks"] += 1
        published = {"keys": [public_jwk(kid, private_key(kid)) for kid in self.kids]}
        return web.json_response(published if self.jwks is None else self.jwks, status=self.status)
