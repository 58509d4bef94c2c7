"""RFC 8414 §3.3, RFC 7517 §5, RFC 8725 §3, against an issuer on loopback."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from jwt.algorithms import HMACAlgorithm

from oauth_kit.outbound.signing_keys import RemoteIssuer, verify_jws
from oauth_kit.rules.errors import OAuthError

NOW = 1_800_000_000
MAX_AGE, STALE, COOLDOWN = 300, 3600, 30
CLAIMS = {"sub": "user-1", "iss": "any"}


class Key:
    """A signing key pair with what an issuer publishes of it."""

    def __init__(self, kid: str, algorithm: str = "RS256", bits: int = 2048, **more: str) -> None:
        self.kid, self.algorithm = kid, algorithm
        self.private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
        if algorithm == "RS256":
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
        self.signer = jwt.get_algorithm_by_name(algorithm)
        public = self.signer.to_jwk(self.private.public_key(), as_dict=True)
        self.jwk = {**public, "kid": kid, "alg": algorithm, "use": "sig", **more}

    def sign(self, signing_input: bytes) -> bytes:
        return self.signer.sign(signing_input, self.private)

    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


RSA_KEY, EC_KEY, OTHER = Key("r1"), Key("e1", "ES256"), Key("o1", "ES256")
SMALL, FOR_ENCRYPTION = Key("small", bits=1024), Key("enc", use="enc")


def part(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def token_of(
    key: Key,
    payload: bytes | None = None,
    sign: Callable[[bytes], bytes] | None = None,
    raw_header: bytes | None = None,
    **header: object,
) -> str:
    head = {"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid} | header
    body = json.dumps(CLAIMS).encode() if payload is None else payload
    signing_input = f"{part(raw_header or json.dumps(head).encode())}.{part(body)}"
    return f"{signing_input}.{part((sign or key.sign)(signing_input.encode()))}"


@dataclass
class FakeIssuer:
    """An issuer that publishes what it is told to, and counts who asks."""

    keys: list[Key]
    url: str = ""
    metadata: dict[str, object] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 200
    metadata_hits: int = 0
    jwks_hits: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    now: int = NOW

    async def serve_metadata(self, request: web.Request) -> web.Response:
        self.metadata_hits += 1
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"} | self.metadata
        return web.Response(
            body=self.body or json.dumps(document).encode(),
            status=self.status,
            headers={"Location": f"{self.url}/moved"},
        )

    async def serve_keys(self, request: web.Request) -> web.Response:
        self.jwks_hits += 1
        keys = [key.jwk for key in self.keys]
        self.asked.set()
        await self.gate.wait()
        return web.json_response({"keys": keys}, status=self.status)

    def clock(self) -> int:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    fake = FakeIssuer([RSA_KEY, EC_KEY, SMALL, FOR_ENCRYPTION])
    fake.gate.set()
    app = web.Application()
    app.router.add_get("/.well-known/oauth-authorization-server", fake.serve_metadata)
    app.router.add_get("/moved", fake.serve_metadata)
    app.router.add_get("/jwks.json", fake.serve_keys)
    async with TestServer(app, host="127.0.0.1") as server:
        fake.url = f"http://127.0.0.1:{server.port}"
        yield fake
        fake.gate.set()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as opened:
        yield opened


@pytest.fixture
def remote(issuer: FakeIssuer, session: aiohttp.ClientSession) -> RemoteIssuer:
    return remote_of(issuer, session)


def remote_of(
    issuer: FakeIssuer,
    session: aiohttp.ClientSession,
    name: str = "",
    paths: tuple[str, ...] = ("/.well-known/oauth-authorization-server",),
    jwks_url: str | None = None,
    **counting: Any,
) -> RemoteIssuer:
    return RemoteIssuer(
        name or issuer.url,
        session,
        metadata_urls=[f"{issuer.url}{path}" for path in paths],
        jwks_url=jwks_url,
        clock=issuer.clock,
        max_age_seconds=MAX_AGE,
        stale_seconds=STALE,
        cooldown_seconds=COOLDOWN,
        **counting,
    )


async def refusal(token: str, remote: RemoteIssuer) -> str:
    with pytest.raises(OAuthError) as refused:
        await verify_jws(token, remote)
    return refused.value.code


GOOD = token_of(RSA_KEY)
HEAD, BODY, SIGNATURE = GOOD.split(".")


def hmac_with(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signing_input: HMACAlgorithm(HMACAlgorithm.SHA256).sign(signing_input, secret)


def der_signature(signing_input: bytes) -> bytes:
    raw = EC_KEY.sign(signing_input)
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


FORGED = {
    "none": token_of(RSA_KEY, alg="none", sign=lambda _: b""),
    "none in capitals": token_of(RSA_KEY, alg="NONE", sign=lambda _: b""),
    "none with a signature": token_of(RSA_KEY, alg="none"),
    "no signature": f"{HEAD}.{BODY}.",
    "HS256 with the public key": token_of(RSA_KEY, alg="HS256", sign=hmac_with(RSA_KEY.pem())),
    "HS256 with the modulus": token_of(
        RSA_KEY, alg="HS256", sign=hmac_with(RSA_KEY.jwk["n"].encode())
    ),
    "another RSA algorithm": token_of(RSA_KEY, alg="RS512"),
    "PS256": token_of(RSA_KEY, alg="PS256"),
    "empty crit": token_of(RSA_KEY, crit=[]),
    "unknown crit": token_of(RSA_KEY, crit=["exp"]),
    "b64": token_of(RSA_KEY, b64=False, crit=["b64"]),
    "its own key": token_of(OTHER, jwk=OTHER.jwk, kid="r1", alg="ES256"),
    "an address for its key": token_of(RSA_KEY, jku="https://evil.example/jwks.json"),
    "another key under a known id": token_of(OTHER, kid="e1"),
    "RSA key, EC algorithm": token_of(EC_KEY, kid="r1"),
    "EC key, RSA algorithm": token_of(RSA_KEY, kid="e1"),
    "1024-bit RSA": token_of(SMALL),
    "key for encryption": token_of(FOR_ENCRYPTION),
    "unknown key": token_of(OTHER),
    "key id that is a list": token_of(RSA_KEY, kid=["r1"]),
    "no key id": token_of(RSA_KEY, raw_header=b'{"alg":"RS256"}'),
    "claims twice": token_of(RSA_KEY, b'{"sub":"a","sub":"b"}'),
    "header twice": token_of(RSA_KEY, raw_header=b'{"alg":"RS256","kid":"e1","kid":"r1"}'),
    "UTF-16 payload": token_of(RSA_KEY, json.dumps(CLAIMS).encode("utf-16")),
    "byte order mark": token_of(RSA_KEY, json.dumps(CLAIMS).encode("utf-8-sig")),
    "payload that is a list": token_of(RSA_KEY, b"[]"),
    "infinite number": token_of(RSA_KEY, b'{"exp":1e400}'),
    "padding": f"{GOOD}==",
    "unused bits": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "line feed": f"{GOOD}\n",
    "flipped bit": f"{HEAD}.{BODY}.{'B' if SIGNATURE[0] == 'A' else 'A'}{SIGNATURE[1:]}",
    "another payload": f"{HEAD}.{part(b'{}')}.{SIGNATURE}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "zero EC signature": token_of(EC_KEY, sign=lambda _: bytes(64)),
    "DER signature": token_of(EC_KEY, sign=der_signature),
    "short EC signature": token_of(EC_KEY, sign=lambda data: EC_KEY.sign(data)[:63]),
}


@pytest.mark.requirement("RS8", "RS9", "CB8")
@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_is_an_invalid_token(token: str, remote: RemoteIssuer) -> None:
    assert await refusal(token, remote) == "invalid_token"


@pytest.mark.requirement("RS9")
@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS256", "ES256"])
async def test_a_token_of_the_issuer_is_verified(key: Key, remote: RemoteIssuer) -> None:
    header, claims = await verify_jws(token_of(key), remote)
    assert (header["kid"], claims) == (key.kid, CLAIMS)
    signed = jwt.encode({"sub": "x"}, key.private, key.algorithm, headers={"kid": key.kid})
    assert (await verify_jws(signed, remote))[1] == {"sub": "x"}


async def test_algorithms_can_be_narrowed(remote: RemoteIssuer) -> None:
    with pytest.raises(OAuthError) as refused:
        await verify_jws(GOOD, remote, algorithms=frozenset({"ES256"}))
    assert refused.value.code == "invalid_token"


@pytest.mark.requirement("RS25")
@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"issuer": "http://127.0.0.1/"},
        {"jwks_uri": None},
        {"jwks_uri": ["x"]},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "javascript:1"},
    ],
)
async def test_metadata_of_another_issuer_or_without_keys_is_not_used(
    metadata: dict[str, object], issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    issuer.metadata = metadata
    assert await refusal(GOOD, remote) == "temporarily_unavailable"
    assert await remote.not_ready()
    assert issuer.jwks_hits == 0


@pytest.mark.requirement("RS25")
async def test_the_issuer_is_compared_byte_for_byte(
    issuer: FakeIssuer, session: aiohttp.ClientSession
) -> None:
    for name in (f"{issuer.url}/", issuer.url.upper(), issuer.url.replace("http", "https")):
        remote = remote_of(issuer, session, name=name)
        assert await refusal(GOOD, remote) == "temporarily_unavailable"
        with pytest.raises(OAuthError):
            await remote.metadata()


@pytest.mark.requirement("RS25")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"\xff",
        b'{"issuer":"a","issuer":"b"}',
        b'{"a":"' + b"x" * 600_000 + b'"}',
    ],
)
async def test_a_document_that_is_none_is_not_used(
    body: bytes, issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    issuer.body = body or b" "
    assert await refusal(GOOD, remote) == "temporarily_unavailable"


@pytest.mark.requirement("RS25")
@pytest.mark.parametrize("status", [204, 302, 307, 404, 500])
async def test_only_an_answer_of_200_counts_and_no_redirect_is_followed(
    status: int, issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    issuer.status = status
    assert await refusal(GOOD, remote) == "temporarily_unavailable"
    assert (issuer.metadata_hits, issuer.jwks_hits) == (1, 0)


@pytest.mark.requirement("RS25")
async def test_an_https_issuer_has_no_plain_keys(
    issuer: FakeIssuer, session: aiohttp.ClientSession
) -> None:
    issuer.metadata = {"issuer": "https://auth.example"}
    remote = remote_of(issuer, session, name="https://auth.example")
    assert await refusal(GOOD, remote) == "temporarily_unavailable"
    assert issuer.jwks_hits == 0


async def test_the_operator_may_name_the_keys_of_an_issuer_found_elsewhere(
    issuer: FakeIssuer, session: aiohttp.ClientSession
) -> None:
    remote = remote_of(
        issuer,
        session,
        name="https://cognito-idp.us-east-1.amazonaws.com/pool",
        jwks_url=f"{issuer.url}/jwks.json",
    )
    assert (await verify_jws(GOOD, remote))[1] == CLAIMS
    assert issuer.metadata_hits == 0


async def test_the_first_address_that_answers_decides(
    issuer: FakeIssuer, session: aiohttp.ClientSession
) -> None:
    paths = ("/nothing", "/.well-known/oauth-authorization-server")
    remote = remote_of(issuer, session, paths=paths)
    assert (await remote.metadata())["issuer"] == issuer.url
    assert (await verify_jws(GOOD, remote))[1] == CLAIMS
    assert issuer.metadata_hits == 1


async def test_metadata_is_read_again_after_an_hour(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    for now, hits in ((NOW, 1), (NOW + 3599, 1), (NOW + 3600, 2)):
        issuer.now = now
        await remote.metadata()
        assert issuer.metadata_hits == hits


@pytest.mark.requirement("RS26")
async def test_without_any_key_the_answer_is_try_again_and_not_log_in_again(
    session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    remote = RemoteIssuer(url, session, metadata_urls=[f"{url}/x"])
    for _ in range(2):
        with pytest.raises(OAuthError) as refused:
            await verify_jws(GOOD, remote)
        assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
        assert refused.value.retry_after_seconds
    assert await remote.not_ready()


@pytest.mark.requirement("RS26")
async def test_an_issuer_that_fails_is_left_alone_for_a_moment(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    issuer.status = 500
    for _ in range(3):
        assert await refusal(GOOD, remote) == "temporarily_unavailable"
    assert issuer.metadata_hits == 1
    issuer.now += 2
    with pytest.raises(OAuthError) as refused:
        await verify_jws(GOOD, remote)
    assert issuer.metadata_hits == 2
    assert "nothing is cached" in refused.value.reason


@pytest.mark.requirement("RS26")
async def test_an_issuer_that_comes_back_is_used(issuer: FakeIssuer, remote: RemoteIssuer) -> None:
    issuer.status = 500
    assert await refusal(GOOD, remote) == "temporarily_unavailable"
    issuer.status = 200
    issuer.now += 5
    assert (await verify_jws(GOOD, remote))[1] == CLAIMS
    assert await remote.not_ready() is None


@pytest.mark.requirement("RS10")
async def test_a_flood_of_unknown_key_ids_costs_one_fetch_a_cooldown(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    async def flood() -> None:
        tokens = [token_of(OTHER, kid=f"k{number}") for number in range(100)]
        answers = await asyncio.gather(*(refusal(token, remote) for token in tokens))
        assert set(answers) == {"invalid_token"}

    await flood()
    assert issuer.jwks_hits <= 2
    before = issuer.jwks_hits
    issuer.now += COOLDOWN - 1
    await flood()
    assert issuer.jwks_hits == before
    issuer.now += 1
    await flood()
    assert issuer.jwks_hits == before + 1
    assert (await verify_jws(GOOD, remote))[1] == CLAIMS


@pytest.mark.requirement("RS10")
async def test_tokens_of_a_new_key_that_arrive_together_all_pass(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    await remote.refresh()
    issuer.keys = [*issuer.keys, OTHER]
    results = await asyncio.gather(*(verify_jws(token_of(OTHER), remote) for _ in range(20)))
    assert all(claims == CLAIMS for _, claims in results)
    assert issuer.jwks_hits == 2


@pytest.mark.requirement("RS25")
async def test_keys_are_fetched_once_for_all_and_kept_until_they_are_old(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    await asyncio.gather(*(verify_jws(GOOD, remote) for _ in range(20)))
    issuer.now += MAX_AGE - 1
    await verify_jws(GOOD, remote)
    assert (issuer.metadata_hits, issuer.jwks_hits) == (1, 1)
    issuer.now += 1
    await verify_jws(GOOD, remote)
    assert issuer.jwks_hits == 2


@pytest.mark.requirement("RS25")
async def test_known_keys_serve_while_the_issuer_fails_but_not_for_ever(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    await verify_jws(GOOD, remote)
    issuer.status = 500
    for now in (NOW + MAX_AGE, NOW + MAX_AGE + STALE - 1):
        issuer.now = now
        assert (await verify_jws(GOOD, remote))[1] == CLAIMS
        assert await remote.not_ready() is None
    issuer.now = NOW + MAX_AGE + STALE
    assert await refusal(GOOD, remote) == "temporarily_unavailable"
    assert await remote.not_ready()


async def test_lookups_and_failures_are_counted(
    issuer: FakeIssuer, session: aiohttp.ClientSession
) -> None:
    lookups: list[str] = []
    failures: list[None] = []
    remote = remote_of(
        issuer, session, count_lookup=lookups.append, count_failure=lambda: failures.append(None)
    )
    await verify_jws(GOOD, remote)
    await refusal(token_of(OTHER), remote)
    assert (lookups, failures) == (["hit", "miss"], [])
    issuer.status = 500
    issuer.now += MAX_AGE
    await verify_jws(GOOD, remote)
    assert (lookups, len(failures)) == (["hit", "miss", "stale"], 1)
    issuer.now += STALE
    assert await refusal(GOOD, remote) == "temporarily_unavailable"
    assert (lookups, len(failures)) == (["hit", "miss", "stale"], 2)


@pytest.mark.requirement("RS25")
async def test_an_empty_key_set_does_not_replace_a_good_one(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    await verify_jws(GOOD, remote)
    issuer.keys = []
    issuer.now += MAX_AGE
    assert (await verify_jws(GOOD, remote))[1] == CLAIMS


@pytest.mark.requirement("RS25")
async def test_an_issuer_that_hangs_delays_one_caller_only(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    await verify_jws(GOOD, remote)
    issuer.now += MAX_AGE
    issuer.asked.clear()
    issuer.gate.clear()
    first = asyncio.create_task(verify_jws(GOOD, remote))
    await issuer.asked.wait()
    assert (await verify_jws(GOOD, remote))[1] == CLAIMS
    assert not first.done()
    issuer.gate.set()
    assert (await first)[1] == CLAIMS


async def test_a_caller_who_leaves_takes_nothing_from_the_others(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    issuer.gate.clear()
    leaving, staying = (asyncio.create_task(verify_jws(GOOD, remote)) for _ in range(2))
    await issuer.asked.wait()
    leaving.cancel()
    issuer.gate.set()
    assert (await staying)[1] == CLAIMS
    assert issuer.jwks_hits == 1
    with pytest.raises(asyncio.CancelledError):
        await leaving


@pytest.mark.parametrize("replacement", [[], [Key("r1")]], ids=["gone", "replaced"])
async def test_a_key_that_disappears_verifies_nothing_and_is_announced_once(
    replacement: list[Key], issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    announced: list[int] = []
    remote.on_key_removed = lambda: announced.append(issuer.now)
    await verify_jws(GOOD, remote)
    issuer.keys = [EC_KEY, *replacement]
    issuer.now += MAX_AGE
    assert await refusal(GOOD, remote) == "invalid_token"
    assert (await verify_jws(token_of(EC_KEY), remote))[1] == CLAIMS
    assert announced == [NOW + MAX_AGE]


async def test_a_key_that_is_added_is_no_removal(issuer: FakeIssuer, remote: RemoteIssuer) -> None:
    announced: list[int] = []
    remote.on_key_removed = lambda: announced.append(issuer.now)
    await verify_jws(GOOD, remote)
    issuer.keys = [OTHER, *issuer.keys]
    await remote.refresh()
    assert (await verify_jws(token_of(OTHER), remote))[1] == CLAIMS
    assert announced == []


async def test_keys_are_fetched_ahead_of_the_first_token(
    issuer: FakeIssuer, remote: RemoteIssuer
) -> None:
    assert await remote.not_ready()
    keeping = asyncio.create_task(remote.keep_fresh())
    await issuer.asked.wait()
    await remote.refresh()
    assert await remote.not_ready() is None
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
