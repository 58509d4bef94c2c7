"""compose.tls.yml: the system under public names on https, with an authority of its own."""

import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from compose.conftest import DEMO_USER, REGISTRATIONS_A_MINUTE
from compose.containers import SERVICES, System, service_of
from compose.https import (
    CLIENT,
    DOCUMENT,
    DOMAIN,
    HERE,
    HOST_MAP,
    HOSTS,
    ISSUER,
    REALM,
    RESOURCE,
    RESOURCE_METADATA,
    SECONDS,
    ask,
)
from compose.test_hardening import (  # noqa: F401 -- its tests, with this module's `system`
    containers,
    secrets,
    test_a_secret_can_be_read_by_its_own_service_only,
    test_every_container_is_healthy_and_was_never_restarted,
    test_memory_and_processes_are_bounded_and_what_dies_comes_back,
    test_no_capability_is_left_and_none_can_be_gained,
    test_no_file_system_is_writable,
    test_no_secret_is_in_an_environment_a_command_or_an_images_history,
    test_nothing_runs_as_root,
    test_the_running_processes_have_neither_root_nor_capabilities,
)
from e2e.test_demo_clients import KINDS

__all__ = ["containers", "secrets"]

HSTS = "max-age=31536000"
REGISTRATION = {"redirect_uris": ["http://127.0.0.1/callback"]}

# From inside: address, port and what X-Forwarded-For shall say. On port 443 under the public name.
REGISTER = f"""
import socket, ssl, sys
address, port, forwarded = sys.argv[1:]
body = {json.dumps(REGISTRATION)!r}
connection = socket.create_connection((address, int(port)), 10)
if port == "443":
    trusting = ssl.create_default_context(cafile="/run/ca/root.crt")
    connection = trusting.wrap_socket(connection, server_hostname="auth.{DOMAIN}")
head = (
    "POST /register HTTP/1.1", "Host: auth.{DOMAIN}", "Connection: close",
    "Content-Type: application/json", f"Content-Length: {{len(body)}}",
    f"X-Forwarded-For: {{forwarded}}", "", body,
)
connection.sendall("\\r\\n".join(head).encode())
print(connection.makefile().readline().split()[1])
"""


@pytest.fixture(scope="module")
def system(system_on_https: System) -> System:
    """In place of the plain one."""
    return system_on_https


@pytest.fixture(scope="module")
def caddy(containers: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [container for container in containers if service_of(container) == "caddy"]
    return found


def addresses(container: dict[str, Any]) -> dict[str, str]:
    """By network."""
    networks = container["NetworkSettings"]["Networks"]
    return {name.rpartition("_")[2]: network["IPAddress"] for name, network in networks.items()}


def told(container: dict[str, Any], variable: str) -> str:
    named = (one.partition("=") for one in container["Config"]["Env"])
    return next(str(value) for name, _, value in named if name == variable)


def refusal_reasons(system: System) -> list[str]:
    (bridge,) = system.containers("cimd-bridge")
    return [event["reason"] for event in system.events(bridge) if event["event"] == "refused"]


def test_every_public_address_is_the_configured_one_byte_for_byte(root: Path) -> None:
    metadata = ask(f"{ISSUER}/.well-known/oauth-authorization-server", root).json()
    assert metadata["issuer"] == ISSUER
    endpoints = [value for name, value in metadata.items() if name.endswith(("endpoint", "_uri"))]
    assert len(endpoints) == 6
    assert all(endpoint.startswith(f"{ISSUER}/") for endpoint in endpoints)
    refused = ask(RESOURCE, root, method="POST", body={})
    assert refused.status == 401
    assert f'resource_metadata="{RESOURCE_METADATA}"' in refused.headers["WWW-Authenticate"]
    resource_metadata = ask(RESOURCE_METADATA, root).json()
    assert resource_metadata["resource"] == RESOURCE
    assert resource_metadata["authorization_servers"] == [ISSUER]
    assert ask(DOCUMENT, root).json()["client_id"] == DOCUMENT
    assert ask(f"{REALM}/.well-known/openid-configuration", root).json()["issuer"] == REALM


def test_only_who_was_given_the_root_trusts_the_system(root: Path) -> None:
    for host in HOSTS:
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(f"https://{host}/", None)
    with pytest.raises(ssl.SSLError):
        ask(f"https://other.{DOMAIN}/", root)


def test_plain_http_is_refused_and_never_led_on(system: System) -> None:
    assert not system.reaches("client-metadata", f"auth.{DOMAIN}", 80)
    for host in HOSTS:
        with socket.create_connection(HERE, SECONDS) as plain:
            plain.sendall(f"GET /token HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head, _, _ = plain.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 400 ")
        assert b"location" not in head.lower()


def test_nothing_but_https_is_published(containers: list[dict[str, Any]]) -> None:
    published = {
        service_of(container): container["HostConfig"]["PortBindings"]
        for container in containers
        if container["HostConfig"]["PortBindings"]
    }
    assert published == {"caddy": {"443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "443"}]}}


@pytest.mark.requirement("OP3")
@pytest.mark.parametrize(
    ("url", "status"),
    [
        (f"{ISSUER}/jwks.json", 200),
        (f"{ISSUER}/authorize", 400),
        (RESOURCE, 401),
        (f"{CLIENT}/", 200),
        (f"{REALM}/.well-known/openid-configuration", 200),
        (f"https://idp.{DOMAIN}/", 404),
    ],
)
def test_every_answer_says_that_the_host_is_https_only(root: Path, url: str, status: int) -> None:
    answer = ask(url, root)
    assert answer.status == status
    assert answer.headers.get_all("Strict-Transport-Security") == [HSTS]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/metrics", "/internal/clients/a", "/register/../internal/"]
)
def test_management_and_internal_paths_lead_nowhere(root: Path, host: str, path: str) -> None:
    assert ask(f"https://{host}{path}", root).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/admin/",
        "/health",
        "/realms/master/",
        *(
            f"/{inside}/{up}/{outside}"
            for up in ("..", "%2e%2e", "..;", "%2e%2e;", "..%2f..", "%252e%252e")
            for inside, outside in (
                ("realms/mcp", "master/.well-known/openid-configuration"),
                ("resources", "admin/master/console/"),
            )
        ),
    ],
)
def test_nothing_of_keycloaks_administration_is_public(root: Path, path: str) -> None:
    assert ask(f"https://idp.{DOMAIN}{path}", root).status in (404, 400)


def test_the_servers_key_is_caddys_and_the_root_everybodys(
    containers: list[dict[str, Any]],
) -> None:
    mounted: dict[str, set[tuple[str, bool]]] = {"ca": set(), "caddy-certificates": set()}
    for container in containers:
        for mount in container["Mounts"]:
            volume = str(mount.get("Name", "")).rpartition("_")[2]
            if volume in mounted:
                mounted[volume].add((service_of(container), mount["RW"]))
    readers = {(service, False) for service in (*SERVICES, "client-metadata")}
    assert mounted["ca"] == {("certificates", True), *readers}
    assert mounted["caddy-certificates"] == {("certificates", True), ("caddy", False)}


def test_caddy_alone_is_believed_about_callers(
    containers: list[dict[str, Any]], caddy: dict[str, Any]
) -> None:
    own = addresses(caddy)
    assert own.keys() == {"public", "provider"}
    by_service = {service_of(container): container for container in containers}
    for service in (*SERVICES, "client-metadata"):
        believed = told(by_service[service], "TRUSTED_PROXIES")
        assert set(believed.split(",")) == set(own.values())
    assert told(by_service["keycloak"], "KC_PROXY_TRUSTED_ADDRESSES") == own["provider"]


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (f"idp.{DOMAIN}", "client document has an address that is not public"),
        (f"mcp.{DOMAIN}", "client_id URL names a service of ours"),
        (f"auth.{DOMAIN}", "client_id URL names a service of ours"),
    ],
)
def test_a_document_on_another_private_host_is_refused(
    system: System, root: Path, host: str, reason: str
) -> None:
    before = refusal_reasons(system)
    asked = {
        "response_type": "code",
        "client_id": f"https://{host}/client-metadata.json",
        "redirect_uri": f"{CLIENT}/callback",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    answer = ask(f"{ISSUER}/authorize?{urlencode(asked)}", root)
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert refusal_reasons(system)[len(before) :] == [reason]


def test_smoke_walks_every_flow(system: System, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    kept = "/volumes/client-preregistered/preregistered_client_secret"
    shown = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "init", kept)
    secret.write_text(system.compose(*shown).stdout)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("authstack")),
            *("smoke", "--json", "--resource", RESOURCE),
            *("--ca-file", str(root), "--host-map", HOST_MAP),
            *("--username", DEMO_USER["username"], "--client-metadata-url", DOCUMENT),
            *("--client-id", "demo-preregistered", "--client-secret-file", str(secret)),
        ],
        env={**os.environ, "AUTHSTACK_SMOKE_PASSWORD": DEMO_USER["password"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    report = json.loads(done.stdout)["clients"]
    outcomes = {kind: {step["outcome"] for step in steps} for kind, steps in report.items()}
    assert outcomes == {kind: {"passed"} for kind in KINDS}, done.stdout


def register_from_here(root: Path, forwarded: str) -> int:
    url, said = f"{ISSUER}/register", {"X-Forwarded-For": forwarded}
    return ask(url, root, method="POST", headers=said, body=REGISTRATION).status


@pytest.mark.requirement("OP3", "C2")
def test_a_limit_counts_the_real_caller_whoever_he_says_he_is(
    system: System, root: Path, caddy: dict[str, Any]
) -> None:
    # twice as often as a minute has room for, lest one ends meanwhile
    networks = range(2 * REGISTRATIONS_A_MINUTE)
    answers = [register_from_here(root, f"198.51.{network}.1") for network in networks]
    assert (answers[0], answers[-1]) == (201, 429)

    def register_inside(service: str, address: str, port: int) -> str:
        told = (address, str(port), "198.51.101.1")
        return system.run_in(service, "python", "-c", REGISTER, *told).stdout.strip()

    # past Caddy, out of the network that has used up its share
    assert register_inside("resource", "registrar", 3005) == "429"
    # another network, through Caddy: another caller
    assert register_inside("cimd-bridge", addresses(caddy)["provider"], 443) == "201"


def test_what_a_failed_request_carried_is_in_no_log(system: System, root: Path) -> None:
    system.compose("stop", "client-metadata")
    answer = ask(f"{CLIENT}/callback?code=canary-code", root, headers={"Cookie": "a=canary-cookie"})
    system.up()
    assert answer.status == 502
    assert answer.headers.get_all("Strict-Transport-Security") == [HSTS]
    log = system.logs("caddy")
    assert '"status":502' in log
    assert "canary" not in log
