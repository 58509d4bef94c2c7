"""After people have used the stack, its store, logs and metrics do not hold what they must not.

Runs after the other journeys of this folder, so it also looks at what those have left behind.
"""

import base64
import http.client
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import aiohttp
import boto3
import jwt
import pytest
import redis
from e2e.conftest import Stack
from e2e.witness import secrets_on_disk
from fakes.people import ANSWER_SECONDS, press, untimed
from fakes.stack_command import COMMAND
from multidict import CIMultiDictProxy

from authstack.layout import Layout
from authstack.services import DEMO_PASSWORD, DEMO_USERNAME
from authstack.smoke.browser import Browser, BrowserCookies, Page
from authstack.smoke.discovery import read_server
from authstack.smoke.identity import Introduced
from authstack.smoke.login import ScriptedPerson, obtain_code
from authstack.smoke.tokens import TokenClient

REDIRECT_URI = "http://127.0.0.1:52103/callback"
NOWHERE = "http://nowhere.invalid/"
SCOPE = "mcp-api/read mcp-api/write"
KINDS = ["preregistered", "dynamic", "metadata_document"]

SECRET_PARAMETERS = {"code", "state", "nonce", "code_verifier", "form", "form_token", "password"}
"""Of URLs and forms, ours, the clients' and the provider's."""

PATTERNS = {
    "a JWT or JWE": re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\."),
    "a code, refresh token or state": re.compile(rb"(?<![\w.-])[\w-]{22}\.[\w-]{43,}"),
    "a bearer token": re.compile(rb"(?i)bearer [A-Za-z0-9_-]{16}"),
    "a query with a code": re.compile(rb"[?&]code=[\w-]"),
}


@dataclass
class Witness:
    """Everything secret that passed through one browser or came back to one client."""

    secrets: set[str] = field(default_factory=set)

    def watch(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._request)
        trace.on_request_chunk_sent.append(self._body)
        trace.on_request_end.append(self._answer)
        return trace

    async def _request(self, session: object, context: object, sent: Any) -> None:
        self.note_url(str(sent.url))

    async def _body(self, session: object, context: object, sent: Any) -> None:
        self._note(parse_qsl(sent.chunk.decode("utf-8", "replace")))

    async def _answer(self, session: object, context: object, got: Any) -> None:
        headers: CIMultiDictProxy[str] = got.response.headers
        self.note_url(headers.get("Location", ""))
        self.secrets |= {cookie.value for cookie in got.response.cookies.values()}

    def note_url(self, url: str) -> None:
        self._note(parse_qsl(urlsplit(url).query))

    def _note(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.secrets |= {value for name, value in pairs if name in SECRET_PARAMETERS}


@asynccontextmanager
async def watched_browser(witness: Witness) -> Any:
    async with aiohttp.ClientSession(
        cookie_jar=BrowserCookies(),
        trace_configs=[witness.watch()],
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
    ) as session:
        yield session


async def a_confidential_client_comes_and_goes(stack: Stack, witness: Witness) -> str:
    """Registration, log-in, refresh, revocation; the client's id."""
    async with watched_browser(witness) as session:
        server = await read_server(session, stack.issuer)
        registration = {
            "client_name": "Confidential",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
        endpoint = server.endpoint("registration_endpoint")
        async with session.post(endpoint, json=registration) as answer:
            registered = await answer.json()
        client = Introduced(registered["client_id"], REDIRECT_URI, registered["client_secret"])
        tokens_of = TokenClient(session, server, client, stack.resource)
        person = ScriptedPerson(session, *stack.demo_user)
        code = await obtain_code(server, client, person, SCOPE, stack.resource, untimed)
        first = await tokens_of.redeem(code, SCOPE)
        second = await tokens_of.refresh(first)
        await tokens_of.revoke(first)
        code_unused = await obtain_code(server, client, person, SCOPE, stack.resource, untimed)
    for each in (code, code_unused):
        witness.secrets |= {each.value, each.verifier}
    for tokens in (first, second):
        witness.secrets |= {tokens.access, tokens.refresh, subject_of(tokens.access)}
    assert client.secret is not None
    witness.secrets |= {client.secret, *client.authenticate({}).values()}
    return client.client_id


def subject_of(access_token: str) -> str:
    """Whoever it is, the logs know only a hash of him."""
    claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return str(claims["sub"])


async def somebody_uses_the_client(stack: Stack, kind: str, witness: Witness) -> None:
    """Log in, fetch, refresh; the session stays open."""
    async with watched_browser(witness) as session:
        browser = Browser(session, NOWHERE)
        page = await press(browser, await browser.open(stack.client(kind)), "/login")
        page = await press(browser, page, "/consent")
        typed = dict(zip(("username", "password"), stack.demo_user, strict=True))
        page = await press(browser, page, "/login", typed)
        for action in ("fetch", "refresh"):
            page = await press(browser, page, f"/actions/{action}")
            assert isinstance(page, Page)
            assert 'data-logged-in="true"' in page.text
            assert 'data-succeeded="true"' in page.text


def secrets_of_app_clients(layout: Layout) -> set[str]:
    """What the provider knows of the clients that the registrar made there."""
    provider = json.loads(layout.provider_file.read_text())
    cognito = boto3.client(
        "cognito-idp",
        endpoint_url=layout.url("emulator"),
        region_name=provider["region"],
        aws_access_key_id="emulator",
        aws_secret_access_key="emulator",
    )
    pool = {"UserPoolId": provider["pool_id"]}
    pages = cognito.get_paginator("list_user_pool_clients").paginate(**pool)
    ids = [client["ClientId"] for page in pages for client in page["UserPoolClients"]]
    described = (cognito.describe_user_pool_client(**pool, ClientId=each) for each in ids)
    found = {answer["UserPoolClient"]["ClientSecret"] for answer in described}
    cognito.close()
    return found


def dump(layout: Layout) -> Iterator[bytes]:
    """Every key with its value, whatever its type."""
    with redis.Redis.from_url("unix://" + quote(str(layout.valkey_socket))) as store:
        for key in store.scan_iter(count=1000):
            yield key + b" " + repr(_value(store, key)).encode()


def _value(store: Any, key: bytes) -> object:
    match store.type(key):
        case b"string":
            return store.get(key)
        case b"hash":
            return store.hgetall(key)
        case b"list":
            return store.lrange(key, 0, -1)
        case b"set":
            return store.smembers(key)
        case b"zset":
            return store.zrange(key, 0, -1, withscores=True)
        case b"stream":
            return store.xrange(key)
        case b"none":
            return "it has expired since it was found"
        case unknown:
            pytest.fail(f"a type that nobody has dumped yet: {unknown!r}")


def metrics(layout: Layout) -> dict[str, bytes]:
    told = {}
    for place in ("bridge", "registrar", "resource", *KINDS):
        connection = http.client.HTTPConnection("127.0.0.1", layout.management_port(place))
        connection.request("GET", "/metrics")
        told[f"metrics of {place}"] = connection.getresponse().read()
        connection.close()
    return told


def everything_written(layout: Layout) -> dict[str, bytes]:
    """The store as it is, the files it was replayed from, every log and all metrics."""
    written = {"the store": b"\n".join(dump(layout)), **metrics(layout)}
    for folder in (layout.valkey_data, layout.logs):
        for file in folder.rglob("*"):
            if file.is_file():
                written[str(file.relative_to(layout.data))] = file.read_bytes()
    return written


def spellings(secret: str) -> set[bytes]:
    """As it is, as it is in a URL, and as it is in a Basic header or a data URL."""
    encoded = secret.encode()
    return {encoded, quote(secret, safe="").encode(), base64.b64encode(encoded).rstrip(b"=")}


@pytest.fixture(scope="module", autouse=True)
def walked(stack: Stack) -> None:
    """Every flow of every client, once more."""
    arguments = [str(COMMAND), "smoke", *stack.options]
    walked = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
    assert walked.returncode == 0, walked.stdout


@pytest.fixture
def layout(stack: Stack) -> Layout:
    return Layout(stack.data_dir, int(stack.options[1]))


@pytest.mark.requirement("OP1", "OP7", "TK26", "REG23", "CB9", "CL20")
async def test_neither_store_nor_logs_hold_a_secret_in_clear(stack: Stack, layout: Layout) -> None:
    witness = Witness()
    client_id = await a_confidential_client_comes_and_goes(stack, witness)
    for kind in KINDS:
        await somebody_uses_the_client(stack, kind, witness)
    app_clients = secrets_of_app_clients(layout)
    witness.secrets |= secrets_on_disk(layout) | app_clients | {DEMO_PASSWORD, DEMO_USERNAME}
    written = everything_written(layout)

    assert len(app_clients) > len(KINDS)
    assert len(witness.secrets) > 50
    for place in ("the store", "logs/bridge.log", "logs/registrar.log"):
        assert client_id.encode() in written[place], "this is not where they write"
    assert any(client_id.encode() in content for name, content in written.items() if "aof" in name)
    for place, text in metrics(layout).items():
        assert b"authstack_http_request_duration_seconds_count{" in text, place
        assert client_id.encode() not in text, "a client is no label"

    ends_of_handles = {secret.rpartition(".")[2] for secret in witness.secrets if "@" not in secret}
    leaks = {
        (place, secret)
        for secret in {*witness.secrets, *ends_of_handles} - {""}
        for spelling in spellings(secret)
        for place, content in written.items()
        if spelling in content
    }
    assert leaks == set()


@pytest.mark.requirement("OP1", "OP7", "CB9")
@pytest.mark.parametrize("what", PATTERNS)
def test_nothing_there_looks_like(stack: Stack, layout: Layout, what: str) -> None:
    """What only the processes themselves have seen: the provider's tokens, the clients' own."""
    found = {
        place: match[0]
        for place, content in everything_written(layout).items()
        if (match := PATTERNS[what].search(content))
    }
    assert found == {}
