"""The realm file holds no secret and gives no more than needed; without secrets nothing starts."""

import json
import re
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
printf '%s\\n' "$@" "$MCP_BRIDGE_SECRET" "$MCP_REGISTRAR_SECRET" "${KC_BOOTSTRAP_ADMIN_PASSWORD-}"
"""


def start(folder: Path, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run start.sh with a kc.sh that prints what it was given."""
    for name, value in secrets.items():
        (folder / name).write_text(value)
    (folder / "bin").mkdir()
    (folder / "bin/kc.sh").write_text(KC)
    (folder / "bin/kc.sh").chmod(0o755)
    return subprocess.run(
        [FOLDER / "start.sh", "start-dev", "--import-realm"],
        env={"SECRETS_DIR": str(folder), "KEYCLOAK_HOME": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["bridge_secret", "registrar_secret"])
@pytest.mark.parametrize("value", [None, "", "short", "has a space " + "x" * 24, '"' + "x" * 24])
def test_nothing_starts_without_a_secret(tmp_path: Path, name: str, value: str | None) -> None:
    secrets = {key: text for key, text in SECRETS.items() if key != name}
    run = start(tmp_path, secrets if value is None else secrets | {name: value})
    assert run.returncode != 0
    assert name in run.stderr
    assert not run.stdout
    assert not value or value not in run.stderr


def test_secrets_come_from_files(tmp_path: Path) -> None:
    run = start(tmp_path, {name: f"{value}\n" for name, value in SECRETS.items()})
    assert run.stdout.splitlines() == ["start-dev", "--import-realm", *SECRETS.values()]


def test_an_administrator_is_optional(tmp_path: Path) -> None:
    without = {name: SECRETS[name] for name in ("bridge_secret", "registrar_secret")}
    run = start(tmp_path, without)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "")


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
