"""A real Keycloak with the realm of keycloak/, as a process with a state of its own."""

import json
import os
import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from fakes.missing import missing
from fakes.processes import free_ports, running

from oauth_kit.providers.catalog import ProviderConfig
from oauth_kit.providers.dialects import ProviderName
from registrar.directories.keycloak_api import ServiceAccount

ROOT = Path(__file__).parents[2]
DISTRIBUTION = "org/keycloak/keycloak-quarkus-dist"
ROTATING_REALM = "mcp-rotating"
# as the import fills them in: ${NAME} or ${NAME:default}; others are Keycloak's own texts
_PLACEHOLDER = re.compile(r"\$\{(MCP_[A-Z_]+)(?::([^}]*))?\}")
# augmentation and the database's schema take a minute of a busy core
_START_SECONDS = 300


@dataclass(frozen=True)
class Keycloak:
    """A running Keycloak: the realm `mcp`, and its twin whose refresh tokens rotate."""

    url: str
    bridge_secret: str
    registrar_secret: str
    admin_password: str
    bridge_url: str

    @property
    def variables(self) -> dict[str, str]:
        """What the realm's file is filled in with."""
        return {
            "MCP_BRIDGE_SECRET": self.bridge_secret,
            "MCP_REGISTRAR_SECRET": self.registrar_secret,
            **self.addresses,
        }

    @property
    def addresses(self) -> dict[str, str]:
        return {
            "MCP_BRIDGE_CALLBACK_URL": f"{self.bridge_url}/callback",
            "MCP_BRIDGE_LOGOUT_URL": f"{self.bridge_url}/logout",
        }

    def issuer(self, realm: str = "mcp") -> str:
        return f"{self.url}/realms/{realm}"

    def provider(self, name: ProviderName = "keycloak", realm: str = "mcp") -> ProviderConfig:
        return ProviderConfig(
            generation=self.issuer(realm),
            provider=name,
            issuer=self.issuer(realm),
            client_id="mcp-bridge",
            client_secret=self.bridge_secret,
        )

    def service_account(self) -> ServiceAccount:
        return ServiceAccount("mcp-registrar", self.registrar_secret)

    async def enable_user(self, email: str, enabled: bool, realm: str = "mcp") -> None:
        """What an administrator does in the console."""
        (user,) = await self._admin(realm, "GET", f"/users?exact=true&email={quote(email)}")
        await self._admin(realm, "PUT", f"/users/{user['id']}", user | {"enabled": enabled})

    async def client(self, client_id: str, realm: str = "mcp") -> dict[str, Any]:
        """A client as an administrator sees it."""
        (client,) = await self._admin(realm, "GET", f"/clients?clientId={quote(client_id)}")
        return dict(client)

    async def change_client(self, client: dict[str, Any], realm: str = "mcp") -> None:
        await self._admin(realm, "PUT", f"/clients/{client['id']}", client)

    async def delete_client(self, client_id: str, realm: str = "mcp") -> None:
        client = await self.client(client_id, realm)
        await self._admin(realm, "DELETE", f"/clients/{client['id']}")

    async def lose_realm(self, realm: str = "mcp") -> None:
        """Deleted with all that is in it, and imported anew from its file."""
        await self._admin(realm, "DELETE", "")
        filled = _PLACEHOLDER.sub(
            lambda found: self.variables.get(found[1], found[2]), _realms()[realm]
        )
        await self._admin("", "POST", "", json.loads(filled))

    async def _admin(self, realm: str, method: str, path: str, body: Any = None) -> Any:
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": "admin",
            "password": self.admin_password,
        }
        token_url = f"{self.issuer('master')}/protocol/openid-connect/token"
        async with aiohttp.ClientSession(raise_for_status=True) as http:
            async with http.post(token_url, data=form) as answer:
                headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
            address = f"{self.url}/admin/realms/{realm}{path}".rstrip("/")
            async with http.request(method, address, json=body, headers=headers) as answer:
                return await answer.json() if answer.status == 200 else None


@contextmanager
def running_keycloak(bridge_url: str = "http://localhost:3004") -> Iterator[Keycloak]:
    """Without Keycloak's distribution or Java the test is skipped (with `CI` set: fails)."""
    with tempfile.TemporaryDirectory(prefix="keycloak-") as name:
        folder = Path(name)
        home = _install(folder)
        (folder / "realms").mkdir()
        port, management_port = free_ports(2)
        keycloak = Keycloak(f"http://localhost:{port}", *_new_secrets(), bridge_url)
        for realm, text in _realms().items():
            (folder / f"realms/{realm}-realm.json").write_text(text)
        _write_secrets(folder / "secrets", keycloak)
        environment = {
            "KEYCLOAK_HOME": str(home),
            "SECRETS_DIR": str(folder / "secrets"),
            "REALMS_DIR": str(folder / "realms"),
            "TMPDIR": str(folder),
            **keycloak.addresses,
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
            "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",
        }
        command = [
            str(ROOT / "keycloak/start.sh"),
            *("start-dev", "--import-realm", "--db=dev-mem", "--health-enabled=true"),
            *("--http-host=127.0.0.1", f"--http-port={port}", f"--hostname={keycloak.url}"),
            f"--http-management-port={management_port}",
        ]
        with running(
            command,
            environment,
            management_port=management_port,
            folder=folder,
            path="/health/ready",
            start_seconds=_START_SECONDS,
        ):
            yield keycloak


def _new_secrets() -> tuple[str, str, str]:
    return secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32)


def _install(folder: Path) -> Path:
    """A copy, because Keycloak writes into its own folders."""
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        missing("Keycloak needs Java 17 or later")
    given = os.environ.get("KEYCLOAK_HOME")
    home = folder / "home"
    if given:
        shutil.copytree(given, home, ignore=lambda at, _: {"data"} if at == given else set())
        return home
    archives = sorted((Path.home() / ".m2/repository" / DISTRIBUTION).glob("26.7.*/*.zip"))
    if not archives:
        missing(
            "no Keycloak 26.7: set KEYCLOAK_HOME, or `mvn dependency:get -Dtransitive=false "
            "-Dartifact=org.keycloak:keycloak-quarkus-dist:26.7.5:zip`"
        )
    with zipfile.ZipFile(archives[-1]) as archive:
        archive.extractall(folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    for script in (unpacked / "bin").glob("*.sh"):
        script.chmod(0o755)
    return unpacked.rename(home)


def _realms() -> dict[str, str]:
    """The realm's file and its twin's, by name."""
    text = (ROOT / "keycloak/mcp-realm.json").read_text()
    rotating = json.loads(text) | {
        "realm": ROTATING_REALM,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
    }
    return {"mcp": text, ROTATING_REALM: json.dumps(rotating)}


def _write_secrets(folder: Path, keycloak: Keycloak) -> None:
    folder.mkdir(mode=0o700)
    (folder / "bridge_secret").write_text(keycloak.bridge_secret)
    (folder / "registrar_secret").write_text(keycloak.registrar_secret)
    (folder / "admin_password").write_text(keycloak.admin_password)
