"""The guarded fetch, against real sockets (CIMD draft -02 §8.6, §8.7)."""

import asyncio
import contextlib
import datetime
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oauth_kit.outbound.http import tls_context
from oauth_kit.outbound.public_fetch import FetchFailed, PublicFetch
from oauth_kit.rules.client_document import DocumentUrl, check_document_url
from oauth_kit.rules.public_address import PrivateTargets

HOST = "client.example"
TRUSTING_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def url_of(path: str = "/c.json", *, host: str = HOST, scheme: str = "http") -> DocumentUrl:
    port = 443 if scheme == "https" else 80
    return DocumentUrl(f"{scheme}://{host}{path}", scheme, host, port, path)


@dataclass
class Resolver:
    """Answers in turn, the last one for ever; remembers what it was asked."""

    answers: list[Sequence[str]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@dataclass
class Listener:
    """A server on loopback that counts its connections and keeps what was sent to it."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def leads_here(self, url: DocumentUrl) -> PrivateTargets:
        return PrivateTargets(host_map={(url.host, url.port): ("127.0.0.1", self.port)})


@asynccontextmanager
async def listen(
    answer: Answer, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[Listener]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            listener.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, address, 0, ssl=tls)
    listener = Listener(server.sockets[0].getsockname()[1])
    async with server:
        yield listener


def raw(answer: bytes) -> Answer:
    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return write


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@asynccontextmanager
async def fetcher(**arguments: Any) -> AsyncIterator[PublicFetch]:
    fetch = PublicFetch(**({"tls": TRUSTING_NOBODY} | arguments))
    yield fetch
    fetch.close()


async def get_from(
    listener: Listener, url: DocumentUrl | None = None, etag: str | None = None, **limits: Any
) -> Any:
    url = url or url_of()
    async with fetcher(private=listener.leads_here(url), **limits) as fetch:
        return await fetch.get(url, etag=etag)


async def failure_of(listener: Listener, **limits: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as failed:
        await get_from(listener, **limits)
    return failed.value


# No address that is not public is dialled.


@pytest.mark.requirement("CI10")
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["1.1.1.1", "127.0.0.1"],
        ["127.0.0.1", "1.1.1.1"],
        ["2606:4700:4700::1111", "127.0.0.1"],
        ["1.1.1.1", "::ffff:127.0.0.1"],
        ["1.1.1.1", "10.0.0.1"],
        ["169.254.169.254"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%lo"],
        [],
        ["client.example"],
    ],
)
async def test_one_address_that_is_not_public_spoils_the_name(addresses: list[str]) -> None:
    async with listen(raw(HEAD + b"\r\n{}")) as listener:
        url = DocumentUrl(f"http://{HOST}:{listener.port}/c", "http", HOST, listener.port, "/c")
        async with fetcher(resolve=Resolver([addresses])) as fetch:
            with pytest.raises(FetchFailed):
                await fetch.get(url)
        assert listener.connections == 0


@pytest.mark.requirement("CI10", "CI11")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
async def test_loopback_is_not_dialled_without_the_exception(host: str) -> None:
    async with listen(raw(HEAD + b"\r\n{}")) as listener:
        url = DocumentUrl(f"http://{host}:{listener.port}/c", "http", host, listener.port, "/c")
        async with fetcher() as fetch:
            with pytest.raises(FetchFailed, match="not public"):
                await fetch.get(url)
        assert listener.connections == 0


@pytest.mark.requirement("CI10")
async def test_a_name_that_is_rebound_is_asked_for_once_and_dialled_as_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second answer of a rebinding name server would be loopback; nobody asks for it."""
    dialled: list[object] = []

    async def connect(_: socket.socket, address: object) -> None:
        dialled.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    resolver = Resolver([["1.1.1.1"], ["127.0.0.1"]])
    async with fetcher(resolve=resolver) as fetch:
        with pytest.raises(FetchFailed):
            await fetch.get(url_of())
    assert resolver.asked == [(HOST, 80)]
    assert dialled == [("1.1.1.1", 80)]


@pytest.mark.requirement("CI10")
async def test_the_socket_guard_refuses_an_address_that_was_not_checked() -> None:
    """aiohttp takes a literal host past every resolver: only the socket sees where it goes."""
    async with listen(raw(HEAD + b"\r\n{}")) as listener:
        literal = f"http://127.0.0.1:{listener.port}/c"
        url = DocumentUrl(literal, "http", HOST, listener.port, "/c")
        async with fetcher(resolve=Resolver([["1.1.1.1"]])) as fetch:
            with pytest.raises(FetchFailed, match="ClientConnectorError"):
                await fetch.get(url)
        assert listener.connections == 0


async def test_loopback_is_dialled_with_the_exception() -> None:
    async with listen(raw(HEAD + b"\r\n{}")) as listener:
        url = check_document_url(
            f"http://localhost:{listener.port}/c.json", allow_loopback_http=True
        )
        async with fetcher(
            private=PrivateTargets(loopback=True), resolve=Resolver([["127.0.0.1"]])
        ) as fetch:
            assert (await fetch.get(url)).body == b"{}"
        assert listener.connections == 1


async def test_the_system_resolves_a_literal_loopback_host() -> None:
    async with listen(raw(HEAD + b"\r\n{}")) as listener:
        url = check_document_url(
            f"http://127.0.0.1:{listener.port}/c.json", allow_loopback_http=True
        )
        async with fetcher(private=PrivateTargets(loopback=True)) as fetch:
            assert (await fetch.get(url)).status == 200


async def test_an_ipv6_address_is_dialled() -> None:
    if not has_ipv6_loopback():
        pytest.skip("this machine has no IPv6")
    async with listen(raw(HEAD + b"\r\n{}"), address="::1") as listener:
        private = PrivateTargets(host_map={(HOST, 80): ("::1", listener.port)})
        async with fetcher(private=private) as fetch:
            assert (await fetch.get(url_of())).body == b"{}"


async def test_a_name_server_that_fails_is_a_failure() -> None:
    async def fail(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    async with fetcher(resolve=fail) as fetch:
        with pytest.raises(FetchFailed, match="gaierror"):
            await fetch.get(url_of())


# No redirect is followed.


@pytest.mark.requirement("CI3")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    async with listen(raw(HEAD + b"\r\n{}")) as target:
        location = f"http://127.0.0.1:{target.port}/c".encode()
        answer = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        async with listen(raw(answer % (status, location))) as listener:
            assert (await get_from(listener)).status == status
            assert listener.connections == 1
        assert target.connections == 0


# Little, and soon.


@pytest.mark.requirement("CI8")
async def test_a_body_is_counted_whatever_its_declared_length() -> None:
    limit = 100
    for head in (b"Content-Length: 100000\r\n\r\n", b"Content-Length: 101\r\n\r\n", b"\r\n"):
        async with listen(raw(HEAD + head + b"x" * 101)) as listener:
            failure = await failure_of(listener, max_bytes=limit)
            assert (failure.reason, failure.answered) == ("is too large", True)
    async with listen(raw(HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 100)) as listener:
        assert len((await get_from(listener, max_bytes=limit)).body) == limit


@pytest.mark.requirement("CI8")
async def test_an_endless_body_is_cut_off() -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b"x" * 0x400 + b"\r\n")
            await writer.drain()

    async with listen(endless) as listener:
        assert (await failure_of(listener)).reason == "is too large"


@pytest.mark.requirement("CI8")
@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"br", b"deflate", b"identity, gzip"])
async def test_a_compressed_body_is_refused_unread(encoding: bytes) -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    head = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(bomb))
    async with listen(raw(HEAD + head + bomb)) as listener:
        failure = await failure_of(listener)
        assert (failure.reason, failure.answered) == ("is compressed", True)
        assert b"\r\nAccept-Encoding: identity\r\n" in listener.requests[0]


@pytest.mark.requirement("CI8")
async def test_a_slow_drip_ends_with_the_deadline() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0)

    async with listen(drip) as listener:
        failure = await failure_of(listener, timeout_seconds=0.1, max_bytes=10**9)
        assert (failure.reason, failure.answered) == ("took too long", False)


@pytest.mark.requirement("CI8")
async def test_a_silent_host_and_a_slow_resolver_end_with_the_deadline() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async with listen(hang) as listener:
        assert (await failure_of(listener, timeout_seconds=0.05)).reason == "took too long"
    async with fetcher(resolve=never, timeout_seconds=0.05) as fetch:
        with pytest.raises(FetchFailed, match="too long"):
            await fetch.get(url_of())


@pytest.mark.requirement("CI8")
@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"X: " + b"x" * 5000 + b"\r\n\r\n{}",
        HEAD + b"".join(b"X-%d: x\r\n" % number for number in range(100)) + b"\r\n{}",
        b"HTTP/1.1 200 " + b"x" * 3000 + b"\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"",
        HEAD + b"Content-Length: 10\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type\r\n\r\n{}",
    ],
    ids=[
        "long header",
        "many headers",
        "long reason",
        "SSH",
        "TLS alert",
        "nothing",
        "short body",
        "bad chunk",
        "negative length",
        "two lengths",
        "header without a colon",
    ],
)
async def test_what_is_no_plain_http_answer_is_a_failure(answer: bytes) -> None:
    async with listen(raw(answer)) as listener:
        assert (await failure_of(listener)).reason.startswith("failed with ")


async def test_nobody_listening_is_a_failure() -> None:
    async with listen(hang) as listener:
        pass
    assert "ClientConnectorError" in (await failure_of(listener)).reason


# Not many at a time.


@pytest.mark.requirement("CI16")
@pytest.mark.parametrize(
    ("hosts", "bounds"),
    [
        (["a.example"] * 6, {"max_per_host": 2}),
        ([f"{name}.example" for name in "abcdef"], {"max_concurrent": 2, "max_per_host": 2}),
    ],
)
async def test_fetches_are_bounded(hosts: list[str], bounds: dict[str, int]) -> None:
    running = most = 0
    two_running, go_on = asyncio.Event(), asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            two_running.set()
        await go_on.wait()
        running -= 1
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        await writer.drain()

    async with listen(answer) as listener:
        private = PrivateTargets(
            host_map={(host, 80): ("127.0.0.1", listener.port) for host in hosts}
        )
        async with fetcher(private=private, **bounds) as fetch, asyncio.TaskGroup() as group:
            for host in hosts:
                group.create_task(fetch.get(url_of(host=host)))
            await two_running.wait()
            go_on.set()
        assert (listener.connections, most) == (len(hosts), 2)


async def test_the_wait_for_a_slot_counts_towards_the_deadline() -> None:
    async with listen(hang) as listener:
        url = url_of()
        async with fetcher(
            private=listener.leads_here(url), max_per_host=1, timeout_seconds=0.1
        ) as fetch:
            outcomes = await asyncio.gather(
                *(fetch.get(url) for _ in range(5)), return_exceptions=True
            )
        assert all(isinstance(outcome, FetchFailed) for outcome in outcomes)
        assert listener.connections <= 2


async def test_other_hosts_do_not_wait_for_a_slow_one() -> None:
    async with listen(hang) as slow, listen(raw(HEAD + b"Content-Length: 2\r\n\r\n{}")) as quick:
        private = PrivateTargets(
            host_map={
                ("slow.example", 80): ("127.0.0.1", slow.port),
                ("quick.example", 80): ("127.0.0.1", quick.port),
            }
        )
        async with fetcher(private=private, max_concurrent=3, max_per_host=2) as fetch:
            waiting = [
                asyncio.create_task(fetch.get(url_of(host="slow.example"))) for _ in range(10)
            ]
            assert (await fetch.get(url_of(host="quick.example"))).body == b"{}"
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


# What is sent, and what comes back.


@pytest.mark.requirement("CI2", "CI3")
@pytest.mark.parametrize(
    "path", ["/c.json", "/%7Ec%2f%41?x=%20+&y", "//c", "/c;v=1,2/'(x)'?a=b?c/d", "/c?x="]
)
async def test_the_request_asks_for_the_url_byte_for_byte(path: str) -> None:
    async with listen(raw(HEAD + b"Content-Length: 2\r\n\r\n{}")) as listener:
        await get_from(listener, url_of(path))
        line, *headers = listener.requests[0].decode().strip().split("\r\n")
        assert line == f"GET {path} HTTP/1.1"
        assert dict(header.split(": ", 1) for header in headers) == {
            "Host": HOST,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "mcp-authstack",
            "Connection": "close",
        }


async def test_neither_cookies_nor_proxies_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = HEAD + b"Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}"
    async with listen(hang) as proxy, listen(raw(answer)) as listener:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        url = url_of()
        async with fetcher(private=listener.leads_here(url)) as fetch:
            await fetch.get(url)
            await fetch.get(url)
        assert (proxy.connections, listener.connections) == (0, 2)
        assert b"cookie" not in listener.requests[1].lower()


@pytest.mark.requirement("CI12")
async def test_the_headers_that_matter_are_told() -> None:
    head = b'Cache-Control: max-age=60\r\nCache-Control: public\r\nETag: W/"v1"\r\n'
    async with listen(raw(HEAD + head + b"Content-Length: 2\r\n\r\n{}")) as listener:
        fetched = await get_from(listener)
    assert (fetched.status, fetched.content_type, fetched.body) == (200, "application/json", b"{}")
    assert (fetched.cache_control, fetched.etag) == (("max-age=60", "public"), 'W/"v1"')


@pytest.mark.requirement("CI12")
async def test_an_etag_is_sent_back() -> None:
    async with listen(raw(b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n')) as listener:
        fetched = await get_from(listener, etag='"v1"')
        assert b'\r\nIf-None-Match: "v1"\r\n' in listener.requests[0]
    assert (fetched.status, fetched.body, fetched.content_type) == (304, b"", "")


@pytest.mark.parametrize("etag", [b"v1", b'"v 1"', b'w/"v1"', b'"' + b"x" * 201 + b'"', b'"a"b"'])
async def test_an_etag_in_another_form_is_not_kept(etag: bytes) -> None:
    answer = HEAD + b"ETag: " + etag + b"\r\nContent-Length: 2\r\n\r\n{}"
    async with listen(raw(answer)) as listener:
        assert (await get_from(listener)).etag is None


@pytest.mark.requirement("CI3")
@pytest.mark.parametrize("status", [201, 204, 301, 400, 404, 410, 429, 500, 503])
async def test_only_200_has_a_body(status: int) -> None:
    body = b"" if status == 204 else b"x" * 100_000
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    async with listen(raw(head + body)) as listener:
        fetched = await get_from(listener)
    assert (fetched.status, fetched.body) == (status, b"")


# TLS is verified, with the operator's authorities beside the system's.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for HOST that is its own authority; key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_https_is_verified_for_the_name_in_the_url(certificate: Path) -> None:
    answer = raw(HEAD + b"Content-Length: 2\r\n\r\n{}")
    trusting = tls_context(str(certificate))
    async with listen(answer, tls=server_context(certificate)) as listener:
        fetched = await get_from(listener, url_of(scheme="https"), tls=trusting)
        assert fetched.body == b"{}"
        with pytest.raises(FetchFailed, match="Certificate"):
            await get_from(listener, url_of(scheme="https"), tls=None)
        with pytest.raises(FetchFailed, match="Certificate"):
            await get_from(listener, url_of(scheme="https", host="other.example"), tls=trusting)
        assert len(listener.requests) == 1


async def test_a_real_aiohttp_server_is_read() -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path_qs}, headers={"ETag": '"v1"'})

    application = web.Application()
    application.router.add_get("/c.json", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    listener = Listener(runner.addresses[0][1])
    fetched = await get_from(listener, url_of("/c.json?a=1"))
    await runner.cleanup()
    assert fetched.body == b'{"path": "/c.json?a=1"}'
    assert fetched.content_type == "application/json; charset=utf-8"


@pytest.mark.requirement("CI16", "C8")
async def test_slow_names_of_strangers_leave_room_for_known_urls() -> None:
    asked: list[str] = []
    slow, full = asyncio.Event(), asyncio.Event()

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        if len(asked) == 8:
            full.set()
        if host.startswith("slow"):
            await slow.wait()
        return []

    async with fetcher(max_concurrent=8, resolve=resolve) as fetch:
        strangers = [
            asyncio.create_task(fetch.get(url_of(host=f"slow{number}.example")))
            for number in range(20)
        ]
        await full.wait()
        with pytest.raises(FetchFailed, match="has no address"):
            await fetch.get(url_of(host="good.example"), known=True)
        slow.set()
        await asyncio.gather(*strangers, return_exceptions=True)
