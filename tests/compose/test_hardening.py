"""What the engine says of our containers, and what they can do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from compose.containers import (
    CLIENTS,
    PROVIDER_HOSTS,
    SERVICES,
    System,
    docker,
    inspect,
    service_of,
)
from compose.image_layers import files_of, is_private
from init import KEY_RINGS, OPERATOR_SECRETS, OWN_SECRETS

ONE_SHOTS = ("init", "check", "certificates")

# Every exception, and why.
RUNS_AS_ROOT = {"init": "gives each volume to the group of its one reader, until it exits"}
CAPABILITIES = {
    "init": ["CHOWN"],  # the same
    "caddy": ["NET_BIND_SERVICE"],  # the official program carries it and does not start without
}
CAPABILITY_BITS = {"NET_BIND_SERVICE": 1 << 10}

OUR_IMAGES = "mcp-authstack/"
SECRET_FILES = {*KEY_RINGS, *OWN_SECRETS, *OPERATOR_SECRETS, "clients.toml", "provider.json"}

# 32 bytes in base64url, as we make them, or 52 characters, as Cognito does.
SECRET = re.compile(r"(?<![\w-])(?:[\w-]{43}|[a-z0-9]{52})(?![\w-])")


@pytest.fixture(scope="module")
def containers(system: System) -> list[dict[str, Any]]:
    found = inspect(system.containers())
    expected = {"init", "check", "redis", PROVIDER_HOSTS[system.profile], *SERVICES}
    expected |= {*system.clients, *system.beside}
    assert {service_of(container) for container in found} == expected
    return found


def test_nothing_runs_as_root(containers: list[dict[str, Any]]) -> None:
    roots = {
        service_of(container)
        for container in containers
        if container["Config"]["User"].partition(":")[0] in ("", "0", "root")
    }
    assert roots == RUNS_AS_ROOT.keys()


def test_no_file_system_is_writable(system: System, containers: list[dict[str, Any]]) -> None:
    writable = {
        service_of(container)
        for container in containers
        if not container["HostConfig"]["ReadonlyRootfs"]
    }
    assert not writable
    for service in {service_of(container) for container in containers} - {*ONE_SHOTS}:
        done = system.run_in(service, "sh", "-c", "echo > /written")
        assert done.returncode != 0
        assert "Read-only file system" in done.stderr


def test_no_capability_is_left_and_none_can_be_gained(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        host = container["HostConfig"]
        assert host["CapDrop"] == ["ALL"]
        assert (host["CapAdd"] or []) == CAPABILITIES.get(service_of(container), [])
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert not host["Privileged"]
        assert not host["Devices"]
        assert host["PidMode"] == ""
        assert host["IpcMode"] == "private"


def test_the_running_processes_have_neither_root_nor_capabilities(
    system: System, containers: list[dict[str, Any]]
) -> None:
    for container in containers:
        service = service_of(container)
        if service in ONE_SHOTS:
            continue
        status = dict(
            line.split(":", 1)
            for line in docker("exec", container["Id"], "cat", "/proc/1/status").splitlines()
        )
        assert "0" not in status["Uid"].split(), service
        assert int(status["CapEff"], 16) == 0
        may_gain = sum(CAPABILITY_BITS[name] for name in CAPABILITIES.get(service, []))
        assert int(status["CapBnd"], 16) == may_gain
        assert status["NoNewPrivs"].strip() == "1"


def test_memory_and_processes_are_bounded_and_what_dies_comes_back(
    containers: list[dict[str, Any]],
) -> None:
    for container in containers:
        host = container["HostConfig"]
        assert 0 < host["Memory"] <= 1250 * 1024 * 1024
        assert 0 < host["PidsLimit"] <= 512
        expected = "no" if service_of(container) in ONE_SHOTS else "unless-stopped"
        assert host["RestartPolicy"]["Name"] == expected


def test_every_container_is_healthy_and_was_never_restarted(
    containers: list[dict[str, Any]],
) -> None:
    for container in containers:
        state, service = container["State"], service_of(container)
        assert container["RestartCount"] == 0, service
        if service in ONE_SHOTS:
            assert (state["Status"], state["ExitCode"]) == ("exited", 0)
        else:
            assert state["Health"]["Status"] == "healthy", service


def test_ports_are_published_on_this_machine_only(
    system: System, containers: list[dict[str, Any]]
) -> None:
    published = {}
    for container in containers:
        for port, bindings in (container["HostConfig"]["PortBindings"] or {}).items():
            for binding in bindings:
                assert binding["HostIp"] == "127.0.0.1"
                published[int(binding["HostPort"])] = (service_of(container), port)
    provider = {"localstack": 4566, "keycloak": 8080}[system.profile]
    assert published.keys() == {3000, 3001, 3002, 3003, 3004, 3005, provider}


@pytest.fixture(scope="module")
def secrets(system: System) -> set[str]:
    """All that `init` has made, and the emulator for itself."""
    entered = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "grep", "init")
    stored = system.compose(*entered, "-rhs", "", "/volumes", check=False).stdout
    if system.profile == "localstack":  # written by the emulator, for its own user
        stored += system.read("cimd-bridge", "/run/provider/provider.json")
    found = set(SECRET.findall(stored))
    assert len(found) >= 16
    return found


def test_no_secret_is_in_an_environment_a_command_or_an_images_history(
    containers: list[dict[str, Any]], secrets: set[str]
) -> None:
    images = {container["Image"] for container in containers}
    texts = [json.dumps(containers), docker("image", "inspect", *images)]
    texts += [docker("history", "--no-trunc", "--format", "{{json .}}", image) for image in images]
    for secret in secrets:
        assert not any(secret in text for text in texts)


def test_no_layer_of_our_images_holds_a_secret(
    containers: list[dict[str, Any]], secrets: set[str], tmp_path: Path
) -> None:
    named = {container["Config"]["Image"] for container in containers}
    ours = sorted(name for name in named if name.startswith(OUR_IMAGES))
    layers = [set(image["RootFS"]["Layers"]) for image in inspect(ours)]
    assert len(layers) >= 5
    docker("save", "--output", str(tmp_path / "images.tar"), *ours)
    sought, read = [secret.encode() for secret in secrets], 0
    # what they have in common is their base
    for file in files_of(tmp_path / "images.tar", set.intersection(*layers)):
        assert not is_private(file, SECRET_FILES), file.path
        assert not any(secret in file.content for secret in sought), file.path
        read += 1
    assert read > 1000


def test_a_secret_can_be_read_by_its_own_service_only(system: System) -> None:
    for service in (*SERVICES, *system.clients):
        folder = system.run_in(service, "stat", "-c", "%A %u %g", "/run/authstack").stdout.split()
        assert folder == ["drwxr-x---", "0", "10001"]
        names = system.run_in(service, "sh", "-c", "ls /run/authstack").stdout.split()
        modes = system.run_in(service, "sh", "-c", "stat -c %A:%u /run/authstack/*").stdout.split()
        assert set(modes) == {"-r--r-----:0"}
        assert ("master_keys" in names) == (service == "cimd-bridge")
        assert ("internal_token" in names) == (service in ("cimd-bridge", "registrar"))
        assert ("session_keys" in names) == (service in CLIENTS)


@pytest.mark.parametrize(
    ("caller", "host", "port", "expected"),
    [
        ("cimd-bridge", "redis", 6379, True),
        ("client-dynamic", "redis", 6379, True),
        ("cimd-bridge", "registrar-internal", 3205, True),
        ("resource", "cimd-bridge", 3004, True),
        ("resource", "registrar", 3205, False),
        ("client-dynamic", "registrar", 3205, False),
        ("client-dynamic", "registrar-internal", 3205, False),
        ("client-dynamic", "registrar", 3005, True),
        ("client-dynamic", "registrar", 3105, False),
        ("registrar", "cimd-bridge", 3004, True),
        ("registrar", "cimd-bridge", 3104, False),
        ("cimd-bridge", "registrar-internal", 3105, False),
        ("cimd-bridge", "resource", 3101, False),
        ("cimd-bridge", "client-metadata", 3103, False),
        # the provider, whichever it is: one of the two answers no name
        ("cimd-bridge", "localstack", 4666, False),
        ("cimd-bridge", "keycloak", 9000, False),
    ],
)
def test_who_reaches_whom(
    system: System, caller: str, host: str, port: int, expected: bool
) -> None:
    assert system.reaches(caller, host, port) == expected


def test_the_provider_cannot_reach_redis_nor_demo_clients_the_provider(system: System) -> None:
    provider = PROVIDER_HOSTS[system.profile]
    port = 4566 if provider == "localstack" else 8080
    assert system.reaches(provider, "cimd-bridge", 3004)
    for redis in ("redis", *system.addresses("redis")):
        assert not system.reaches(provider, redis, 6379)
    assert system.reaches("cimd-bridge", provider, port)
    for address in (provider, *system.addresses(provider)):
        assert not system.reaches("client-dynamic", address, port)


def test_redis_knows_nobody_without_a_password(system: System) -> None:
    asked = ("redis-cli", "--no-auth-warning")
    assert "NOAUTH" in system.run_in("redis", *asked, "get", "anything").stdout
    as_health = (*asked, "--user", "health", "--pass", "health")
    assert "NOPERM" in system.run_in("redis", *as_health, "get", "anything").stdout


@pytest.mark.parametrize(
    ("service", "command"),
    [
        ("resource", "redis.set('mcp:development:denied', '1')"),
        ("resource", "redis.get('mcp:development:client:somebody')"),
        ("cimd-bridge", "redis.set('mcp:development:client:somebody', '{}')"),
        ("client-dynamic", "redis.get('mcp:development:grant:{somebody}')"),
        ("registrar", "redis.hgetall('mcp:development:{signing-key}:keys')"),
        ("cimd-bridge", "redis.config_get('*')"),
        ("cimd-bridge", "redis.flushall()"),
        ("cimd-bridge", "redis.keys('*')"),
        ("client-dynamic", "redis.scan()"),
        ("client-dynamic", "redis.randomkey()"),
        ("client-dynamic", "redis.delete('mcp:development:client-preregistered:session:a')"),
        ("client-dynamic", "redis.delete('mcp:development:rate:cimd-bridge:a')"),
    ],
)
def test_redis_denies_a_service_what_is_not_its_own(
    system: System, service: str, command: str
) -> None:
    program = (
        "from redis import Redis; from redis.exceptions import NoPermissionError\n"
        "redis = Redis.from_url(open('/run/authstack/redis_url').read().strip())\n"
        f"redis.ping()\ntry:\n  {command}\nexcept NoPermissionError: print('denied')"
    )
    assert system.run_in(service, "python", "-c", program).stdout.strip() == "denied"
