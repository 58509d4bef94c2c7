"""The emulator as a child process on free ports, and the programs that talk to it."""

import base64
import contextlib
import hashlib
import html
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import boto3
import pytest
from botocore.config import Config
from emulator_window import Window

PROJECT = Path(__file__).resolve().parent.parent
PYTHON = PROJECT / ".venv" / "bin" / "python"
sys.path.insert(0, str(PROJECT / "src"))

CALLBACK = "http://localhost:3004/callback"
PASSWORD = "Demo-Passw0rd-1!"
START_SECONDS = 60
STOP_SECONDS = 30


@dataclass
class RunningEmulator:
    """One emulator process; its log is read line by line as it comes."""

    environment: dict[str, str]
    process: subprocess.Popen[str]
    until: str
    lines: list[str] = field(default_factory=list)
    ready_or_ended: threading.Event = field(default_factory=threading.Event)
    grown: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        """Read the log until the process ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self.grown:
                self.lines.append(line)
                self.grown.notify_all()
            if self.until in line:
                self.ready_or_ended.set()
        self.ready_or_ended.set()

    def log_until_now(self) -> str:
        """The log with everything in it that was answered before."""
        mark = secrets.token_hex(16)
        target = f"AWSCognitoIdentityProviderService.{mark}"
        request = urllib.request.Request(self.url, b"{}", {"X-Amz-Target": target})  # noqa: S310
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=START_SECONDS).close()  # noqa: S310
        with self.grown:
            assert self.grown.wait_for(
                lambda: any(mark in line for line in reversed(self.lines)), START_SECONDS
            )
            return "".join(self.lines)

    def mailed_codes(self) -> list[str]:
        """What went into the emulator's mailbox, the newest last."""
        return re.findall(r'"emulator_mailbox".*"code": "(\d{6})"', self.log_until_now())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['MANAGEMENT_PORT']}"

    @property
    def state_dir(self) -> Path:
        return Path(self.environment["STATE_DIR"])

    @property
    def provider(self) -> dict[str, str]:
        document: dict[str, str] = json.loads((self.state_dir / "provider.json").read_text())
        return document

    def aws(self, service: str = "cognito-idp", access_key_id: str = "emulator") -> Any:
        """A boto3 client for this emulator."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key_id,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def children(self) -> list[int]:
        """Process ids of the emulator's children."""
        pid = self.process.pid
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(signum)
        return self.process.wait(STOP_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports that are free together."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def emulator_environment(folder: Path, **changes: str) -> dict[str, str]:
    """The environment of an emulator that lives in this folder."""
    port, management_port = free_ports(2)
    wanted = {
        "PATH": os.environ["PATH"],
        "STATE_DIR": str(folder / "state"),
        "PORT": str(port),
        "MANAGEMENT_PORT": str(management_port),
        "BRIDGE_LOGOUT_URL": "http://localhost:3004/",
    }
    return {**wanted, **changes}


@contextlib.contextmanager
def running(
    environment: dict[str, str], until: str = '"event": "ready"'
) -> Iterator[RunningEmulator]:
    """An emulator that is ready (has logged what `until` says), or has ended."""
    process = subprocess.Popen(
        [str(PYTHON), "-m", "cognito_emulator"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    emulator = RunningEmulator(environment, process, until)
    reader = threading.Thread(target=emulator.follow, daemon=True)
    reader.start()
    try:
        assert emulator.ready_or_ended.wait(START_SECONDS), "the emulator is not ready"
        yield emulator
    finally:
        if process.poll() is None:
            emulator.end()
        reader.join(STOP_SECONDS)
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of an emulator of the test's own."""
    return emulator_environment(tmp_path)


@pytest.fixture
def start() -> Callable[..., Any]:
    """Starts an emulator: `with start(environment) as emulator`."""
    return running


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """The emulator that most tests share; each makes its own clients and users."""
    with running(emulator_environment(tmp_path_factory.mktemp("emulator"))) as started:
        yield started


@pytest.fixture(scope="session")
def cognito(emulator: RunningEmulator) -> Any:
    """boto3's client of the shared emulator."""
    return emulator.aws()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client that keeps cookies and follows nothing by itself."""
    jar = aiohttp.CookieJar(unsafe=True)
    connector = aiohttp.TCPConnector(force_close=True)  # the emulator may be started anew
    async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as session:
        yield session


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Any
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return str(self.headers["Location"])

    @property
    def query(self) -> dict[str, str]:
        """The parameters of a redirect."""
        return {k: v[0] for k, v in parse_qs(urlsplit(self.location).query).items()}


def verifier_and_challenge() -> tuple[str, str]:
    """A fresh PKCE pair."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> str:
    """The Authorization header of client_secret_basic."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@dataclass
class Visitor:
    """A browser and an app in one: logs in and redeems what comes back."""

    emulator: RunningEmulator
    session: aiohttp.ClientSession
    client_id: str
    secret: str | None = None
    redirect_uri: str = CALLBACK
    username: str = "demo@example.com"
    password: str = PASSWORD

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        url = path if path.startswith("http") else self.emulator.url + path
        async with self.session.request(method, url, allow_redirects=False, **options) as got:
            return Answer(got.status, got.headers, await got.text())

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """An authorization request; None removes a parameter."""
        wanted = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": "opaque",
        }
        return {k: v for k, v in {**wanted, **changes}.items() if v is not None}

    async def authorize(self, **changes: str | None) -> Answer:
        return await self.request("GET", "/oauth2/authorize", params=self.parameters(**changes))

    async def log_in(self, **changes: str | None) -> Answer:
        """From the authorization request through the form, as a browser would."""
        answer = await self.authorize(**changes)
        if not answer.location.startswith("/login"):
            return answer
        page = await self.request("GET", self.emulator.url + answer.location)
        assert page.status == 200
        found = re.search(r'<form method="post" action="([^"]*)"', page.text)
        assert found is not None
        form = {"username": self.username, "password": self.password}
        return await self.request("POST", html.unescape(found[1]), data=form)

    async def code(self, **changes: str | None) -> str:
        answer = await self.log_in(**changes)
        assert answer.status == 302, answer.text
        return answer.query["code"]

    async def post(self, path: str, form: dict[str, str], **options: Any) -> Answer:
        """A back-channel request with this client's credentials; it sends no cookies."""
        headers = options.pop("headers", {})
        if self.secret is None:
            form = {"client_id": self.client_id, **form}
        else:
            headers = {"Authorization": basic(self.client_id, self.secret), **headers}
        return await self.request("POST", path, data=form, headers=headers, **options)

    async def redeem(self, code: str, **changes: str) -> Answer:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return await self.post("/oauth2/token", {**form, **changes})

    async def refresh(self, refresh_token: str) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self.post("/oauth2/token", form)

    async def tokens(self, **changes: str | None) -> dict[str, Any]:
        """Log in and redeem."""
        answer = await self.redeem(await self.code(**changes))
        assert answer.status == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@pytest.fixture(name="basic")
def basic_fixture() -> Callable[[str, str], str]:
    """Makes the Authorization header of client_secret_basic."""
    return basic


@pytest.fixture
def pkce() -> tuple[str, str]:
    """A fresh verifier and its challenge."""
    return verifier_and_challenge()


@pytest.fixture
def bridge(emulator: RunningEmulator, http: aiohttp.ClientSession) -> Visitor:
    """The seeded confidential client."""
    provider = emulator.provider
    return Visitor(emulator, http, provider["client_id"], provider["client_secret"])


@pytest.fixture
def make_client(cognito: Any, emulator: RunningEmulator) -> Callable[..., dict[str, Any]]:
    """Creates app clients of the seeded pool."""

    def make(**changes: Any) -> dict[str, Any]:
        wanted = {
            "UserPoolId": emulator.provider["pool_id"],
            "ClientName": "test client",
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email", "profile", "mcp-api/read"],
            "CallbackURLs": [CALLBACK],
            "SupportedIdentityProviders": ["COGNITO"],
        }
        answer = cognito.create_user_pool_client(**{**wanted, **changes})
        client: dict[str, Any] = answer["UserPoolClient"]
        return client

    return make


@pytest.fixture
def public(
    emulator: RunningEmulator,
    http: aiohttp.ClientSession,
    make_client: Callable[..., dict[str, Any]],
) -> Visitor:
    """A public client of the test's own."""
    return Visitor(emulator, http, make_client()["ClientId"])


@pytest.fixture
def open_window(public: Visitor) -> Callable[..., Window]:
    """A new browser on the pages, in front of a public client unless another one is given."""
    return lambda visitor=public: Window(visitor)


@pytest.fixture
def make_user(cognito: Any, emulator: RunningEmulator) -> Callable[..., str]:
    """Creates users of the seeded pool, with the password that `Visitor` uses."""

    def make(**attributes: str) -> str:
        name = f"user-{secrets.token_hex(6)}@example.com"
        pool = emulator.provider["pool_id"]
        given = {"email": name, "email_verified": "true", **attributes}
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": key, "Value": value} for key, value in given.items()],
        )
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True
        )
        return name

    return make
