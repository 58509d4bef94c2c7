"""What the bridge makes of the registrar's answers: a client, no such client, or no answer."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web
from fakes.wire import on_loopback

from cimd_bridge.registrar_api import RegistrarApi
from oauth_kit.outbound.http import open_session
from oauth_kit.records.client import Client
from oauth_kit.rules.client_metadata import MetadataPolicy, read_registration
from oauth_kit.rules.errors import OAuthError

TOKEN = "internal-token-of-the-tests-0123456789"
CLIENT = Client(
    client_id="mcp-1",
    kind="registered",
    metadata=read_registration(
        {"redirect_uris": ["https://app.example/cb"]}, MetadataPolicy(native_schemes=frozenset())
    ),
)


@dataclass
class Asked:
    """What the registrar was sent, its path byte for byte."""

    method: str
    raw_path: str
    authorization: str
    body: bytes


@asynccontextmanager
async def registrar(
    body: bytes = b"{}", status: int = 200, **headers: str
) -> AsyncIterator[tuple[RegistrarApi, list[Asked]]]:
    seen: list[Asked] = []

    async def handle(request: web.Request) -> web.Response:
        authorization = request.headers["Authorization"]
        sent = await request.read()
        seen.append(Asked(request.method, request.raw_path, authorization, sent))
        return web.Response(body=body, status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    async with on_loopback(app) as origin:
        session = open_session(timeout_seconds=2)
        yield RegistrarApi(session, origin, TOKEN), seen
        await session.close()


def document(**changes: Any) -> bytes:
    return json.dumps(CLIENT.to_document() | changes).encode()


@pytest.mark.requirement("TK27", "TK29")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, document(metadata=None)),
        (200, document(metadata="x")),
        (200, document(metadata={})),
        (200, document(client_id="mcp-2")),
        (200, document()[:-1] + b',"trusted":true}'),
        pytest.param(200, b" " * 600_000, id="too large"),
        (204, b""),
        (302, b""),
        (401, b'{"error":"invalid_token"}'),
        (429, b"{}"),
        (500, b"{}"),
        (404, b"<html>not the registrar</html>"),
    ],
)
async def test_an_answer_that_is_no_client_is_no_unknown_client(status: int, body: bytes) -> None:
    async with registrar(body, status, Location="/elsewhere") as (api, seen):
        with pytest.raises(OAuthError) as refused:
            await api.find_client("mcp-1")
    assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
    assert refused.value.retry_after_seconds == 5
    assert len(seen) == 1


@pytest.mark.requirement("TK29")
async def test_a_registrar_that_is_away_is_no_unknown_client() -> None:
    session = open_session(timeout_seconds=2)
    counted: list[None] = []
    api = RegistrarApi(session, "http://127.0.0.1:1", TOKEN, lambda: counted.append(None))
    for call in (
        api.find_client("mcp-1"),
        api.renew("mcp-1"),
        api.make_upstream_client("mcp-1", fingerprint="f", name="n", subject="s"),
    ):
        with pytest.raises(OAuthError) as refused:
            await call
        assert refused.value.code == "temporarily_unavailable"
        assert TOKEN not in str(refused.value)
    await session.close()
    assert len(counted) == 3


@pytest.mark.requirement("TK27")
async def test_a_client_that_is_not_there_is_none() -> None:
    async with registrar(b'{"error":"not_found"}', 404) as (api, _):
        assert await api.find_client("mcp-1") is None


@pytest.mark.requirement("A12")
@pytest.mark.parametrize(
    ("client_id", "path"),
    [
        ("mcp-1", "mcp-1"),
        ("..", ".."),
        ("../upstream-clients", "..%2Fupstream-clients"),
        ("a/used", "a%2Fused"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("a b+c", "a%20b%2Bc"),
        ("é", "%C3%A9"),
    ],
)
async def test_an_id_is_one_segment_of_the_path(client_id: str, path: str) -> None:
    named = replace(CLIENT, client_id=client_id)
    async with registrar(named.to_json().encode()) as (api, seen):
        assert await api.find_client(client_id) == named
        [found] = seen
    async with registrar(status=204) as (api, seen):
        await api.renew(client_id)
        [renewed] = seen
    assert found.method == "GET"
    assert renewed.method == "POST"
    assert {one.authorization for one in (found, renewed)} == {f"Bearer {TOKEN}"}
    assert [one.raw_path for one in (found, renewed)] == [
        f"/internal/clients/{path}",
        f"/internal/clients/{path}/used",
    ]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"status": "created", "upstream_client_id": "x"}', "created"),
        (200, b'{"status": "shared", "upstream_client_id": "x"}', "shared"),
        (200, b"{}", "200"),
        (429, b'{"error": "temporarily_unavailable"}', "refused 429"),
        (500, b"{}", "refused 500"),
    ],
)
async def test_what_became_of_an_upstream_client_is_told(
    status: int, body: bytes, outcome: str
) -> None:
    async with registrar(body, status) as (api, seen):
        told = await api.make_upstream_client("mcp-1", fingerprint="f", name="n", subject="s")
    assert told == outcome
    assert json.loads(seen[0].body) == {
        "client_id": "mcp-1",
        "fingerprint": "f",
        "name": "n",
        "subject": "s",
    }


@pytest.mark.parametrize(
    ("body", "gone"),
    [(b'{"status": "gone"}', True), (b'{"status": "exists"}', False), (b"{}", False)],
)
async def test_an_upstream_client_is_gone_when_the_registrar_says_so(
    body: bytes, gone: bool
) -> None:
    async with registrar(body) as (api, seen):
        assert await api.upstream_client_is_gone("mcp-1") is gone
    assert (seen[0].method, seen[0].raw_path) == ("POST", "/internal/upstream-clients/check")
    assert json.loads(seen[0].body) == {"client_id": "mcp-1"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (404, b'{"status": "gone"}'),
        (503, b'{"status": "gone"}'),
        (401, b'{"error": "invalid_token"}'),
    ],
)
async def test_no_answer_is_no_loss(status: int, body: bytes) -> None:
    async with registrar(body, status) as (api, _):
        if (status, body) == (200, b""):
            assert not await api.upstream_client_is_gone("mcp-1")
            return
        with pytest.raises(OAuthError) as refused:
            await api.upstream_client_is_gone("mcp-1")
    assert refused.value.code == "temporarily_unavailable"


@pytest.mark.requirement("OP1")
def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(RegistrarApi(None, "http://x", TOKEN))  # type: ignore[arg-type]
