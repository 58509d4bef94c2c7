"""The session for calls to parties that the operator configured."""

import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from fakes.wire import on_loopback

from oauth_kit.outbound.http import MAX_ANSWER_BYTES, open_session, read_answer, tls_context


@asynccontextmanager
async def session(**options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    opened = open_session(**{"timeout_seconds": 2, **options})
    yield opened
    await opened.close()


def answering(body: bytes, **headers: str) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        response = web.Response(body=body, headers=headers)
        response.set_cookie("session", "canary")
        return response

    async def cookies(request: web.Request) -> web.Response:
        return web.json_response(dict(request.cookies))

    app = web.Application()
    app.router.add_get("/", handle)
    app.router.add_get("/cookies", cookies)
    return app


@pytest.mark.parametrize(
    ("size", "fits"), [(MAX_ANSWER_BYTES, True), (MAX_ANSWER_BYTES + 1, False)]
)
@pytest.mark.parametrize("compressed", [False, True])
async def test_an_answer_is_bounded_after_decompression(
    size: int, fits: bool, compressed: bool
) -> None:
    body = b"x" * size
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    app = answering(gzip.compress(body) if compressed else body, **headers)
    async with on_loopback(app) as origin, session() as http, http.get(origin) as response:
        if fits:
            assert await read_answer(response) == body
        else:
            with pytest.raises(ValueError, match="too large"):
                await read_answer(response)


@pytest.mark.requirement("D7")
async def test_cookies_of_one_call_are_not_sent_with_the_next() -> None:
    async with on_loopback(answering(b"x")) as origin, session() as http:
        async with http.get(origin) as response:
            assert "session" in response.cookies
        async with http.get(f"{origin}/cookies") as response:
            assert await response.json() == {}


@pytest.mark.requirement("OP3")
async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with (
        on_loopback(answering(b"x")) as origin,
        session() as http,
        http.get(origin) as response,
    ):
        assert await read_answer(response) == b"x"


async def test_a_mapped_name_is_found_elsewhere_and_keeps_its_name() -> None:
    async def host(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Host"])

    app = web.Application()
    app.router.add_get("/", host)
    async with on_loopback(app) as origin:
        port = int(origin.rpartition(":")[2])
        mapping = f"resource.invalid:3001=127.0.0.1:{port}"
        async with session(host_map=mapping) as http:
            async with http.get("http://resource.invalid:3001/") as response:
                assert await response.text() == "resource.invalid:3001"
            with pytest.raises(aiohttp.ClientConnectionError):
                await http.get("http://resource.invalid:3002/")


@pytest.mark.requirement("OP3")
def test_certificates_are_checked() -> None:
    context = tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.requirement("OP4")
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_certificates_is_refused(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises((OSError, ssl.SSLError)):
        tls_context(str(path))
