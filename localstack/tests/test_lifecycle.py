"""Start, stop, crash: what is refused, what is kept, what is forgotten."""

import json
import os
import select
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.integration

TABLE = "mcp-authstack-registrations"
EVERYWHERE = "0.0.0.0"  # noqa: S104


def ended(emulator: Any) -> tuple[int, list[str]]:
    """Exit status and the lines on stderr of an emulator that ends by itself."""
    return emulator.process.wait(30), emulator.lines


@pytest.mark.parametrize("name", ["PORT", "MANAGEMENT_PORT"])
def test_a_port_in_use_stops_the_start_with_one_line(
    environment: dict[str, str], start: Any, name: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with start({**environment, name: port}) as emulator:
            status, lines = ended(emulator)
    assert status == 1
    assert lines == [f"cognito-emulator: {name} {port} on 127.0.0.1: Address already in use\n"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"PORT": "http"}, ["PORT"]),
        ({"PORT": "0"}, ["PORT"]),
        ({"PORT": "70000"}, ["PORT"]),
        ({"PORT": "5000", "MANAGEMENT_PORT": "5000"}, ["MANAGEMENT_PORT"]),
        ({"PUBLIC_URL": "localhost:4566"}, ["PUBLIC_URL"]),
        ({"PUBLIC_URL": "http://localhost:4566/"}, ["PUBLIC_URL"]),
        ({"PUBLIC_URL": "ftp://x", "SERVER_URL": "http://", "REGION": "x"}, ["PUBLIC_URL",
                                                                            "SERVER_URL",
                                                                            "REGION"]),
        ({"POOL_NAME": "a/b"}, ["POOL_NAME"]),
    ],
)  # fmt: skip
def test_bad_settings_are_named_together_in_one_line(
    environment: dict[str, str], start: Any, changes: dict[str, str], named: list[str]
) -> None:
    with start({**environment, **changes}) as emulator:
        status, lines = ended(emulator)
    assert status == 2
    assert len(lines) == 1
    assert all(name in lines[0] for name in named)


@pytest.mark.parametrize(
    "changes",
    [
        {"BRIDGE_CALLBACK_URL": "http://evil.example/callback"},
        {"DEMO_PASSWORD": "short"},
    ],
)
def test_a_seed_that_cognito_refuses_stops_the_start(
    environment: dict[str, str], start: Any, changes: dict[str, str]
) -> None:
    with start({**environment, **changes}) as emulator:
        status, lines = ended(emulator)
        assert status == 1
        assert lines[-1].startswith("cognito-emulator: the seed failed: ")
        assert "Invalid" in lines[-1]
        assert not (emulator.state_dir / "provider.json").exists()


def test_a_state_directory_belongs_to_one_emulator(
    environment: dict[str, str], start: Any, emulator: Any
) -> None:
    with start({**environment, "STATE_DIR": str(emulator.state_dir)}) as second:
        status, lines = ended(second)
    assert (status, len(lines)) == (1, 1)
    assert "STATE_DIR is in use" in lines[0]


def test_a_state_directory_that_cannot_be_made_stops_the_start(
    environment: dict[str, str], start: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with start({**environment, "STATE_DIR": str(tmp_path / "file" / "state")}) as emulator:
        status, lines = ended(emulator)
    assert (status, len(lines)) == (1, 1)
    assert "STATE_DIR cannot be used" in lines[0]


def test_it_listens_on_loopback_only_and_on_no_other_port(emulator: Any) -> None:
    (ministack,) = emulator.children()
    ours, its = listeners(emulator.process.pid), listeners(ministack)
    expected = {int(emulator.environment[name]) for name in ("PORT", "MANAGEMENT_PORT")}
    assert ours == {("127.0.0.1", port) for port in expected}
    assert {host for host, _ in its} == {"127.0.0.1"}
    assert len(its) == 1


def test_bind_host_opens_the_public_port_alone(environment: dict[str, str], start: Any) -> None:
    with start({**environment, "BIND_HOST": EVERYWHERE}) as emulator:
        hosts = {port: host for host, port in listeners(emulator.process.pid)}
    names = ("PORT", "MANAGEMENT_PORT")
    assert [hosts[int(environment[name])] for name in names] == [EVERYWHERE, "127.0.0.1"]


def listeners(pid: int) -> set[tuple[str, int]]:
    """Addresses that a process listens on, IPv4 and IPv6, by Linux's own tables."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(entry)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                address, port = columns[1].split(":")
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                found.add((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
    return found


async def test_the_management_port_answers_alone(emulator: Any, http: Any) -> None:
    for path in ("/livez", "/readyz"):
        async with http.get(emulator.management_url + path) as answer:
            assert answer.status == 200
        async with http.get(emulator.url + path) as answer:
            assert answer.status == 404
    async with http.get(emulator.management_url + "/oauth2/authorize") as answer:
        assert answer.status == 404


def test_memory_stays_small(emulator: Any) -> None:
    kilobytes = 0
    for pid in (emulator.process.pid, *emulator.children()):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kilobytes += next(int(r.split()[1]) for r in rollup.splitlines() if r.startswith("Pss:"))
    assert kilobytes < 150 * 1024


def test_what_is_written_is_readable_by_the_owner_only(emulator: Any) -> None:
    assert stat.S_IMODE((emulator.state_dir / "provider.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(emulator.state_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((emulator.state_dir / "ministack").stat().st_mode) == 0o700


def test_provider_json_says_all_that_a_bridge_needs(emulator: Any) -> None:
    provider = emulator.provider
    pool_id, server = provider["pool_id"], emulator.url
    browser = server.replace("127.0.0.1", "localhost")
    generation = provider.pop("generation")
    client_id, secret = provider.pop("client_id"), provider.pop("client_secret")
    assert provider.pop("domain").startswith("mcp-authstack-")
    assert provider == {
        "provider": "cognito",
        "pool_id": pool_id,
        "region": "us-east-1",
        "issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}",
        "authorize_url": f"{browser}/oauth2/authorize",
        "token_url": f"{server}/oauth2/token",
        "jwks_url": f"{server}/{pool_id}/.well-known/jwks.json",
        "revoke_url": f"{server}/oauth2/revoke",
        "logout_url": f"{browser}/logout",
        "endpoint_url": server,
    }
    assert generation.startswith(f"{pool_id}:")
    assert generation.rpartition(":")[2].isdigit()
    assert client_id
    assert secret


def test_the_seed_makes_the_world_of_the_design(emulator: Any, cognito: Any) -> None:
    provider = emulator.provider
    pool = provider["pool_id"]
    described = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert (described["Name"], described["UserPoolTier"]) == ("mcp-authstack", "ESSENTIALS")
    server = cognito.describe_resource_server(UserPoolId=pool, Identifier="mcp-api")
    scopes = [scope["ScopeName"] for scope in server["ResourceServer"]["Scopes"]]
    assert scopes == ["read", "write"]
    client = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=provider["client_id"])
    wanted = {
        "ClientName": "mcp-authstack-bridge",
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "profile", "email"],
        "CallbackURLs": ["http://localhost:3004/callback"],
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
        "RefreshTokenValidity": 100,
    }
    assert wanted.items() <= client["UserPoolClient"].items()
    user = cognito.admin_get_user(UserPoolId=pool, Username="demo@example.com")
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]


def seed(emulator: Any, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the seed by hand against a running emulator."""
    return subprocess.run(
        [emulator.process.args[0], "-m", "cognito_emulator.seed"],
        env={**emulator.environment, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_seeding_again_changes_only_what_differs(environment: dict[str, str], start: Any) -> None:
    with start(environment) as emulator:
        before = emulator.provider
        stamp = (emulator.state_dir / "provider.json").stat().st_mtime_ns
        named = {"UserPoolId": before["pool_id"], "ClientId": before["client_id"]}
        cognito = emulator.aws()
        old = cognito.describe_user_pool_client(**named)["UserPoolClient"]
        assert seed(emulator).returncode == 0
        assert cognito.describe_user_pool_client(**named)["UserPoolClient"] == old
        assert (emulator.state_dir / "provider.json").stat().st_mtime_ns == stamp
        assert len(cognito.list_user_pools(MaxResults=60)["UserPools"]) == 1
        listed = cognito.list_user_pool_clients(UserPoolId=before["pool_id"], MaxResults=60)
        assert len(listed["UserPoolClients"]) == 1
        moved = "http://localhost:4004/callback"
        assert seed(emulator, BRIDGE_CALLBACK_URL=moved).returncode == 0
        new = cognito.describe_user_pool_client(**named)["UserPoolClient"]
        assert emulator.provider == before
    assert new.pop("CallbackURLs") == [moved]
    del old["CallbackURLs"], old["LastModifiedDate"], new["LastModifiedDate"]
    assert new == old


async def test_a_graceful_restart_keeps_pool_clients_tokens_and_sessions(
    environment: dict[str, str], start: Any, http: aiohttp.ClientSession, bridge: Any
) -> None:
    bridge.session = http
    with start(environment) as first:
        own(bridge, first)
        tokens, waiting = await bridge.tokens(), await bridge.code()
        revoked = await bridge.tokens()
        await bridge.post("/oauth2/revoke", {"token": revoked["refresh_token"]})
        registration = {"client_id": {"S": "mcp-kept"}, "client": {"S": "{}"}}
        dynamodb = first.aws("dynamodb")
        dynamodb.put_item(TableName=TABLE, Item=registration)
        table_id = dynamodb.describe_table(TableName=TABLE)["Table"]["TableId"]
        before = first.provider
        assert first.end() == 0
        saved = (first.state_dir / "front.json").read_text()
    for secret in (tokens["refresh_token"], waiting, revoked["refresh_token"]):
        assert secret not in saved
    with start(environment) as second:
        assert second.provider == before
        assert (await bridge.refresh(tokens["refresh_token"])).status == 200
        assert (await bridge.refresh(revoked["refresh_token"])).status == 400
        assert (await bridge.redeem(waiting)).status == 200
        assert "code" in (await bridge.authorize(prompt="none")).query
        dynamodb = second.aws("dynamodb")
        assert dynamodb.describe_table(TableName=TABLE)["Table"]["TableId"] == table_id
        kept = dynamodb.get_item(TableName=TABLE, Key={"client_id": {"S": "mcp-kept"}})
        assert kept["Item"] == registration
        expiry = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
        assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def own(visitor: Any, emulator: Any) -> None:
    """Let the visitor use this emulator's seeded client."""
    visitor.emulator = emulator
    visitor.client_id = emulator.provider["client_id"]
    visitor.secret = emulator.provider["client_secret"]


async def test_a_killed_emulator_forgets_everything_and_seeds_a_new_generation(
    environment: dict[str, str], start: Any, bridge: Any
) -> None:
    with start(environment) as graceful:
        own(bridge, graceful)
        tokens = await bridge.tokens()
        old = graceful.provider
        assert graceful.end() == 0
    with start(environment) as killed:
        assert killed.provider["generation"] == old["generation"]
        table = killed.aws("dynamodb").describe_table(TableName=TABLE)["Table"]
        (ministack,) = killed.children()
        assert killed.end(signal.SIGKILL) == -signal.SIGKILL
        assert ends(ministack)
    with start(environment) as anew:
        new = anew.provider
        assert new["generation"] != old["generation"]
        assert new["pool_id"] != old["pool_id"]
        table_anew = anew.aws("dynamodb").describe_table(TableName=TABLE)["Table"]
        assert table_anew["TableId"] != table["TableId"]
        assert (await bridge.refresh(tokens["refresh_token"])).json()["error"] == "invalid_client"
        own(bridge, anew)
        assert (await bridge.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await bridge.authorize(prompt="none")).query["error"] == "login_required"
        keys = anew.state_dir / "ministack" / "cognito-pool-keys"
        assert not list(keys.glob(f"{old['pool_id']}-*"))


def test_a_ministack_that_dies_ends_the_emulator_with_one_clear_line(
    environment: dict[str, str], start: Any
) -> None:
    with start(environment) as emulator:
        generation = emulator.provider["generation"]
        (ministack,) = emulator.children()
        os.kill(ministack, signal.SIGKILL)
        status, lines = ended(emulator)
        assert status == 1
        assert lines[-1].startswith("cognito-emulator: MiniStack died (signal 9)")
    with start(environment) as anew:
        assert anew.provider["generation"] != generation


def ends(pid: int) -> bool:
    """Does this process, which is no child of ours, end?"""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


def test_half_a_state_is_no_state(environment: dict[str, str], start: Any) -> None:
    generations = []
    for name in ("front.json", "ministack/cognito.json"):
        with start(environment) as emulator:
            generations.append(emulator.provider["generation"])
            emulator.end()
            (emulator.state_dir / name).unlink()
    with start(environment) as emulator:
        generations.append(emulator.provider["generation"])
    assert len(set(generations)) == 3


def test_control_c_leaves_no_process_and_no_traceback(
    environment: dict[str, str], start: Any
) -> None:
    with start(environment) as emulator:
        (ministack,) = emulator.children()
        assert emulator.end(signal.SIGINT) == 0
        assert ends(ministack)
    assert all(json.loads(line)["event"] for line in emulator.lines)


async def test_a_stop_during_the_start_is_clean_and_keeps_the_saved_state(
    environment: dict[str, str], start: Any
) -> None:
    with start(environment) as first:
        generation = first.provider["generation"]
        assert first.end() == 0
    with start(environment, until='"event": "starting"') as second:
        assert second.end() == 0
        assert all(json.loads(line)["event"] for line in second.lines)
    with start(environment) as third:
        assert third.provider["generation"] == generation


async def test_logs_and_files_hold_no_password_code_token_or_secret(
    environment: dict[str, str], start: Any, bridge: Any
) -> None:
    with start(environment) as emulator:
        own(bridge, emulator)
        code = await bridge.code(state="state-of-the-app", nonce="nonce-of-the-app")
        tokens = (await bridge.redeem(code)).json()
        await bridge.refresh(tokens["refresh_token"])
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        await bridge.request("GET", "/oauth2/userInfo", headers=headers)
        bridge.password = "Wrong-Passw0rd-1!"
        await bridge.log_in(prompt="login")
        cookies = [cookie.value for cookie in bridge.session.cookie_jar]
        with pytest.raises(ClientError):
            emulator.aws().describe_user_pool(UserPoolId="us-east-1_secretpool")
        emulator.end()
        its_log = (emulator.state_dir / "ministack" / "ministack.log").read_text()
    log = "".join(emulator.lines) + its_log
    secrets = [code, *tokens.values(), bridge.secret, "Demo-Passw0rd-1!", bridge.password]
    secrets += [*cookies, "state-of-the-app", "nonce-of-the-app", "demo@example.com"]
    for secret in secrets:
        assert str(secret) not in log or secret in (3600, "Bearer")
    assert log.count('"event": "request_handled"') > 10
