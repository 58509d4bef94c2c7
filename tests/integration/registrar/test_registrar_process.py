"""The registrar as it runs: its ports, its store, its identity provider."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from sys import executable
from typing import Any

import aiohttp
import pytest
import redis.asyncio
from fakes.processes import free_ports, has_ended

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.providers.catalog import ProviderFile
from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.records.upstream_client import UpstreamClientSealer, upstream_key
from registrar.app_client_names import AppClientNames
from registrar.directories.catalog import directory_catalog
from registrar.directories.port import AppClientRequest, ClientDirectory

BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}
REGISTRATION = {"redirect_uris": ["http://localhost:3000/callback"], "client_name": "A client"}
REQUIRED = {
    "REDIS_URL": "unix:///nowhere/valkey.sock",
    "INTERNAL_TOKEN": "internal-token-of-the-tests-0123456789",
    "UPSTREAM_KEYS": KeyRing.generate("k1"),
    "PROVIDER_FILE": "/nowhere/provider.json",
}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def directory(emulator: Any) -> ClientDirectory:
    found = directory_catalog("")(ProviderFile(emulator.provider_file).current())
    assert found is not None
    return found


def upstream_request(client_id: str, **changes: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "fingerprint": hashlib.sha256(client_id.encode()).hexdigest(),
        "name": "A client",
        "subject": hashlib.sha256(client_id.encode()).hexdigest(),
        **changes,
    }


async def dump(store: redis.asyncio.Redis) -> str:
    """Every key and value in clear text, whatever its type."""
    found: list[object] = []
    async for key in store.scan_iter():
        kind = await store.type(key)
        if kind == "string":
            found.append((key, await store.get(key)))
        elif kind == "zset":
            found.append((key, await store.zrange(key, 0, -1, withscores=True)))
        else:
            found.append((key, kind))
    return json.dumps(found)


async def test_each_port_serves_its_own_paths_only(start_registrar: Any, http: Any) -> None:
    with start_registrar() as registrar:
        table = {
            ("POST", "/register"): {registrar.public},
            ("GET", "/internal/clients/mcp-x"): {registrar.internal},
            ("POST", "/internal/clients/mcp-x/used"): {registrar.internal},
            ("POST", "/internal/upstream-clients"): {registrar.internal},
            ("GET", "/livez"): {registrar.management},
            ("GET", "/readyz"): {registrar.management},
        }
        for (method, path), served_by in table.items():
            for port in (registrar.public, registrar.internal, registrar.management):
                async with http.request(method, port + path, data=b"{}") as answer:
                    served = answer.status != 404
                    assert served == (port in served_by), (method, path, port)


async def test_what_was_registered_is_what_the_bridge_reads(
    start_registrar: Any, http: Any, valkey: redis.asyncio.Redis
) -> None:
    with start_registrar() as registrar:
        async with http.post(f"{registrar.public}/register", json=REGISTRATION) as answer:
            assert answer.status == 201
            told = await answer.json()
        url = f"{registrar.internal}/internal/clients/{told['client_id']}"
        async with http.get(url, headers=BEARER) as answer:
            read = Client.from_json(await answer.text())
        stored = await valkey.get(f"mcp:production:client:{told['client_id']}")
        assert isinstance(stored, str)
        assert read == Client.from_json(stored)
        assert read.metadata.client_name == "A client"


@pytest.mark.requirement("REG23")
async def test_a_dump_of_the_store_and_the_log_hold_no_secret(
    start_registrar: Any,
    http: Any,
    valkey: redis.asyncio.Redis,
    emulator: Any,
    upstream_ring: KeyRing,
) -> None:
    with start_registrar(PROVIDER_FILE=str(emulator.provider_file), RATE_LIMITS="on") as registrar:
        async with http.post(
            f"{registrar.public}/register",
            json={**REGISTRATION, "contacts": ["someone@client.example"]},
        ) as answer:
            told = await answer.json()
        async with http.post(
            f"{registrar.internal}/internal/upstream-clients",
            json=upstream_request(told["client_id"]),
            headers=BEARER,
        ) as answer:
            assert (await answer.json())["status"] == "created"
        key = upstream_key(Keyspace("production"), told["client_id"])
        sealed = await valkey.get(key)
        assert isinstance(sealed, str)
        upstream = UpstreamClientSealer(upstream_ring).open(sealed, key)
        in_clear = await dump(valkey) + registrar.log.read_text()
    provider = ProviderFile(emulator.provider_file).current()
    for secret in (
        told["client_secret"],
        upstream.client_secret,
        provider.client_secret,
        "someone@client.example",
        "internal-token-of-the-tests-0123456789",
    ):
        assert secret not in in_clear


async def test_two_processes_and_twenty_calls_make_one_app_client(
    start_registrar: Any,
    http: Any,
    valkey: redis.asyncio.Redis,
    emulator: Any,
    directory: ClientDirectory,
) -> None:
    provider_file = str(emulator.provider_file)
    before = len(await directory.list())
    with (
        start_registrar(PROVIDER_FILE=provider_file, RECONCILE_APP_CLIENTS="off") as first,
        start_registrar(PROVIDER_FILE=provider_file, RECONCILE_APP_CLIENTS="off") as second,
    ):

        async def ask(registrar: Any) -> dict[str, str]:
            async with http.post(
                f"{registrar.internal}/internal/upstream-clients",
                json=upstream_request("https://client.example/client.json"),
                headers=BEARER,
            ) as answer:
                assert answer.status == 200
                told: dict[str, str] = await answer.json()
                return told

        told = await asyncio.gather(*(ask(each) for each in [first, second] * 10))
    assert sorted(each["status"] for each in told) == ["created"] + ["exists"] * 19
    assert len({each["upstream_client_id"] for each in told}) == 1
    assert len(await directory.list()) == before + 1


@pytest.mark.requirement("REG20")
async def test_orphans_are_deleted_at_start_and_nothing_else(
    start_registrar: Any,
    http: Any,
    valkey: redis.asyncio.Redis,
    emulator: Any,
    directory: ClientDirectory,
    upstream_ring: KeyRing,
) -> None:
    names = AppClientNames.of(upstream_ring)
    callback = "http://localhost:3004/callback"
    request = AppClientRequest(names.name("Left behind", "0" * 32), callback, ("openid",))
    orphan = await directory.create(request)
    theirs = await directory.create(AppClientRequest("mcp somebody", callback, ("openid",)))
    with start_registrar(PROVIDER_FILE=str(emulator.provider_file)) as registrar:
        for _ in range(100):
            events = {event["event"] for event in registrar.events()}
            if "app_clients_reconciled" in events:
                break
            assert not has_ended(registrar.process, within_seconds=0.1)
        left = {client.client_id for client in await directory.list()}
    assert orphan.client_id not in left
    assert theirs.client_id in left
    assert ProviderFile(emulator.provider_file).current().client_id in left


async def test_a_store_that_is_away_is_503_until_it_answers(
    start_registrar: Any, http: Any
) -> None:
    with start_registrar(REDIS_URL="unix:///nowhere/valkey.sock", RATE_LIMITS="on") as registrar:
        async with http.post(f"{registrar.public}/register", json=REGISTRATION) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert (await answer.json())["error"] == "temporarily_unavailable"
        for method, path in [
            ("GET", "/internal/clients/mcp-x"),
            ("POST", "/internal/clients/mcp-x/used"),
        ]:
            async with http.request(method, registrar.internal + path, headers=BEARER) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "5"
        async with http.get(f"{registrar.management}/readyz") as answer:
            assert answer.status == 503


async def test_the_limit_is_shared_by_processes(
    start_registrar: Any, http: Any, valkey: redis.asyncio.Redis
) -> None:
    limits = {"RATE_LIMITS": "on", "REGISTRATION_LIMIT": "4/minute"}
    statuses = []
    with start_registrar(**limits) as first, start_registrar(**limits) as second:
        for registrar in [first, second] * 3:
            async with http.post(f"{registrar.public}/register", json=REGISTRATION) as answer:
                statuses.append(answer.status)
    assert statuses == [201] * 4 + [429] * 2


async def test_sigterm_ends_it_in_peace(start_registrar: Any) -> None:
    with start_registrar() as registrar:
        registrar.process.send_signal(signal.SIGTERM)
        assert has_ended(registrar.process, within_seconds=15)
        assert registrar.process.returncode == 0


def run_registrar(environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [executable, "-m", "registrar"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_every_problem_of_the_settings_is_told_at_once(tmp_path: Path) -> None:
    ended = run_registrar({"PORT": "none", "REGISTRATION_LIMIT": "often"}, tmp_path)
    assert ended.returncode == 2
    for name in ("PORT", "REDIS_URL", "INTERNAL_TOKEN", "UPSTREAM_KEYS", "REGISTRATION_LIMIT"):
        assert f"{name}: " in ended.stderr


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        ended = run_registrar({**REQUIRED, "PORT": str(port)}, tmp_path)
    assert ended.returncode == 1
    assert "cannot listen" in ended.stderr


def test_secrets_come_from_files(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "internal_token").write_text("from-a-file-0123456789-0123456789\n")
    (secrets / "upstream_keys").write_text(KeyRing.generate("k1") + "\n")
    rest = {name: REQUIRED[name] for name in ("REDIS_URL", "PROVIDER_FILE")}
    ended = run_registrar({**rest, "SECRETS_DIR": str(secrets), "PORT": "0"}, tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == ["PORT: Input should be greater than or equal to 1"]
