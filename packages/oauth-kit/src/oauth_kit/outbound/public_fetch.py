"""GET a stranger's document: public addresses only, checked at the socket, little and soon
(draft-ietf-oauth-client-id-metadata-document-02 §8.6, §8.7).
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Final
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from oauth_kit.rules.client_document import MAX_DOCUMENT_BYTES, DocumentUrl
from oauth_kit.rules.public_address import PrivateTargets

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to all addresses of the host, or OSError."""

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "mcp-authstack",
}
_MAX_LINE_BYTES: Final = 2048
_MAX_HEADER_BYTES: Final = 4096
_MAX_HEADERS: Final = 64
# A look-up cannot be cancelled: a stranger's slow name server holds its thread for many seconds.
_RESOLVER_THREADS: Final = 64
_KNOWN_SHARE: Final = 4
# RFC 9110 §8.8.3; a longer one is not worth sending back.
_ETAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status; only one with 200 has a body."""

    status: int
    content_type: str
    cache_control: tuple[str, ...]
    etag: str | None
    body: bytes


class FetchFailed(Exception):
    """There is no answer, or (`answered`) none that can be used.

    `reason` is for the log: to strangers all failures look the same.
    """

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answered = answered


class _Lane:
    """Threads for look-ups and slots for fetches of one kind of URL."""

    def __init__(self, name: str, threads: int, slots: int) -> None:
        self.threads = ThreadPoolExecutor(threads, name)
        self.slots = asyncio.Semaphore(slots)


class PublicFetch:
    """The guarded GET, with room kept for URLs that were good before: new ones cannot starve them.

    private:          development's exceptions to "public addresses only"
    timeout_seconds:  for everything, the wait for a free slot included
    max_concurrent:   fetches at a time in this process; max_per_host: of them to one host
    resolve:          another resolver than the system's
    """

    def __init__(
        self,
        *,
        private: PrivateTargets | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = 5,
        max_bytes: int = MAX_DOCUMENT_BYTES,
        max_concurrent: int = 32,
        max_per_host: int = 4,
        resolve: Resolve | None = None,
    ) -> None:
        self._private = private or PrivateTargets()
        self._tls = tls or ssl.create_default_context()
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._new = _Lane("resolve-new", _RESOLVER_THREADS, max_concurrent)
        self._known = _Lane(
            "resolve-known",
            _RESOLVER_THREADS // _KNOWN_SHARE,
            max(1, max_concurrent // _KNOWN_SHARE),
        )
        self._max_per_host = max_per_host
        self._host_slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._resolve = resolve

    def close(self) -> None:
        for lane in (self._new, self._known):
            lane.threads.shutdown(wait=False, cancel_futures=True)

    async def get(
        self, url: DocumentUrl, *, etag: str | None = None, known: bool = False
    ) -> Fetched:
        """The answer to GET `url`, not followed anywhere. Raises FetchFailed.

        known: the URL was good before, so it goes in the lane that strangers cannot fill
        """
        lane = self._known if known else self._new
        try:
            async with asyncio.timeout(self._timeout_seconds):
                async with self._slots_of(url.host), lane.slots:
                    addresses = await self._checked_addresses(url, lane)
                    return await self._get(url, addresses, etag)
        except TimeoutError:
            raise FetchFailed("took too long") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFailed(f"failed with {type(error).__name__}") from error

    def _slots_of(self, host: str) -> asyncio.Semaphore:
        return self._host_slots.setdefault(host, asyncio.Semaphore(self._max_per_host))

    async def _checked_addresses(self, url: DocumentUrl, lane: _Lane) -> list[tuple[str, int]]:
        """Where to connect. One address that is not permitted spoils the name (DNS rebinding)."""
        host, port = self._private.dialled(url.host, url.port)
        look_up = self._resolve or partial(_system_resolve, lane.threads)
        addresses = list(dict.fromkeys(await look_up(host, port)))
        if not addresses:
            raise FetchFailed("has no address")
        if not all(self._private.permit(url.host, url.port, address) for address in addresses):
            raise FetchFailed("has an address that is not public")
        return [(address, port) for address in addresses]

    async def _get(
        self, url: DocumentUrl, addresses: list[tuple[str, int]], etag: str | None
    ) -> Fetched:
        # One connector a fetch: nothing is shared between strangers, and it dials nobody else.
        connector = aiohttp.TCPConnector(
            resolver=_Fixed(addresses),
            socket_factory=partial(_open_socket, frozenset(addresses)),
            ssl=self._tls,
            use_dns_cache=False,
            force_close=True,
        )
        headers = _HEADERS | ({"If-None-Match": etag} if etag else {})
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                read_bufsize=self._max_bytes,
                max_line_size=_MAX_LINE_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
                max_headers=_MAX_HEADERS,
            ) as session,
            session.get(
                URL(url.url, encoded=True), allow_redirects=False, headers=headers
            ) as response,
        ):
            return Fetched(
                status=response.status,
                content_type=response.headers.get("Content-Type", ""),
                cache_control=tuple(response.headers.getall("Cache-Control", ())),
                etag=_read_etag(response.headers.get("ETag")),
                body=await self._read(response) if response.status == 200 else b"",
            )

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FetchFailed("is compressed", answered=True)
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._max_bytes:
                raise FetchFailed("is too large", answered=True)
        return bytes(body)


async def _system_resolve(threads: ThreadPoolExecutor, host: str, port: int) -> list[str]:
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class _Fixed(AbstractResolver):
    """Gives the addresses that were checked, so that nobody is asked a second time."""

    def __init__(self, addresses: list[tuple[str, int]]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=dialled_port,
                family=socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address, dialled_port in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _open_socket(
    checked: frozenset[tuple[str, int]], address: aiohttp.AddrInfoType
) -> socket.socket:
    """The last word: aiohttp comes here with the address it is about to dial, literals too."""
    family, kind, protocol, _, sockaddr = address
    if (sockaddr[0], sockaddr[1]) not in checked:
        raise PermissionError("this address has not been checked")
    return socket.socket(family, kind, protocol)


def _read_etag(value: str | None) -> str | None:
    return value if value is not None and _ETAG.fullmatch(value) else None
