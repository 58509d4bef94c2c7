"""The realm file holds no secret and gives no more than needed; without secrets nothing starts."""

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from authstack.services import DEMO_PASSWORD, DEMO_USERNAME
from cimd_bridge.settings import Settings as BridgeSettings

FOLDER = Path(__file__).parents[3] / "keycloak"
REALM = json.loads((FOLDER / "mcp-realm.json").read_text())
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}
SECRETS = {
    "bridge_secret": "bridge-" + "b" * 32,
    "registrar_secret": "registrar-" + "r" * 32,
    "admin_password": "admin-" + "a" * 32,
}
KC = """#!/usr/bin/env bash
printf '%s\\n' "$@"
env >"$KEYCLOAK_HOME/environment"
"""


def start(folder: Path, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run start.sh with a kc.sh that prints its arguments and keeps its environment."""
    for name, value in secrets.items():
        (folder / name).write_text(value)
    (folder / "bin").mkdir()
    (folder / "bin/kc.sh").write_text(KC)
    (folder / "bin/kc.sh").chmod(0o755)
    places = {"SECRETS_DIR": folder, "KEYCLOAK_HOME": folder, "REALMS_DIR": FOLDER}
    return subprocess.run(
        [FOLDER / "start.sh", "start", "--import-realm"],
        env={**places, "TMPDIR": folder, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def configuration(folder: Path) -> str:
    """What is in the file that the environment names; nothing when it names none."""
    named = re.search(r"^KC_CONFIG_FILE=(.+)$", (folder / "environment").read_text(), re.MULTILINE)
    return Path(named[1]).read_text() if named else ""


@pytest.mark.parametrize("name", ["bridge_secret", "registrar_secret"])
@pytest.mark.parametrize("value", [None, "", "short", "has a space " + "x" * 24, '"' + "x" * 24])
def test_nothing_starts_without_a_secret(tmp_path: Path, name: str, value: str | None) -> None:
    secrets = {key: text for key, text in SECRETS.items() if key != name}
    run = start(tmp_path, secrets if value is None else secrets | {name: value})
    assert run.returncode != 0
    assert name in run.stderr
    assert not run.stdout
    assert not value or value not in run.stderr


def test_secrets_go_from_files_to_files_that_nobody_else_reads(tmp_path: Path) -> None:
    run = start(tmp_path, {name: f"{value}\n" for name, value in SECRETS.items()})
    assert run.stdout.splitlines() == ["start", "--import-realm"]
    realm = tmp_path / "data/import/mcp-realm.json"
    given = {
        client["clientId"]: client["secret"] for client in json.loads(realm.read_text())["clients"]
    }
    assert given == {
        "mcp-bridge": SECRETS["bridge_secret"],
        "mcp-registrar": SECRETS["registrar_secret"],
    }
    assert configuration(tmp_path).splitlines() == [
        "bootstrap-admin-username=admin",
        f"bootstrap-admin-password={SECRETS['admin_password']}",
    ]
    written = [realm, *tmp_path.glob("tmp.*/*")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in written] == [0o600, 0o600]
    environment = (tmp_path / "environment").read_text()
    assert not any(secret in environment for secret in SECRETS.values())


def test_the_rest_of_the_realm_is_imported_as_it_is_written(tmp_path: Path) -> None:
    start(tmp_path, SECRETS)
    filled = (tmp_path / "data/import/mcp-realm.json").read_text()
    for secret, name in (("bridge_secret", "BRIDGE"), ("registrar_secret", "REGISTRAR")):
        filled = filled.replace(SECRETS[secret], f"${{MCP_{name}_SECRET}}")
    assert json.loads(filled) == REALM


def test_an_administrator_is_optional(tmp_path: Path) -> None:
    run = start(tmp_path, {name: SECRETS[name] for name in ("bridge_secret", "registrar_secret")})
    assert run.returncode == 0
    assert not configuration(tmp_path)


def test_the_file_holds_no_secret_of_a_client() -> None:
    placeholder = re.compile(r"\$\{MCP_[A-Z]+_SECRET\}")
    secrets = {name: client["secret"] for name, client in CLIENTS.items()}
    assert all(placeholder.fullmatch(secret) for secret in secrets.values())
    assert len(set(secrets.values())) == len(secrets)


def test_the_bridge_logs_users_in_and_nothing_else() -> None:
    bridge = CLIENTS["mcp-bridge"]
    assert enabled_flows(bridge) == {"standardFlowEnabled"}
    assert bridge["redirectUris"] == ["${MCP_BRIDGE_CALLBACK_URL:http://localhost:3004/callback}"]
    assert bridge["attributes"] == {
        "pkce.code.challenge.method": "S256",
        "post.logout.redirect.uris": "${MCP_BRIDGE_LOGOUT_URL:http://localhost:3004/logout}",
    }


def test_the_registrar_administers_clients_and_nothing_else() -> None:
    registrar = CLIENTS["mcp-registrar"]
    assert enabled_flows(registrar) == {"serviceAccountsEnabled"}
    assert registrar["redirectUris"] == []
    only = {"realm-management": ["manage-clients"]}
    (account,) = [user for user in REALM["users"] if "serviceAccountClientId" in user]
    assert account["clientRoles"] == only
    assert "realmRoles" not in account
    assert REALM["clientScopeMappings"] == {
        "realm-management": [{"client": "mcp-registrar", "roles": ["manage-clients"]}]
    }


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_every_client_is_confidential_and_narrow(client: dict[str, Any]) -> None:
    assert client["publicClient"] is client["fullScopeAllowed"] is False
    assert client["webOrigins"] == []
    assert client["optionalClientScopes"] == []


def test_sessions_outlive_our_grants() -> None:
    fields = BridgeSettings.model_fields
    assert REALM["ssoSessionIdleTimeout"] > fields["refresh_idle_seconds"].default
    assert REALM["ssoSessionMaxLifespan"] > fields["refresh_absolute_seconds"].default
    assert REALM["revokeRefreshToken"] is False


def test_the_realm_is_the_same_world_as_the_user_pool() -> None:
    defaults = BridgeSettings.model_fields
    ours = {scope["name"] for scope in REALM["clientScopes"] if "/" in scope["name"]}
    assert ours == set(defaults["scopes_supported"].default)
    (demo,) = [user for user in REALM["users"] if "credentials" in user]
    assert demo["username"] == demo["email"] == DEMO_USERNAME
    assert [credential["value"] for credential in demo["credentials"]] == [DEMO_PASSWORD]
    assert REALM["registrationAllowed"] is True


def enabled_flows(client: dict[str, Any]) -> set[str]:
    flows = (
        *("standardFlowEnabled", "implicitFlowEnabled"),
        *("directAccessGrantsEnabled", "serviceAccountsEnabled"),
    )
    return {flow for flow in flows if client[flow]}
