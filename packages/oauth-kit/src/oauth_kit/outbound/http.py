"""The HTTP session for calls to parties that the operator configured."""

import socket
import ssl

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from oauth_kit.outbound.host_map import HostMap

MAX_ANSWER_BYTES = 512 * 1024


class MappedResolver(AbstractResolver):
    """Follows the host map where it has a pair, the system's resolver elsewhere."""

    def __init__(self, host_map: HostMap) -> None:
        self._host_map = host_map
        self._system = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        mapped = self._host_map.find(host, port)
        if mapped is None:
            return await self._system.resolve(host, port, family)
        found = await self._system.resolve(*mapped, family)
        return [{**result, "hostname": host} for result in found]

    async def close(self) -> None:
        await self._system.close()


async def read_answer(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises ValueError beyond MAX_ANSWER_BYTES, after decompression."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too large")
    return bytes(body)


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """The system's certificate authorities, and the operator's own beside them."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def open_session(
    *, timeout_seconds: float, ca_file: str | None = None, host_map: str = ""
) -> aiohttp.ClientSession:
    """A session without cookies, proxies from the environment or shared state between calls.

    Callers pass `allow_redirects=False`: aiohttp has no session-wide setting for it.
    """
    connector = aiohttp.TCPConnector(
        resolver=MappedResolver(HostMap.parse(host_map)),
        ssl=tls_context(ca_file),
        limit=100,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout_seconds, connect=min(5, timeout_seconds)),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
