"""Whatever strangers send to any service: an answer, never a 5xx, and nothing unexpected logged.

Bounded: a few hundred requests to a live stack, each on a connection of its own.
"""

import asyncio
import json
import socket
import string
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urlencode, urlsplit

import aiohttp
import pytest
from e2e.conftest import Stack
from fakes.people import somebody, untimed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authstack.smoke.discovery import read_server
from authstack.smoke.identity import Dynamic, Introduced
from authstack.smoke.login import ScriptedPerson, obtain_code
from authstack.smoke.tokens import TokenClient, Tokens
from oauth_kit.rules.pkce import challenge_of

pytestmark = pytest.mark.requirement("TK28", "RS37")

SCOPE = "mcp-api/read mcp-api/write"
HANG_SECONDS = 20
"""How long an answer may take before we say that there is none."""

BOUNDED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

PATHS = {
    "bridge": [
        "/authorize",
        "/consent",
        "/callback",
        "/logout",
        "/token",
        "/revoke",
        "/introspect",
        "/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/static/style.css",
    ],
    "registrar": ["/register", "/register/x", "/internal/clients/x", "/internal/upstream-clients"],
    "resource": [
        "/mcp",
        "/v1/contexts",
        "/v1/contexts/x",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ],
    "client-preregistered": ["/", "/login", "/callback", "/actions/refresh"],
    "client-dynamic": ["/", "/login", "/callback", "/actions/fetch", "/actions/forget"],
    "client-metadata-document": ["/", "/callback", "/actions/log-out", "/client-metadata.json"],
    "emulator": ["/oauth2/authorize", "/login", "/logout", "/oauth2/token", "/oauth2/revoke", "/"],
}
SERVICES_AND_PATHS = [(service, path) for service, paths in PATHS.items() for path in paths]
FORM, JSON_TYPE = "application/x-www-form-urlencoded", "application/json"
BODIES_AT = [
    ("bridge", "/token", FORM),
    ("bridge", "/consent", FORM),
    ("registrar", "/register", JSON_TYPE),
    ("resource", "/mcp", JSON_TYPE),
    ("resource", "/v1/contexts", JSON_TYPE),
    ("client-dynamic", "/login", FORM),
    ("emulator", "/oauth2/token", FORM),
    ("emulator", "/", "application/x-amz-json-1.1"),
]

TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
HEADER_VALUE = st.binary(max_size=60).map(lambda value: value.translate(None, b"\r\n\0"))
METHODS = st.sampled_from(
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]
) | st.text(string.ascii_letters + "-_!~", min_size=1, max_size=12)
LIKELY_HEADERS = st.sampled_from(
    [
        (b"Authorization", b"Bearer a.b.c"),
        (b"Authorization", b"Basic OjpAOg=="),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Encoding", b"deflate"),
        (b"Content-Encoding", b"br"),
        (b"Content-Type", b"application/json"),
        (b"Content-Type", b"application/x-www-form-urlencoded; charset=utf-16"),
        (b"Content-Type", b"multipart/form-data"),
        (b"Cookie", b'bridge-3004="\\377; a=b; =;'),
        (b"Expect", b"200-maybe"),
        (b"Origin", b"null"),
        (b"Range", b"bytes=9-1,-"),
        (b"If-Modified-Since", b"yesterday"),
        (b"Upgrade", b"websocket"),
        (b"X-Forwarded-For", b"::ffff:1, [, 1.2.3"),
    ]
)
ARBITRARY_HEADERS = st.tuples(
    st.sampled_from(
        [
            b"Accept",
            b"Accept-Encoding",
            b"Access-Control-Request-Headers",
            b"Authorization",
            b"Content-Type",
            b"Cookie",
            b"Host",
            b"If-None-Match",
            b"Mcp-Name",
            b"Mcp-Method",
            b"MCP-Protocol-Version",
            b"Origin",
            b"Referer",
            b"Sec-Fetch-Site",
            b"X-Forwarded-Host",
            b"X-Request-Id",
        ]
    ),
    HEADER_VALUE,
)
HEADERS = st.lists(LIKELY_HEADERS | ARBITRARY_HEADERS, max_size=5)
QUERIES = st.one_of(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map(str.encode),
    st.binary(max_size=30).map(quote_from_bytes).map(str.encode),
    st.binary(max_size=60).map(lambda query: bytes(c for c in query if 33 <= c != 127)),
)

PARAMETERS = st.sampled_from(
    [
        "response_type",
        "client_id",
        "redirect_uri",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "state",
        "resource",
        "prompt",
        "request",
        "response_mode",
        "form",
        "decision",
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "client_secret",
        "token",
        "token_type_hint",
        "error",
        "iss",
    ]
)
VALUES = TEXT | st.sampled_from(
    [
        "authorization_code",
        "refresh_token",
        "code",
        "S256",
        "none",
        "x" * 16 + "." + "y" * 43,
        "http://127.0.0.1:1/c.json",
        "https://localhost:1/c.json",
        "https://[::1",
        "javascript:alert(1)",
        "http://127.0.0.1:99999/callback",
        "mcp-api/read  mcp-api/write",
    ]
)
PAIRS = st.lists(st.tuples(PARAMETERS, VALUES), max_size=6)
MEMBERS = st.sampled_from(
    [
        "redirect_uris",
        "client_name",
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "scope",
        "application_type",
        "contacts",
        "client_uri",
        "logo_uri",
        "jwks",
        "jwks_uri",
        "software_statement",
        "client_id",
    ]
)
URIS = st.sampled_from(
    [
        "http://127.0.0.1/cb",
        "https://[::1]:0/",
        "cursor://x/y",
        "http://a@b",
        "//",
        "https://ü.example/",
    ]
)


@dataclass(frozen=True)
class Target:
    """The stack as a stranger reaches it, and one client that has an access token."""

    ports: dict[str, int]
    client: Introduced
    tokens: Tokens

    def send(
        self,
        service: str,
        method: str,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes = b"",
    ) -> int:
        """The status. Hanging or closing without an answer is a failure."""
        port = self.ports[service]
        sent = [method.encode() + b" " + target + b" HTTP/1.1"]
        if not any(name == b"Host" for name, _ in headers):
            sent.append(b"Host: localhost:%d" % port)
        sent += [name + b": " + value for name, value in headers]
        sent += [b"Connection: close", b"Content-Length: %d" % len(body), b"", body]
        with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as connection:
            connection.sendall(b"\r\n".join(sent))
            answer = HTTPResponse(connection, method=method)
            answer.begin()
            answer.read()
            answer.close()
            return answer.status


async def log_in(stack: Stack) -> tuple[Introduced, Tokens]:
    async with aiohttp.ClientSession() as session, somebody(*stack.demo_user) as person:
        server = await read_server(session, stack.issuer)
        client = await Dynamic().introduce(session, server.metadata)
        user = ScriptedPerson(person.browser, person.username, person.password)
        code = await obtain_code(server, client, user, SCOPE, stack.resource, untimed)
        redeemed = TokenClient(session, server, client, stack.resource)
        return client, await redeemed.redeem(code, SCOPE)


@pytest.fixture(scope="module")
def target(stack: Stack) -> Iterator[Target]:
    services = stack.status["services"]
    ports = {name: urlsplit(services[name]["url"]).port or 0 for name in PATHS}
    logs = [stack.data_dir / "logs" / f"{name}.log" for name in PATHS]
    begin = [log.stat().st_size for log in logs]
    client, tokens = asyncio.run(log_in(stack))
    yield Target(ports, client, tokens)
    told = [fault for log, offset in zip(logs, begin, strict=True) for fault in faults(log, offset)]
    assert told == []


def faults(log: Path, offset: int) -> Iterator[str]:
    """What a service says of itself when it was surprised: an error, or no JSON at all."""
    for line in log.read_bytes()[offset:].decode().splitlines():
        if not line.startswith("{") or json.loads(line)["level"] in ("error", "critical"):
            yield f"{log.name}: {line[:2000]}"


def form(pairs: list[tuple[str, str]]) -> bytes:
    return urlencode([(name, value.encode("utf-8", "replace")) for name, value in pairs]).encode()


@settings(BOUNDED, max_examples=200)
@given(
    place=st.sampled_from(SERVICES_AND_PATHS),
    method=METHODS,
    query=QUERIES,
    headers=HEADERS,
    body=st.binary(max_size=120),
)
def test_any_request_is_answered(
    target: Target,
    place: tuple[str, str],
    method: str,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    service, path = place
    asked = path.encode() + (b"?" + query if query else b"")
    assert target.send(service, method, asked, headers, body) < 500


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, br"])
@pytest.mark.parametrize("place", BODIES_AT, ids=" ".join)
def test_a_body_that_breaks_its_content_encoding_is_refused(
    target: Target, place: tuple[str, str, str], encoding: str
) -> None:
    service, path, media_type = place
    headers = [(b"Content-Encoding", encoding.encode()), (b"Content-Type", media_type.encode())]
    if service == "resource":
        headers += authorized(target)[:1]
    status = target.send(service, "POST", path.encode(), headers, b"client_id=x&token=y")
    assert 400 <= status < 500


@BOUNDED
@given(service=st.sampled_from(sorted(PATHS)), path=QUERIES, headers=HEADERS)
def test_any_path_is_answered(
    target: Target, service: str, path: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    assert target.send(service, "GET", b"/" + path, headers) < 500


@BOUNDED
@given(changes=PAIRS)
def test_authorization_requests(target: Target, changes: list[tuple[str, str]]) -> None:
    changed = {name for name, _ in changes}
    known = {
        "response_type": "code",
        "client_id": target.client.client_id,
        "redirect_uri": target.client.redirect_uri,
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
    }
    pairs = [pair for pair in known.items() if pair[0] not in changed] + changes
    assert target.send("bridge", "GET", b"/authorize?" + form(pairs), []) < 500


@BOUNDED
@given(
    path=st.sampled_from(["/token", "/revoke", "/introspect", "/consent"]),
    pairs=PAIRS,
    is_known=st.booleans(),
    authorization=st.none() | st.binary(max_size=40),
)
def test_forms(
    target: Target,
    path: str,
    pairs: list[tuple[str, str]],
    is_known: bool,
    authorization: bytes | None,
) -> None:
    headers = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    if authorization is not None:
        headers.append((b"Authorization", b"Basic " + authorization.hex().encode()))
    if is_known:
        pairs = [("client_id", target.client.client_id), *pairs]
    assert target.send("bridge", "POST", path.encode(), headers, form(pairs)) < 500


@BOUNDED
@given(
    document=st.dictionaries(MEMBERS, JSON | URIS | st.lists(URIS, max_size=3), max_size=6) | JSON,
    has_redirect=st.booleans(),
)
def test_registrations(target: Target, document: Any, has_redirect: bool) -> None:
    if has_redirect and isinstance(document, dict):
        document = {"redirect_uris": ["http://127.0.0.1/cb"], **document}
    headers = [(b"Content-Type", b"application/json")]
    body = json.dumps(document).encode()
    assert target.send("registrar", "POST", b"/register", headers, body) < 500


METHOD_NAMES = st.sampled_from(
    ["initialize", "tools/list", "tools/call", "server/discover", "ping", "notifications/x"]
)
TOOL_NAMES = st.sampled_from(["list_contexts", "get_context", "create_context", "whoami"])
ARGUMENTS = st.dictionaries(
    st.sampled_from(["limit", "cursor", "id", "title", "content", "tags"]) | TEXT, JSON, max_size=4
)
CALLS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers() | TEXT, "method": METHOD_NAMES},
    optional={
        "params": st.fixed_dictionaries(
            {"name": TOOL_NAMES | TEXT, "arguments": ARGUMENTS},
            optional={
                "_meta": st.dictionaries(
                    st.sampled_from(
                        [
                            "io.modelcontextprotocol/protocolVersion",
                            "io.modelcontextprotocol/clientInfo",
                            "io.modelcontextprotocol/clientCapabilities",
                            "progressToken",
                        ]
                    ),
                    JSON | st.just("2026-07-28"),
                    max_size=4,
                )
            },
        )
        | JSON
    },
)


@settings(BOUNDED, max_examples=100)
@given(
    message=CALLS | JSON,
    revision=st.sampled_from([b"2025-11-25", b"2026-07-28", b"1900-01-01", None]),
    method=METHOD_NAMES | st.none(),
    name=TOOL_NAMES | st.none(),
)
def test_mcp_messages_with_a_good_token(
    target: Target, message: Any, revision: bytes | None, method: str | None, name: str | None
) -> None:
    headers = [*authorized(target), (b"Accept", b"application/json, text/event-stream")]
    if revision is not None:
        headers.append((b"MCP-Protocol-Version", revision))
    if method is not None:
        headers.append((b"Mcp-Method", method.encode()))
    if name is not None:
        headers.append((b"Mcp-Name", name.encode()))
    body = json.dumps(message).encode()
    assert target.send("resource", "POST", b"/mcp", headers, body) < 500


@BOUNDED
@given(
    draft=st.dictionaries(st.sampled_from(["title", "content", "tags"]), JSON, max_size=4) | JSON,
    paging=st.lists(st.tuples(st.sampled_from(["limit", "cursor"]), TEXT), max_size=3),
    context_id=QUERIES,
)
def test_contexts_with_a_good_token(
    target: Target, draft: Any, paging: list[tuple[str, str]], context_id: bytes
) -> None:
    headers = authorized(target)
    contexts = b"/v1/contexts"
    assert target.send("resource", "GET", contexts + b"?" + form(paging), headers) < 500
    assert target.send("resource", "GET", contexts + b"/" + context_id, headers) < 500
    body = json.dumps(draft).encode()
    assert target.send("resource", "POST", contexts, headers, body) < 500


def authorized(target: Target) -> list[tuple[bytes, bytes]]:
    token = target.tokens.access.encode()
    return [(b"Authorization", b"Bearer " + token), (b"Content-Type", b"application/json")]
