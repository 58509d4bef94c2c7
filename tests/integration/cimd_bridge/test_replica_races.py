"""Several bridge processes on one real Valkey: races that a single process cannot show."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cimd_bridge.records.codes import Codes
from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grant import Grant, UpstreamTokens
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.outcomes import Redeemed, Reused
from cimd_bridge.records.store import RecordStore
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.rules.client_metadata import ClientMetadata
from oauth_kit.rules.pkce import challenge_of

NOW = 1_800_000_000
CLIENT_ID = "dcr-4f1d"
VERIFIER = "v" * 43
REDIRECT = "http://127.0.0.1/callback"
RING = KeyRing.generate("k1")


async def run_replicas(valkey_url: str, calls: list[list[str]]) -> list[Any]:
    """Run one process a call, let them go together, and return what each got."""
    script = str(Path(__file__).with_name("replica.py"))
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, script, valkey_url, RING, *call),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for call in calls
    ]
    for process in processes:
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * len(calls)
    return [json.loads(output.splitlines()[-1]) for output, _ in answers]


@pytest.fixture
def store(valkey) -> RecordStore:
    return RecordStore.under(KeyRing.parse(RING), valkey, Keyspace("test"))


@pytest.fixture
async def session(store) -> tuple[Grant, str]:
    metadata = ClientMetadata.from_document(
        {
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "client_name": "Client",
        }
    )
    grant = Grant(
        gid=new_id(),
        client=Client(client_id=CLIENT_ID, kind="registered", metadata=metadata),
        subject="sub-1",
        scopes=("mcp-api/read",),
        resource="http://localhost:3001/mcp",
        upstream_client_id=None,
        provider_generation="pool-1",
        upstream_session=None,
        created_at=NOW,
        upstream_checked_at=NOW,
    )
    code = await Grants(store, Denials(store)).open(
        grant,
        UpstreamTokens("upstream"),
        code_secret=new_secret(),
        redirect_uri=REDIRECT,
        code_challenge=challenge_of(VERIFIER),
        now=NOW,
    )
    redeemed = await Codes(store).redeem(
        code,
        client_id=CLIENT_ID,
        redirect_uri=REDIRECT,
        code_verifier=VERIFIER,
        resource=None,
        first_refresh_secret=new_secret(),
        now=NOW,
    )
    assert isinstance(redeemed, Redeemed)
    assert redeemed.refresh_token is not None
    return grant, redeemed.refresh_token


@pytest.mark.requirement("TK20")
async def test_fifty_refreshes_over_four_processes_give_one_successor(valkey_url, store, session):
    _, token = session
    calls = [["rotate", token, str(count), str(NOW)] for count in (13, 13, 12, 12)]
    found = [tuple(one) for answer in await run_replicas(valkey_url, calls) for one in answer]
    kinds = [kind for kind, _ in found]
    assert (kinds.count("Rotated"), kinds.count("Grace")) == (1, 49)
    (successor,) = {refresh_token for _, refresh_token in found}

    (((kind, _),),) = await run_replicas(valkey_url, [["rotate", successor, "1", str(NOW)]])
    assert kind == "Rotated"


@pytest.mark.requirement("TK19", "TK20")
async def test_a_replay_after_the_grace_kills_the_family_for_every_process(
    valkey_url, store, session
):
    grant, token = session
    late = str(NOW + 11)
    (((_, successor),),) = await run_replicas(valkey_url, [["rotate", token, "1", str(NOW)]])
    (replays,) = await run_replicas(valkey_url, [["rotate", token, "1", late]])
    assert replays == [["Reused", ""]]
    (newest,) = await run_replicas(valkey_url, [["rotate", successor, "1", late]])
    assert newest == [["Reused", ""]]
    grants = Grants(store, Denials(store))
    assert not await grants.alive(grant.gid, now=NOW + 11)
    found = await grants.inspect_refresh(successor, CLIENT_ID, now=NOW + 11)
    assert found == Reused(grant)


@pytest.mark.requirement("OP8")
async def test_four_processes_that_start_together_agree_on_one_signing_key(valkey_url, valkey):
    kids = await run_replicas(valkey_url, [["sign"]] * 4)
    assert len(set(kids)) == 1
    assert await valkey.keys("*") == ["mcp:test:{signing-key}:keys"]
