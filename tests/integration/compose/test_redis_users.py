"""The users of compose/users.acl in a real store: what each may, and what nobody may."""

import runpy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import NoPermissionError

from demo_clients.settings import ClientSettings
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace

COMPOSE = Path(__file__).parents[3] / "compose"
INIT = runpy.run_path(str(COMPOSE / "init.py"), run_name="compose_init")
SERVICES = INIT["SERVICES"]
CLIENT_KINDS = {
    "client-preregistered": "preregistered",
    "client-dynamic": "dynamic",
    "client-metadata": "metadata_document",
}


@pytest.fixture
async def users(valkey: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[str]:
    """All of them, each with its name as password; the store's URL."""
    acl = INIT["render_acl"](
        (COMPOSE / "users.acl").read_text(), "test", {name: name for name in SERVICES}
    )
    for line in acl.splitlines():
        _, name, *rules = line.split()
        if name in SERVICES:
            await valkey.execute_command("ACL SETUSER", name, *_grouped(rules))
    yield valkey_url
    await valkey.execute_command("ACL DELUSER", *SERVICES)


def _grouped(rules: list[str]) -> list[str]:
    """A selector in parentheses is one argument."""
    before, opened, selector = " ".join(rules).partition(" (")
    return [*before.split(), f"({selector}"] if opened else before.split()


async def ask(url: str, user: str, *command: str) -> object:
    async with redis.asyncio.Redis.from_url(
        url, username=user, password=user, decode_responses=True
    ) as client:
        return await client.execute_command(*command)


@pytest.mark.requirement("OP1")
@pytest.mark.parametrize("noun", ["client:a", "upstream:a", "upstream:shared:a"])
async def test_the_bridge_renews_what_the_registrar_writes_and_changes_nothing(
    users: str, noun: str
) -> None:
    key = f"mcp:test:{noun}"
    await ask(users, "registrar", "SET", key, "record")
    for command in (("SET", key, "x"), ("DEL", key), ("GETDEL", key), ("PERSIST", key)):
        with pytest.raises(NoPermissionError):
            await ask(users, "cimd-bridge", *command)
    assert await ask(users, "cimd-bridge", "EXPIRE", key, "100") == 1
    assert await ask(users, "cimd-bridge", "GET", key) == "record"


async def test_the_mark_of_a_use_is_the_bridges(users: str) -> None:
    key = "mcp:test:client-used:a"
    assert await ask(users, "cimd-bridge", "SET", key, "1", "EX", "9", "NX") is True
    assert await ask(users, "cimd-bridge", "DEL", key) == 1
    for other in set(SERVICES) - {"cimd-bridge"}:
        with pytest.raises(NoPermissionError):
            await ask(users, other, "SET", key, "1")


@pytest.mark.requirement("OP1")
@pytest.mark.parametrize("user", SERVICES)
async def test_nobody_reads_the_keys_of_another_or_asks_what_administrators_ask(
    users: str, user: str
) -> None:
    foreign = {
        "cimd-bridge": ("context:a", "session:a", "registrations:used"),
        "registrar": ("grant:{a}", "{signing-key}:keys", "session:a"),
        "resource": ("grant:{a}", "client:a", "session:a"),
    }.get(user, ("grant:{a}", "client:a", "context:a"))
    for noun in foreign:
        with pytest.raises(NoPermissionError):
            await ask(users, user, "TTL", f"mcp:test:{noun}")
    for command in (("KEYS", "*"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("ACL", "LIST")):
        with pytest.raises(NoPermissionError):
            await ask(users, user, *command)


@pytest.mark.requirement("OP7")
@pytest.mark.parametrize("user", SERVICES)
@pytest.mark.parametrize("command", ["SCAN 0", "RANDOMKEY", "DBSIZE"])
async def test_only_the_registrar_looks_through_the_names_of_all_keys(
    users: str, user: str, command: str
) -> None:
    """It has to find its records of clients that the provider lost."""
    if (user, command) == ("registrar", "SCAN 0"):
        assert await ask(users, user, *command.split())
    else:
        with pytest.raises(NoPermissionError):
            await ask(users, user, *command.split())


def service_name(client: str) -> str:
    """What a demo client calls itself in its keys."""
    given = {
        "client_kind": CLIENT_KINDS[client],
        "port": "3002",
        "public_url": "http://localhost:3002",
        "redis_url": "redis://x",
        "session_keys": KeyRing.generate("k1"),
        "preregistered_client_id": "a",
        "preregistered_client_secret": "b",
    }
    settings = ClientSettings.model_validate(given)
    assert settings.keyspace == Keyspace(settings.environment, settings.service_name)
    return settings.service_name


@pytest.mark.requirement("OP7")
@pytest.mark.parametrize("client", CLIENT_KINDS)
async def test_a_demo_client_has_keys_of_its_own_and_no_others(users: str, client: str) -> None:
    for owner in CLIENT_KINDS:
        keyspace = Keyspace("test", service_name(owner))
        for noun in ("session", "timeline", "timeline-roll", "client-registration", "rate"):
            command = ("SET", keyspace.key(noun, "a"), "1")
            if owner == client:
                assert await ask(users, client, *command) is True
            else:
                with pytest.raises(NoPermissionError):
                    await ask(users, client, *command)


@pytest.mark.requirement("OP7")
@pytest.mark.parametrize("owner", ["cimd-bridge", "registrar"])
async def test_nobody_resets_the_limits_of_another(users: str, owner: str) -> None:
    key = Keyspace("test").key("rate", owner, "LIMITER")
    assert await ask(users, owner, "SET", key, "1") is True
    for other in set(SERVICES) - {owner}:
        with pytest.raises(NoPermissionError):
            await ask(users, other, "DEL", key)
