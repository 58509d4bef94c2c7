"""Profile localstack: registrations are in the emulator's DynamoDB, and copied to Redis."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import pytest
from compose.conftest import ISSUER, RESOURCE
from compose.containers import System
from compose.visitor import a_visitor

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
FORGET = """
import pathlib, sys, redis
store = redis.Redis.from_url(pathlib.Path("/run/authstack/redis_url").read_text().strip())
print(store.delete(f"mcp:development:client:{sys.argv[1]}"))
"""


@pytest.fixture(autouse=True)
def only_localstack(system: System) -> None:
    if system.profile != "localstack":
        pytest.skip("registrations are in Redis alone")


async def registered() -> str:
    async with a_visitor() as visitor:
        answer = await visitor.register()
    assert answer.status == 201, answer
    return str(answer.body["client_id"])


async def is_known(client_id: str) -> bool:
    """The bridge shows its consent page to clients that it knows, and an error to all others."""
    asked = {
        "client_id": client_id,
        "redirect_uri": "http://127.0.0.1/callback",
        "response_type": "code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "resource": RESOURCE,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{ISSUER}/authorize?{urlencode(asked)}") as answer,
    ):
        assert answer.status in {200, 400}, await answer.text()
        return answer.status == 200


def forget_copy(system: System, client_id: str) -> None:
    done = system.run_in("registrar", "python", "-c", FORGET, client_id)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


async def test_a_registration_outlives_its_copy_in_redis(system: System) -> None:
    client_id = await registered()
    forget_copy(system, client_id)
    assert await is_known(client_id)
    assert not await is_known(client_id[:-1])
    forget_copy(system, client_id)  # the miss brought it back


async def test_registrations_come_back_when_the_emulator_was_killed(system: System) -> None:
    client_id = await registered()
    killed_at = datetime.now(UTC)
    system.compose("kill", "--signal", "SIGKILL", "localstack")
    assert await is_known(client_id)
    system.up("localstack")
    refilled = system.wait_for_event("registrar", "registrations_refilled", since=killed_at)
    assert refilled["written"] == refilled["found"] > 0
    forget_copy(system, client_id)
    assert await is_known(client_id)
