"""The users of compose/users.acl in a real store: what each may, and what nobody may."""

import runpy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import NoPermissionError

COMPOSE = Path(__file__).parents[3] / "compose"
INIT = runpy.run_path(str(COMPOSE / "init.py"), run_name="compose_init")
SERVICES = INIT["SERVICES"]


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
