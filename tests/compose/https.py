"""The names of compose.tls.yml, asked from this machine, and a browser that trusts their root.

No name is looked up: all of them are Caddy's port on 127.0.0.1.
"""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fakes.missing import missing
from playwright.sync_api import Browser, Playwright

DOMAIN = "authstack.test"
HOSTS = tuple(f"{name}.{DOMAIN}" for name in ("auth", "mcp", "client", "idp"))
ISSUER, _MCP, CLIENT, _IDP = (f"https://{host}" for host in HOSTS)
RESOURCE, REALM = f"{_MCP}/mcp", f"{_IDP}/realms/mcp"
RESOURCE_METADATA = f"{_MCP}/.well-known/oauth-protected-resource/mcp"
DOCUMENT = f"{CLIENT}/client-metadata.json"
HOST_MAP = ",".join(f"{host}:443=127.0.0.1:443" for host in HOSTS)
HERE = ("127.0.0.1", 443)
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str,
    root: Path | None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> Answer:
    """One request; `body` is sent as JSON. Without a root it trusts what this machine trusts."""
    parts = urlsplit(url)
    trusting = ssl.create_default_context(cafile=None if root is None else str(root))
    with (
        socket.create_connection(HERE, SECONDS) as plain,
        trusting.wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        connection = http.client.HTTPConnection(parts.netloc)
        connection.sock = secure
        sent = None if body is None else json.dumps(body)
        json_type = {} if body is None else {"Content-Type": "application/json"}
        target = parts._replace(scheme="", netloc="").geturl()
        connection.request(method, target or "/", sent, {**json_type, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


@contextmanager
def a_chromium(
    playwright: Playwright, program: str, home: Path, root: Path | None
) -> Iterator[Browser]:
    """A browser in a home of its own, whose user has told it to trust `root` or nobody."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    if root is not None:
        _trust(store, root)
    browser = playwright.chromium.launch(
        executable_path=program,
        args=[
            *("--no-sandbox", "--disable-dev-shm-usage"),
            f"--host-resolver-rules=MAP *.{DOMAIN} 127.0.0.1",
        ],
        env={**os.environ, "HOME": str(home)},
    )
    yield browser
    browser.close()


def _trust(store: Path, root: Path) -> None:
    certutil = shutil.which("certutil")
    if certutil is None:
        missing("certutil is not installed (Debian: libnss3-tools)")
    for arguments in (
        ("-N", "--empty-password"),
        ("-A", "-n", "authstack", "-t", "C,,", "-i", str(root)),
    ):
        subprocess.run([certutil, "-d", f"sql:{store}", *arguments], check=True, timeout=60)
