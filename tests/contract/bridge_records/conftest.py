"""The bridge's records over both stores, and a log-in to try them with."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import fakeredis
import pytest
import redis.asyncio

from cimd_bridge.records.codes import Codes
from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grant import Grant, Lifetimes, UpstreamTokens
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.outcomes import Redeemed, Rotated
from cimd_bridge.records.store import RecordStore
from cimd_bridge.records.transactions import Transaction, Transactions
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.client_metadata import ClientMetadata
from oauth_kit.rules.pkce import challenge_of

NOW = 1_800_000_000
RESOURCE = "http://localhost:3001/mcp"
REDIRECT = "http://127.0.0.1:33418/callback"
CLIENT_ID = "dcr-4f1d"

Connect = Callable[[], redis.asyncio.Redis]


def a_client(client_id: str = CLIENT_ID) -> Client:
    metadata = ClientMetadata.from_document(
        {
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "Canary Client",
        }
    )
    return Client(client_id=client_id, kind="registered", metadata=metadata, issued_at=NOW)


@dataclass(frozen=True)
class Login:
    """A grant with its code, as the callback leaves them, and what redeems the code."""

    grant: Grant
    code: str
    verifier: str
    upstream: UpstreamTokens

    def request(self, **changes: Any) -> dict[str, Any]:
        return {
            "client_id": self.grant.client_id,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
            "resource": self.grant.resource,
            "first_refresh_secret": new_secret(),
            "now": NOW,
        } | changes


@dataclass(frozen=True)
class Bridge:
    """One replica's records."""

    store: RecordStore
    lifetimes: Lifetimes | None = None

    @property
    def denials(self) -> Denials:
        return Denials(self.store)

    @property
    def grants(self) -> Grants:
        return Grants(self.store, self.denials, lifetimes=self.lifetimes)

    @property
    def codes(self) -> Codes:
        return Codes(self.store, lifetimes=self.lifetimes)

    @property
    def transactions(self) -> Transactions:
        return Transactions(self.store)

    async def login(self, **changes: Any) -> Login:
        grant = Grant(
            gid=new_id(),
            client=a_client(changes.pop("client_id", CLIENT_ID)),
            subject="sub-canary-7",
            scopes=("mcp-api/read", "mcp-api/write"),
            resource=RESOURCE,
            upstream_client_id=None,
            provider_generation="pool-1",
            upstream_session="session-canary",
            created_at=NOW,
            upstream_checked_at=NOW,
        )
        grant = replace(grant, **changes)
        verifier = secrets.token_urlsafe(48)
        upstream = UpstreamTokens("upstream-refresh-canary", "upstream-access-canary", None)
        code = await self.grants.open(
            grant,
            upstream,
            code_secret=new_secret(),
            redirect_uri=REDIRECT,
            code_challenge=challenge_of(verifier),
            now=grant.created_at,
        )
        return Login(grant, code, verifier, upstream)

    async def session(self, **changes: Any) -> tuple[Grant, str]:
        """A grant whose code was redeemed, and its first refresh token."""
        login = await self.login(**changes)
        redeemed = await self.codes.redeem(login.code, **login.request())
        assert isinstance(redeemed, Redeemed)
        assert redeemed.refresh_token is not None
        return redeemed.grant, redeemed.refresh_token

    async def rotated(self, token: str, *, now: int = NOW) -> str:
        found = await self.grants.rotate(
            token, client_id=CLIENT_ID, new_secret=new_secret(), now=now
        )
        assert isinstance(found, Rotated)
        return found.refresh_token

    async def denied(self) -> list[dict[str, str]]:
        entries = await self.store.redis.xrange("mcp:test:denied")
        return [fields for _, fields in entries]


@pytest.fixture(params=["fakeredis", "valkey"])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Makes connections to one empty store."""
    async with AsyncExitStack() as opened:
        fake = fakeredis.FakeServer()
        url = request.getfixturevalue("valkey_url") if request.param == "valkey" else ""

        def connection() -> redis.asyncio.Redis:
            client: redis.asyncio.Redis = (
                redis.asyncio.Redis.from_url(url, decode_responses=True)
                if url
                else fakeredis.FakeAsyncRedis(server=fake, decode_responses=True)
            )
            opened.push_async_callback(client.aclose)
            return client

        await connection().flushall()
        yield connection


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.parse(KeyRing.generate("k1"))


@pytest.fixture
def store(connect: Connect, ring: KeyRing) -> RecordStore:
    return RecordStore.under(ring, connect(), Keyspace("test"))


@pytest.fixture
def bridge(store: RecordStore) -> Bridge:
    return Bridge(store)


@pytest.fixture
def replicas(connect: Connect, ring: KeyRing) -> list[Bridge]:
    """Four replicas, each on a connection of its own."""
    return [Bridge(RecordStore.under(ring, connect(), Keyspace("test"))) for _ in range(4)]


@pytest.fixture
def transaction() -> Transaction:
    return Transaction(
        client=a_client(),
        redirect_uri=REDIRECT,
        redirect_uri_was_sent=True,
        code_challenge=challenge_of("v" * 43),
        scopes=("mcp-api/read",),
        resource=RESOURCE,
        client_state="client-state-canary",
        upstream_client_id="upstream-1",
        provider_generation="pool-1",
        upstream_nonce="nonce-canary",
        upstream_code_verifier="upstream-verifier-canary",
        created_at=NOW,
    )


async def dump(client: redis.asyncio.Redis) -> dict[str, object]:
    """Everything in the store, as an intruder would read it."""
    readers: dict[str, Callable[[str], Any]] = {
        "hash": client.hgetall,
        "string": client.get,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": client.xrange,
    }
    return {key: await readers[await client.type(key)](key) for key in await client.keys("*")}


@pytest.fixture
def read_everything(connect: Connect) -> Callable[[], Any]:
    client = connect()
    return lambda: dump(client)
