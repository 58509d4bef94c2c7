"""Orphaned app clients: which must stay, which go, and how fast."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.rules.errors import OAuthError
from registrar.app_client_names import AppClientNames, short_fingerprint
from registrar.directories.port import AppClientRequest, DirectoryError
from registrar.reconciliation import Reconciliation

BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def named(name: str) -> AppClientRequest:
    return AppClientRequest(name, "http://localhost:3004/callback", ("openid",))


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def names(registrar: Any) -> AppClientNames:
    return AppClientNames.of(registrar.settings.upstream_ring)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def reconciliation(registrar: Any, names: AppClientNames, pauses: Pauses) -> Reconciliation:
    return Reconciliation(
        registrar.provider,
        lambda _: registrar.directory,
        registrar.upstreams,
        names,
        pause=pauses,
    )


async def provide(registrar: Any, client_id: str = "mcp-1") -> str:
    answer = await registrar.http.post(
        "/internal/upstream-clients",
        json={
            "client_id": client_id,
            "fingerprint": fingerprint(client_id),
            "name": "Client",
            "subject": "a" * 64,
        },
        headers=BEARER,
    )
    told: dict[str, str] = await answer.json()
    return told["upstream_client_id"]


@pytest.mark.requirement("REG20")
async def test_clients_of_others_and_clients_in_use_stay(
    registrar: Any, reconciliation: Reconciliation
) -> None:
    theirs = AppClientNames.of(KeyRing.parse(KeyRing.generate("theirs")))
    registrar.directory.clients = {
        "bridge": named("mcp-authstack bridge"),
        "web": named("web"),
        "theirs": named(theirs.name("Client", short_fingerprint(fingerprint("x")))),
    }
    used = await provide(registrar)
    assert await reconciliation.run_once() == 0
    assert registrar.directory.clients.keys() == {"bridge", "web", "theirs", used}


@pytest.mark.requirement("REG20")
async def test_a_client_that_no_record_names_goes(
    registrar: Any, reconciliation: Reconciliation, names: AppClientNames
) -> None:
    registrar.directory.clients["orphan"] = named(
        names.name("Client", short_fingerprint(fingerprint("mcp-9")))
    )
    assert await reconciliation.run_once() == 1
    assert registrar.directory.clients == {}


@pytest.mark.requirement("REG20")
async def test_a_double_of_a_client_in_use_goes(
    registrar: Any, reconciliation: Reconciliation, names: AppClientNames
) -> None:
    used = await provide(registrar)
    double = registrar.directory.clients[used]
    registrar.directory.clients = {"double": double, used: double}
    assert await reconciliation.run_once() == 1
    assert registrar.directory.clients.keys() == {used}


async def test_a_client_whose_record_expired_goes(
    registrar: Any, reconciliation: Reconciliation
) -> None:
    await provide(registrar)
    shared = await registrar.redis.keys("*:upstream:shared:*")
    await registrar.redis.delete(*shared)
    assert await reconciliation.run_once() == 1


@pytest.mark.requirement("REG20")
async def test_records_of_what_the_provider_lost_are_void_and_all_others_stay(
    registrar: Any, reconciliation: Reconciliation, pauses: Pauses
) -> None:
    lost, kept = await provide(registrar, "mcp-lost"), await provide(registrar, "mcp-kept")
    del registrar.directory.clients[lost]
    assert await reconciliation.run_once() == 0
    assert await registrar.upstreams.find("mcp-lost", "generation-1") is None
    found = await registrar.upstreams.find("mcp-kept", "generation-1")
    assert found is not None
    assert found.client_id == kept
    short = short_fingerprint(fingerprint("mcp-lost"))
    assert await registrar.upstreams.find_shared(short, "generation-1") is None
    # one client, however many records name it
    assert registrar.directory.calls.count("exists") == len(pauses) == 1
    made = await provide(registrar, "mcp-lost")
    assert made in registrar.directory.clients


async def test_a_client_that_was_made_after_the_listing_is_not_lost(
    registrar: Any, reconciliation: Reconciliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_all = registrar.directory.list

    async def list_before() -> Any:
        listed = await list_all()
        await provide(registrar, "mcp-new")
        return listed

    monkeypatch.setattr(registrar.directory, "list", list_before)
    await registrar.upstreams.set_count("generation-1", 0)
    await reconciliation.run_once()
    assert await registrar.upstreams.find("mcp-new", "generation-1") is not None


async def test_a_provider_that_cannot_say_has_lost_nothing(
    registrar: Any, reconciliation: Reconciliation
) -> None:
    lost = await provide(registrar, "mcp-lost")
    del registrar.directory.clients[lost]
    registrar.directory.failures["exists"] = [DirectoryError("InternalErrorException")]
    with pytest.raises(DirectoryError):
        await reconciliation.run_once()
    assert await registrar.upstreams.find("mcp-lost", "generation-1") is not None


async def test_clients_of_an_earlier_generation_go(
    registrar: Any, reconciliation: Reconciliation
) -> None:
    await provide(registrar)
    registrar.provider.config = replace(registrar.provider.config, generation="generation-2")
    assert await reconciliation.run_once() == 1


async def test_a_client_in_the_making_stays(
    registrar: Any, reconciliation: Reconciliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed, its record is not written yet; its maker holds the lock."""
    reached, released = asyncio.Event(), asyncio.Event()
    create = registrar.directory.create

    async def slow_create(asked: AppClientRequest) -> Any:
        made = await create(asked)
        reached.set()
        await released.wait()
        return made

    monkeypatch.setattr(registrar.directory, "create", slow_create)
    making = asyncio.create_task(provide(registrar))
    await reached.wait()
    reconciling = asyncio.create_task(reconciliation.run_once())
    released.set()
    made = await making
    assert await reconciling == 0
    assert registrar.directory.clients.keys() == {made}


async def test_the_pool_is_counted_anew_without_what_was_deleted(
    registrar: Any, reconciliation: Reconciliation, names: AppClientNames
) -> None:
    registrar.directory.clients = {
        "web": named("web"),
        "other": named("other"),
        "orphan": named(names.name("Client", short_fingerprint(fingerprint("mcp-9")))),
    }
    await registrar.upstreams.set_count("generation-1", 900)
    await reconciliation.run_once()
    assert await registrar.upstreams.count("generation-1") == 2


async def test_deletions_stay_below_five_a_second(
    registrar: Any, reconciliation: Reconciliation, names: AppClientNames, pauses: Pauses
) -> None:
    for n in range(10):
        name = names.name("Client", short_fingerprint(fingerprint(f"mcp-{n}")))
        registrar.directory.clients[f"orphan{n}"] = named(name)
    assert await reconciliation.run_once() == 10
    assert sum(pauses) >= 10 / 5


async def test_one_replica_at_a_time_reconciles(
    registrar: Any, reconciliation: Reconciliation, names: AppClientNames
) -> None:
    name = names.name("Client", short_fingerprint(fingerprint("mcp-9")))
    registrar.directory.clients["orphan"] = named(name)
    async with registrar.upstreams.reconciling(60) as ours:
        assert ours
        assert await reconciliation.run_once() == 0
        assert registrar.directory.calls == []
    assert await reconciliation.run_once() == 1


async def test_a_provider_whose_clients_we_do_not_administer_is_left_alone(
    registrar: Any, reconciliation: Reconciliation
) -> None:
    assert await replace(reconciliation, directory_for=lambda _: None).run_once() == 0


@pytest.mark.parametrize(
    "failure", [DirectoryError("InternalErrorException"), None], ids=["directory", "provider"]
)
async def test_a_failure_is_tried_again_after_a_minute_and_a_success_after_a_day(
    registrar: Any, reconciliation: Reconciliation, failure: DirectoryError | None
) -> None:
    config = registrar.provider.config
    if failure:
        registrar.directory.failures["list"] = [failure]
    else:
        registrar.provider.config = None
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        registrar.provider.config = config
        waited.append(seconds)
        if len(waited) == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await replace(reconciliation, pause=pause).run_daily()
    assert waited == [60, 86_400]


async def test_a_failure_in_the_middle_frees_the_lock(
    registrar: Any, reconciliation: Reconciliation
) -> None:
    registrar.directory.failures["list"] = [DirectoryError("InternalErrorException")]
    with pytest.raises(DirectoryError):
        await reconciliation.run_once()
    registrar.provider.config = None
    with pytest.raises(OAuthError):
        await reconciliation.run_once()
    async with registrar.upstreams.reconciling(60) as ours:
        assert ours
