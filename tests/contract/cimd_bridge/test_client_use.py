"""The life of what is kept of a client: renewed by each use, told to the registrar once a day."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from fakes.bridge_harness import FakeRegistrar
from fakes.wire import on_loopback

from cimd_bridge.client_use import ClientUse
from cimd_bridge.registrar_api import RegistrarApi
from oauth_kit.crypto.keyed_hash import sha256_hex
from oauth_kit.records.client import client_key
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import upstream_key
from oauth_kit.redis import Redis
from oauth_kit.rules.errors import OAuthError

KEYSPACE = Keyspace("test")
DAY = 86_400
LIVES = 90 * DAY
CLIENT_ID = "https://client.example/oauth/client.json"
RECORDS = (client_key(KEYSPACE, CLIENT_ID), upstream_key(KEYSPACE, CLIENT_ID))
TOLD = KEYSPACE.key("client-used", sha256_hex(CLIENT_ID))


@pytest.fixture
def registrar() -> FakeRegistrar:
    return FakeRegistrar()


@pytest.fixture
async def client_use(store: Redis, registrar: FakeRegistrar) -> AsyncIterator[ClientUse]:
    async with on_loopback(registrar.application()) as origin, aiohttp.ClientSession() as http:
        api = RegistrarApi(http, origin, registrar.token)
        yield ClientUse(store, KEYSPACE, api, lives_seconds=LIVES)


async def test_a_use_makes_no_client(client_use: ClientUse, store: Redis) -> None:
    await client_use.note(CLIENT_ID)
    assert await store.keys() == [TOLD]


@pytest.mark.requirement("REG19")
async def test_a_use_renews_and_never_shortens(client_use: ClientUse, store: Redis) -> None:
    for left, expected in ((100, LIVES), (LIVES - 1, LIVES), (LIVES + DAY, LIVES + DAY)):
        for key in RECORDS:
            await store.set(key, "record", ex=left)
        await client_use.note(CLIENT_ID)
        for key in RECORDS:
            assert expected - 5 <= await store.ttl(key) <= expected
            assert await store.get(key) == "record"


async def test_a_record_that_never_expires_keeps_doing_so(
    client_use: ClientUse, store: Redis
) -> None:
    await store.set(RECORDS[0], "record")
    await client_use.note(CLIENT_ID)
    assert await store.ttl(RECORDS[0]) == -1


async def test_the_registrar_hears_of_a_client_once_a_day(
    client_use: ClientUse, store: Redis, registrar: FakeRegistrar
) -> None:
    for _ in range(3):
        await client_use.note(CLIENT_ID)
        await client_use.note("mcp-other")
    assert registrar.renewed == [CLIENT_ID, "mcp-other"]
    assert DAY - 5 <= await store.ttl(TOLD) <= DAY
    await store.delete(TOLD)
    await client_use.note(CLIENT_ID)
    assert registrar.renewed == [CLIENT_ID, "mcp-other", CLIENT_ID]


@pytest.mark.requirement("TK29")
async def test_a_registrar_that_is_away_lets_nobody_expire_and_hears_of_it_later(
    client_use: ClientUse, store: Redis, registrar: FakeRegistrar
) -> None:
    registrar.down = True
    await store.set(RECORDS[0], "record", ex=100)
    for _ in range(2):
        with pytest.raises(OAuthError) as refused:
            await client_use.note(CLIENT_ID)
        assert refused.value.code == "temporarily_unavailable"
    assert await store.ttl(RECORDS[0]) > LIVES - 5
    registrar.down = False
    registrar.renewed.clear()
    for _ in range(2):
        await client_use.note(CLIENT_ID)
    assert registrar.renewed == [CLIENT_ID]


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
async def test_only_the_answer_that_is_promised_counts_as_told(store: Redis, status: int) -> None:
    async def used(request: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/internal/clients/{client_id}/used", used)
    async with on_loopback(app) as origin, aiohttp.ClientSession() as http:
        client_use = ClientUse(store, KEYSPACE, RegistrarApi(http, origin, "token"), LIVES)
        with pytest.raises(OAuthError):
            await client_use.note(CLIENT_ID)
    assert await store.keys() == []
