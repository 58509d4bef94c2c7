"""Bytes of a request to plain values: each parameter once, strict UTF-8, bounded (RFC 6749 §3)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote_to_bytes

from aiohttp import web

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object

MAX_BODY_BYTES = 64 * 1024
_MAX_PARAMETERS = 100
_CHARSET = re.compile(r"""(?:charset=["']?utf-8["']?)?""", re.IGNORECASE)


class Form(Mapping[str, str]):
    """A form's parameters, empty ones left out. `all` gives every value of a repeatable one."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])


async def read_body(request: web.Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The whole body, after decompression. Raises OAuthError 413 beyond `max_bytes`, 400 when it
    is broken or its sender has left.
    """
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > max_bytes:
                raise OAuthError("invalid_request", "The request body is too large", status=413)
    except (ValueError, OSError, web.RequestPayloadError, web.PayloadAccessError) as error:
        raise OAuthError(
            "invalid_request", "The request body cannot be read", reason=type(error).__name__
        ) from error
    return bytes(body)


async def read_form(
    request: web.Request,
    *,
    max_bytes: int = MAX_BODY_BYTES,
    repeatable: frozenset[str] = frozenset({"resource"}),
) -> Form:
    """A form POST (RFC 6749 §3.2). Raises OAuthError("invalid_request"), 400 or 413."""
    if not _is_media_type(request, "application/x-www-form-urlencoded"):
        raise OAuthError(
            "invalid_request", "The body must be application/x-www-form-urlencoded in UTF-8"
        )
    pairs = _decode_pairs(await read_body(request, max_bytes))
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen and name not in repeatable:
            raise OAuthError("invalid_request", "A parameter is repeated")
        seen.add(name)
    return Form(pairs)


async def read_json_object(
    request: web.Request, *, max_bytes: int = MAX_BODY_BYTES
) -> dict[str, object]:
    """A JSON object. Raises OAuthError("invalid_request"), 400 or 413."""
    if not _is_media_type(request, "application/json"):
        raise OAuthError("invalid_request", "The body must be application/json in UTF-8")
    try:
        return parse_json_object(await read_body(request, max_bytes))
    except ValueError as error:
        raise OAuthError(
            "invalid_request", "The body is not a JSON object", reason=str(error)
        ) from error


def query_parameters(request: web.Request) -> list[tuple[str, str]]:
    """The query as it was sent, in order, repeated names included.

    Raises OAuthError("invalid_request") for text that is not UTF-8.
    """
    query = request.raw_path.partition("#")[0].partition("?")[2]
    return _decode_pairs(query.encode("utf-8", "surrogateescape"))


class TrustedProxies:
    """Networks whose X-Forwarded-For we believe: comma-separated CIDR blocks, none by default.

    Raises ValueError for anything else.
    """

    def __init__(self, text: str = "") -> None:
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(part.strip()) for part in text.split(",") if part.strip()
        ]

    def caller_block(self, request: web.Request) -> str:
        """The caller's /24 or /64, by which strangers are counted."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        caller = request.remote or ""
        while self._trusts(caller) and hops:
            caller = hops.pop()
        return _block(caller)

    def _trusts(self, address: str) -> bool:
        parsed = _read_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    """A mapped address (`::ffff:192.0.2.1`, what a dual-stack socket sees) is the IPv4 one."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _block(address: str) -> str:
    parsed = _read_address(address)
    if parsed is None:
        return "unknown"
    return str(ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


def _is_media_type(request: web.Request, expected: str) -> bool:
    values = request.headers.getall("Content-Type", [])
    if len(values) != 1:
        return False
    media_type, _, parameters = values[0].partition(";")
    return media_type.strip().lower() == expected and bool(_CHARSET.fullmatch(parameters.strip()))


def _decode_pairs(encoded: bytes) -> list[tuple[str, str]]:
    parts = [part for part in encoded.split(b"&") if part]
    if len(parts) > _MAX_PARAMETERS:
        raise OAuthError("invalid_request", "There are too many parameters")
    pairs = []
    for part in parts:
        name, _, value = part.partition(b"=")
        pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(encoded: bytes) -> str:
    try:
        return unquote_to_bytes(encoded.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise OAuthError("invalid_request", "A parameter is not UTF-8") from error
