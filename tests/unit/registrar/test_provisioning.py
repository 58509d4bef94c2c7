"""Upstream clients: what must not be made, what is made once, what failures leave behind."""

import asyncio
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError

from oauth_kit.providers.catalog import ProviderConfig
from oauth_kit.records.upstream_client import UpstreamClient, upstream_key
from oauth_kit.rules.errors import OAuthError
from registrar.directories.port import AppClientRequest, DirectoryError, DirectoryFullError
from registrar.upstream_clients import PROPOSAL_SECONDS, UpstreamClients

BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}
ALICE, BOB = "a" * 64, "b" * 64
SHARED = "sharedclientid"
BUDGET_EVENTS = ("app_client_budget_low", "app_client_budget_spent")


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def ask(registrar: Any, client_id: str = "mcp-1", **changes: Any) -> Any:
    return await registrar.http.post(
        "/internal/upstream-clients",
        json={
            "client_id": client_id,
            "fingerprint": fingerprint(client_id),
            "name": "Claude Code (contexts)",
            "subject": ALICE,
            **changes,
        },
        headers=BEARER,
    )


async def provided(registrar: Any, client_id: str = "mcp-1", **changes: Any) -> dict[str, str]:
    answer = await ask(registrar, client_id, **changes)
    assert answer.status == 200, await answer.text()
    told: dict[str, str] = await answer.json()
    return told


async def kept(registrar: Any, client_id: str = "mcp-1") -> UpstreamClient | None:
    key = upstream_key(registrar.settings.keyspace, client_id)
    sealed = await registrar.redis.get(key)
    return None if sealed is None else registrar.sealer.open(sealed, key)


async def upstream_keys(registrar: Any) -> list[str]:
    found = await registrar.redis.keys("*:upstream:*")
    return [key for key in found if ":count:" not in key]


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize(
    "failure",
    [
        DirectoryError("TooManyRequestsException"),
        DirectoryError("InternalErrorException", may_have_happened=True),
        DirectoryError("ReadTimeoutError", may_have_happened=True),
        DirectoryFullError("LimitExceededException"),
    ],
    ids=lambda failure: failure.reason,
)
async def test_a_failing_directory_leaves_the_client_shared(
    registrar: Any, failure: DirectoryError
) -> None:
    registrar.directory.failures["create"] = [failure]
    assert await provided(registrar) == {"status": "shared", "upstream_client_id": SHARED}
    assert registrar.directory.clients == {}
    assert await upstream_keys(registrar) == []


@pytest.mark.requirement("REG20")
async def test_a_client_made_behind_a_lost_answer_is_removed(registrar: Any) -> None:
    registrar.directory.failures["create"] = [
        DirectoryError("ReadTimeoutError", may_have_happened=True)
    ]
    registrar.directory.makes_before_failing = True
    assert (await provided(registrar))["status"] == "shared"
    assert registrar.directory.calls[-2:] == ["find", "delete"]
    assert registrar.directory.clients == {}


@pytest.mark.requirement("REG20")
async def test_a_failing_count_leaves_the_client_shared(registrar: Any) -> None:
    registrar.directory.failures["list"] = [DirectoryError("InternalErrorException")]
    assert (await provided(registrar))["status"] == "shared"
    assert "create" not in registrar.directory.calls


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize("written", [True, False])
async def test_a_store_that_fails_after_creation_undoes_it(
    registrar: Any, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """The connection breaks before the commands arrive, or before their answer does."""
    execute = Pipeline.execute

    async def breaking(self: Any, *arguments: Any, **options: Any) -> Any:
        if registrar.directory.clients:
            monkeypatch.undo()
            if written:
                await execute(self, *arguments, **options)
            raise RedisConnectionError("lost")
        return await execute(self, *arguments, **options)

    monkeypatch.setattr(Pipeline, "execute", breaking)
    answer = await ask(registrar)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    assert registrar.directory.clients == {}
    key = upstream_key(registrar.settings.keyspace, "mcp-1")
    assert await registrar.redis.ttl(key) <= PROPOSAL_SECONDS


@pytest.mark.requirement("REG20")
async def test_an_undoing_that_fails_as_well_is_survived(
    registrar: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(self: Any, client_id: str, upstream: UpstreamClient) -> None:
        raise OAuthError("temporarily_unavailable", "The service cannot reach its store")

    monkeypatch.setattr(UpstreamClients, "propose", failing)
    registrar.directory.failures["delete"] = [DirectoryError("InternalErrorException")]
    answer = await ask(registrar)
    assert answer.status == 503


@pytest.mark.requirement("REG18")
async def test_a_user_causes_five_upstream_clients_at_most(registrar: Any) -> None:
    for n in range(5):
        assert (await provided(registrar, f"mcp-{n}"))["status"] == "created"
    answer = await ask(registrar, "mcp-5")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert len(registrar.directory.clients) == 5
    assert (await provided(registrar, "mcp-5", subject=BOB))["status"] == "created"


async def test_a_user_at_the_limit_still_uses_what_exists(registrar: Any) -> None:
    for n in range(5):
        await provided(registrar, f"mcp-{n}")
    assert (await provided(registrar, "mcp-4"))["status"] == "exists"
    shared = await provided(registrar, "mcp-other", fingerprint=fingerprint("mcp-4"))
    assert shared["status"] == "exists"


async def test_many_at_once_do_not_pass_the_users_limit(registrar: Any) -> None:
    answers = await asyncio.gather(*(ask(registrar, f"mcp-{n}") for n in range(12)))
    created = [answer for answer in answers if answer.status == 200]
    assert len(created) <= 5
    assert len(registrar.directory.clients) == len(created)


async def test_a_failure_is_not_charged_to_the_user(start_registrar: Any) -> None:
    registrar = await start_registrar(upstream_clients_per_subject=1)
    registrar.directory.failures["create"] = [DirectoryError("InternalErrorException")]
    assert (await provided(registrar))["status"] == "shared"
    assert (await provided(registrar, "mcp-2"))["status"] == "created"


@pytest.mark.requirement("REG18")
async def test_a_user_has_a_rate_as_well(start_registrar: Any) -> None:
    registrar = await start_registrar(rate_limits="on", upstream_subject_limit="2/hour")
    statuses = [(await ask(registrar, f"mcp-{n}")).status for n in range(3)]
    assert statuses == [200, 200, 429]
    assert len(registrar.directory.clients) == 2


@pytest.mark.parametrize(
    ("existing", "status", "warning"),
    [
        (0, "created", None),
        (15, "created", None),
        (16, "created", "app_client_budget_low"),
        (18, "created", "app_client_budget_low"),
        (19, "shared", "app_client_budget_spent"),
        (20, "shared", "app_client_budget_spent"),
    ],
)
async def test_the_budget_warns_at_80_and_stops_at_95_percent(
    start_registrar: Any, capsys: Any, existing: int, status: str, warning: str | None
) -> None:
    registrar = await start_registrar(upstream_client_budget=20)
    await registrar.upstreams.set_count("generation-1", existing)
    capsys.readouterr()
    assert (await provided(registrar))["status"] == status
    logged = capsys.readouterr().out
    assert [event for event in BUDGET_EVENTS if event in logged] == ([warning] if warning else [])
    assert ("create" in registrar.directory.calls) == (status == "created")


async def test_what_others_have_in_the_pool_counts(start_registrar: Any) -> None:
    registrar = await start_registrar(upstream_client_budget=20)
    request = AppClientRequest("theirs", "https://theirs.example/", ("openid",))
    registrar.directory.clients = {f"theirs{n}": request for n in range(18)}
    assert (await provided(registrar, "mcp-1"))["status"] == "created"
    assert (await provided(registrar, "mcp-2"))["status"] == "shared"
    assert registrar.directory.calls.count("list") == 1


async def test_an_app_client_is_confidential_and_knows_only_the_bridge(registrar: Any) -> None:
    told = await provided(registrar)
    made = registrar.directory.clients[told["upstream_client_id"]]
    assert made.callback_url == "http://localhost:3004/callback"
    assert made.scopes == ("openid", "profile", "email")
    assert made.identity_providers == ("COGNITO",)
    assert made.name.startswith("mcp Claude Code contexts ")


async def test_the_bridges_callback_can_be_elsewhere(start_registrar: Any) -> None:
    registrar = await start_registrar(bridge_callback_url="https://auth.example/callback")
    told = await provided(registrar)
    made = registrar.directory.clients[told["upstream_client_id"]]
    assert made.callback_url == "https://auth.example/callback"


async def test_a_second_call_finds_what_the_first_made(registrar: Any) -> None:
    first = await provided(registrar)
    assert await provided(registrar) == {**first, "status": "exists"}
    assert registrar.directory.calls.count("create") == 1


async def test_clients_of_one_fingerprint_share_an_app_client(registrar: Any) -> None:
    same = fingerprint("same metadata, same origin")
    first = await provided(registrar, "mcp-1", fingerprint=same)
    second = await provided(registrar, "mcp-2", fingerprint=same, subject=BOB)
    assert second == {**first, "status": "exists"}
    assert len(registrar.directory.clients) == 1
    assert await kept(registrar, "mcp-1") == await kept(registrar, "mcp-2")


async def test_twenty_calls_at_once_make_one_app_client(registrar: Any) -> None:
    told = await asyncio.gather(*(provided(registrar) for _ in range(20)))
    assert len(registrar.directory.clients) == 1
    assert len({answer["upstream_client_id"] for answer in told}) == 1
    assert sorted(answer["status"] for answer in told) == ["created"] + ["exists"] * 19


async def test_twenty_clients_of_one_fingerprint_at_once_make_one(registrar: Any) -> None:
    same = fingerprint("same metadata, same origin")
    told = await asyncio.gather(
        *(provided(registrar, f"mcp-{n}", fingerprint=same) for n in range(20))
    )
    assert len({answer["upstream_client_id"] for answer in told}) == 1
    assert len(registrar.directory.clients) == 1


async def test_another_generation_of_the_provider_starts_over(registrar: Any) -> None:
    first = await provided(registrar)
    config: ProviderConfig = registrar.provider.config
    registrar.provider.config = replace(config, generation="generation-2")
    second = await provided(registrar)
    assert second["status"] == "created"
    assert second["upstream_client_id"] != first["upstream_client_id"]
    now_kept = await kept(registrar)
    assert now_kept is not None
    assert (now_kept.client_id, now_kept.generation) == (
        second["upstream_client_id"],
        "generation-2",
    )


async def test_a_record_sealed_under_lost_keys_is_no_record(registrar: Any) -> None:
    key = upstream_key(registrar.settings.keyspace, "mcp-1")
    await registrar.redis.set(key, "k0.AAAA")
    assert (await provided(registrar))["status"] == "created"


@pytest.mark.parametrize(
    ("policy", "changes", "status"),
    [
        ("shared", {}, "shared"),
        ("per-client", {}, "created"),
        ("auto", {}, "created"),
        ("auto", {"endpoint_url": None}, "shared"),
        ("per-client", {"endpoint_url": None}, "created"),
        ("shared", {"endpoint_url": None}, "shared"),
    ],
)
async def test_the_policy_says_who_shares(
    start_registrar: Any, policy: str, changes: dict[str, Any], status: str
) -> None:
    registrar = await start_registrar(upstream_clients=policy)
    config: ProviderConfig = registrar.provider.config
    registrar.provider.config = replace(config, **changes)
    assert (await provided(registrar))["status"] == status
    if status == "shared":
        assert registrar.directory.calls == []
        assert await registrar.redis.keys() == []


@pytest.mark.requirement("REG23")
async def test_no_upstream_secret_is_stored_or_logged_in_clear(registrar: Any, capsys: Any) -> None:
    await provided(registrar)
    upstream = await kept(registrar)
    assert upstream is not None
    dump = []
    for key in await registrar.redis.keys():
        kind = await registrar.redis.type(key)
        dump.append(str(await registrar.redis.get(key)) if kind == "string" else key)
    assert upstream.client_secret not in json.dumps(dump)
    logged = capsys.readouterr()
    assert upstream.client_secret not in logged.out + logged.err


async def test_what_is_used_lives_on(registrar: Any) -> None:
    await provided(registrar)
    keys = [key for key in await upstream_keys(registrar) if ":subject:" not in key]
    assert len(keys) == 2
    for key in keys:
        await registrar.redis.expire(key, 100)
    answer = await registrar.http.post("/internal/clients/mcp-1/used", headers=BEARER)
    assert answer.status == 204
    for key in keys:
        assert await registrar.redis.ttl(key) > 89 * 86_400
