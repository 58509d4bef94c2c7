"""Minted access tokens: RFC 9068 to the letter, and verifiable with the published keys."""

import fakeredis
import jwt
import pytest

from cimd_bridge.records.grant import Grant
from cimd_bridge.records.store import RecordStore
from cimd_bridge.signing_keys import SigningKeys
from cimd_bridge.tokens import TokenMinter
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.access_token import MINTED, check_access_token
from oauth_kit.rules.client_metadata import ClientMetadata

NOW = 1_800_000_000
ISSUER = "http://localhost:3004"
RESOURCE = "http://localhost:3001/mcp"
METADATA = ClientMetadata.from_document(
    {
        "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "client_name": "Client",
    }
)
GRANT = Grant(
    gid="gid-0123456789abcdef",
    client=Client(client_id="dcr-1", kind="registered", metadata=METADATA),
    subject="sub-1",
    scopes=("mcp-api/read", "mcp-api/write"),
    resource=RESOURCE,
    upstream_client_id=None,
    provider_generation="pool-1",
    upstream_session=None,
    created_at=NOW - 1000,
    upstream_checked_at=NOW - 1000,
)


@pytest.fixture(params=["RS256", "ES256"])
async def minter(request):
    client = fakeredis.FakeAsyncRedis(decode_responses=True)
    ring = KeyRing.parse(KeyRing.generate("k1"))
    store = RecordStore.under(ring, client, Keyspace("test"))
    yield TokenMinter(ISSUER, SigningKeys(store, algorithm=request.param))
    await client.aclose()


async def verify(minter, token):
    (jwk,) = (await minter.signing_keys.public_jwks(NOW))["keys"]
    decoded = jwt.decode_complete(
        token,
        jwt.PyJWK(jwk),
        algorithms=[jwk["alg"]],
        options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
    )
    return jwk, decoded["header"], decoded["payload"]


@pytest.mark.requirement("TK2", "TK25")
async def test_a_token_says_who_for_whom_and_until_when(minter):
    minted = await minter.mint(GRANT, ("mcp-api/read",), now=NOW)
    jwk, header, claims = await verify(minter, minted.access_token)
    assert header == {"typ": "at+jwt", "alg": jwk["alg"], "kid": jwk["kid"]}
    assert len(claims.pop("jti")) >= 22
    assert claims == {
        "iss": ISSUER,
        "sub": "sub-1",
        "aud": RESOURCE,
        "client_id": "dcr-1",
        "scope": "mcp-api/read",
        "gid": GRANT.gid,
        "iat": NOW,
        "exp": NOW + 300,
    }


async def test_a_resource_server_accepts_what_is_minted(minter):
    minted = await minter.mint(GRANT, GRANT.scopes, now=NOW)
    _, header, claims = await verify(minter, minted.access_token)
    checked = check_access_token(
        header, claims, issuer=ISSUER, resource=RESOURCE, dialect=MINTED, now=NOW
    )
    assert checked == minted.claims


async def test_every_token_has_an_id_of_its_own_and_none_is_shown(minter):
    tokens = [await minter.mint(GRANT, GRANT.scopes, now=NOW) for _ in range(3)]
    assert len({token.claims.token_id for token in tokens}) == 3
    assert tokens[0].access_token not in repr(tokens[0])
