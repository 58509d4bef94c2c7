"""Client metadata documents: one fetch for all, kept as long as they allow, nothing bad kept."""

import asyncio
import gc
import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis.asyncio
from aiohttp import web
from structlog.testing import capture_logs

from cimd_bridge import documents as documents_module
from cimd_bridge.documents import Documents
from cimd_bridge.limits import DocumentLimits
from oauth_kit.outbound.public_fetch import Fetched, FetchFailed, PublicFetch
from oauth_kit.records.client import Client
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import Redis, connect
from oauth_kit.rules.client_document import DOCUMENT_REFUSED, DocumentUrl
from oauth_kit.rules.client_metadata import MetadataPolicy
from oauth_kit.rules.document_targets import DocumentTargets
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.public_address import PrivateTargets
from oauth_kit.web.rate_limits import RateLimits

URL = "https://client.example/oauth/client.json"
FREE = DocumentLimits("999/minute", "999/minute", "999/minute")
KEY = f"mcp:test:cimd:{hashlib.sha256(URL.encode()).hexdigest()}"
LOOPBACK_URL = "http://localhost:3003/client-metadata.json"


def document(url: str = URL, **members: object) -> bytes:
    return json.dumps(
        {"client_id": url, "client_name": "A client", "redirect_uris": ["http://127.0.0.1/cb"]}
        | members
    ).encode()


def good(
    *cache_control: str, etag: str | None = None, url: str = URL, **members: object
) -> Fetched:
    return Fetched(200, "application/json", cache_control, etag, document(url, **members))


def status(code: int, *cache_control: str, etag: str | None = None) -> Fetched:
    return Fetched(code, "", cache_control, etag, b"")


class Shelf(PublicFetch):
    """Gives what lies there and remembers who asked; while `closed` is set nobody is answered."""

    def __init__(self) -> None:
        super().__init__(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self.answer: Fetched | FetchFailed = good()
        self.asked: list[tuple[str, str | None]] = []
        self.lanes: list[bool] = []
        self.open = asyncio.Event()
        self.open.set()
        self.reached = asyncio.Event()

    async def get(
        self, url: DocumentUrl, *, etag: str | None = None, known: bool = False
    ) -> Fetched:
        self.lanes.append(known)
        self.asked.append((url.url, etag))
        self.reached.set()
        await self.open.wait()
        if isinstance(self.answer, FetchFailed):
            raise self.answer
        return self.answer


@dataclass
class SetClock:
    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class World:
    """One store and what several bridges share."""

    redis: Redis
    shelf: Shelf
    clock: SetClock = field(default_factory=SetClock)
    rate_limits: RateLimits | None = None

    def bridge(self, **changes: Any) -> Documents:
        arguments: dict[str, Any] = {
            "redis": self.redis,
            "keyspace": Keyspace("test"),
            "fetch": self.shelf,
            "targets": DocumentTargets.excluding(
                ["http://localhost:3004"], [], PrivateTargets(loopback=True)
            ),
            "policy": MetadataPolicy(),
            "rate_limits": self.rate_limits
            or RateLimits("memory://", prefix="test", enabled=False),
            "limits": FREE,
            "clock": self.clock,
        }
        return Documents(**(arguments | changes))


@pytest.fixture(params=["fakeredis", "valkey"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "valkey":
        store = redis.asyncio.Redis.from_url(
            request.getfixturevalue("valkey_url"), decode_responses=True
        )
    else:
        store = fakeredis.FakeAsyncRedis(decode_responses=True)
    await store.flushall()
    shelf = Shelf()
    yield World(store, shelf)
    shelf.close()
    await store.flushall()
    await store.aclose()


async def resolve(
    bridge: Documents, url: str = URL, *, caller: str = "192.0.2.0/24", site: str | None = None
) -> Client:
    return await bridge.resolve(url, caller=caller, sec_fetch_site=site)


async def refusal(
    bridge: Documents, url: str = URL, *, caller: str = "192.0.2.0/24", site: str | None = None
) -> OAuthError:
    with pytest.raises(OAuthError) as refused:
        await resolve(bridge, url, caller=caller, site=site)
    return refused.value


# What a stranger learns.

FAILURES: list[Fetched | FetchFailed] = [
    FetchFailed("took too long"),
    FetchFailed("has an address that is not public"),
    FetchFailed("failed with ClientConnectorError"),
    FetchFailed("is too large", answered=True),
    FetchFailed("is compressed", answered=True),
    *map(status, (201, 204, 301, 302, 304, 307, 400, 401, 403, 404, 410, 429, 500, 503)),
    Fetched(200, "text/html", (), None, document()),
    Fetched(200, "application/json", (), None, b"{"),
    Fetched(200, "application/json", (), None, document("https://other.example/c")),
]


@pytest.mark.requirement("CI3", "CI4", "CI9", "CI12")
@pytest.mark.parametrize("answer", FAILURES)
async def test_all_failures_look_the_same_and_none_is_kept(
    world: World, answer: Fetched | FetchFailed
) -> None:
    bridge = world.bridge()
    world.shelf.answer = answer
    error = await refusal(bridge)
    assert (error.code, error.status) == ("invalid_client", 401)
    assert error.description == DOCUMENT_REFUSED
    assert error.reason.startswith("client document ")
    assert await world.redis.keys("*") == []
    world.shelf.answer = good()
    assert (await resolve(bridge)).metadata.client_name == "A client"
    assert len(world.shelf.asked) == 2


@pytest.mark.requirement("CI1", "CI11")
@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://client.example/c.json", None),
        ("https://client.example/", None),
        ("https://client.example/a/../c", None),
        ("https://10.0.0.1/c.json", None),
        ("http://localhost:3003/client-metadata", None),
        ("http://localhost:3004/c.json", None),
        ("http://localhost:3104/c.json", None),
        ("http://127.0.0.1:3204/c.json", None),
        (LOOPBACK_URL, "cross-site"),
    ],
)
async def test_what_may_not_be_asked_for_is_refused_before_anything_happens(
    world: World, url: str, site: str | None
) -> None:
    assert (await refusal(world.bridge(), url, site=site)).code == "invalid_client"
    assert world.shelf.asked == []
    assert await world.redis.keys("*") == []


async def test_a_document_that_breaks_a_rule_is_told_which(world: World) -> None:
    world.shelf.answer = good(client_secret="s")
    assert "secret" in (await refusal(world.bridge())).description
    assert await world.redis.keys("*") == []


# Who the client is.


@pytest.mark.requirement("CI2")
async def test_the_host_of_a_document_is_verified(world: World) -> None:
    client = await resolve(world.bridge())
    assert (client.client_id, client.kind) == (URL, "document")
    assert (client.verified_host, client.loopback_document) == ("client.example", False)
    assert (client.secret_hash, client.trusted) == (None, False)
    assert client.issued_at == world.clock.now
    assert client.metadata.redirect_uris == ("http://127.0.0.1/cb",)


@pytest.mark.parametrize("site", [None, "same-site"])
async def test_a_loopback_document_verifies_nobody(world: World, site: str | None) -> None:
    world.shelf.answer = good(url=LOOPBACK_URL)
    client = await resolve(world.bridge(), LOOPBACK_URL, site=site)
    assert (client.verified_host, client.loopback_document) == (None, True)


# One fetch for all.


@pytest.mark.requirement("CI16")
@pytest.mark.parametrize("cache_control", ["max-age=600", "no-store", "no-cache"])
async def test_a_hundred_callers_at_a_time_make_one_fetch(world: World, cache_control: str) -> None:
    bridge = world.bridge()
    world.shelf.answer = good(cache_control)
    clients = await asyncio.gather(*(resolve(bridge, caller=str(n)) for n in range(100)))
    assert len(world.shelf.asked) == 1
    assert all(client == clients[0] for client in clients)


@pytest.mark.requirement("CI16")
async def test_a_hundred_callers_at_a_time_share_a_failure(world: World) -> None:
    bridge = world.bridge()
    world.shelf.answer = FetchFailed("took too long")
    errors = await asyncio.gather(*(refusal(bridge) for _ in range(100)))
    assert {error.description for error in errors} == {DOCUMENT_REFUSED}
    assert len(world.shelf.asked) == 1


@pytest.mark.requirement("CI16")
async def test_several_bridges_at_a_time_make_one_fetch(world: World) -> None:
    bridges = [world.bridge() for _ in range(4)]
    world.shelf.open.clear()
    waiting = [asyncio.create_task(resolve(bridge)) for bridge in bridges for _ in range(10)]
    await world.shelf.reached.wait()
    world.shelf.open.set()
    clients = await asyncio.gather(*waiting)
    assert len(world.shelf.asked) == 1
    assert all(client == clients[0] for client in clients)


async def test_nothing_is_left_in_the_process(world: World) -> None:
    bridge = world.bridge()
    await resolve(bridge)
    await refusal(bridge, "https://other.example/c")
    assert bridge._flights == {}


async def test_a_failure_that_nobody_waits_for_disturbs_nobody(world: World) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, complaint: complaints.append(complaint)
    )
    bridge = world.bridge()
    world.shelf.answer = FetchFailed("took too long")
    world.shelf.open.clear()
    only = asyncio.create_task(resolve(bridge))
    await world.shelf.reached.wait()
    landed = bridge._flights[URL].landed
    only.cancel()
    world.shelf.open.set()
    await asyncio.wait([only, landed])
    del landed
    gc.collect()
    assert complaints == []
    world.shelf.answer = good()
    assert (await resolve(bridge)).client_id == URL


async def test_different_urls_are_different_clients(world: World) -> None:
    bridge = world.bridge()
    await resolve(bridge)
    other = "https://client.example:443/oauth/client.json"
    assert (await refusal(bridge, other)).reason == (
        "client document has another client_id than its URL"
    )
    assert [url for url, _ in world.shelf.asked] == [URL, other]


async def test_a_caller_who_leaves_takes_nothing_away_from_the_others(world: World) -> None:
    bridge = world.bridge()
    world.shelf.open.clear()
    first = asyncio.create_task(resolve(bridge))
    await world.shelf.reached.wait()
    second = asyncio.create_task(resolve(bridge))
    await asyncio.sleep(0)
    first.cancel()
    world.shelf.open.set()
    assert (await second).client_id == URL
    assert len(world.shelf.asked) == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_lock_whose_owner_hangs_delays_but_does_not_block(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=600")
    await resolve(bridge)
    await world.redis.set(f"{KEY}:lock", "somebody")
    monkeypatch.setattr(documents_module, "_LOCK_WAIT_SECONDS", 0.01)
    world.clock.now += 600
    assert (await resolve(bridge)).client_id == URL
    world.clock.now += 3600
    assert (await refusal(bridge)).description == DOCUMENT_REFUSED
    assert len(world.shelf.asked) == 1
    assert await world.redis.get(f"{KEY}:lock") == "somebody"


async def test_no_lock_is_left_behind(world: World) -> None:
    bridge = world.bridge()
    await resolve(bridge)
    world.clock.now += 600
    world.shelf.answer = FetchFailed("took too long")
    await resolve(bridge)
    assert await world.redis.exists(f"{KEY}:lock") == 0


# How long it is kept.


@pytest.mark.requirement("CI12")
@pytest.mark.parametrize(
    ("cache_control", "fresh_seconds"),
    [("max-age=600", 600), ("max-age=10", 60), ("max-age=315360000", 86_400), ("", 300)],
)
async def test_a_document_is_fresh_for_its_lifetime(
    world: World, cache_control: str, fresh_seconds: int
) -> None:
    bridge = world.bridge()
    world.shelf.answer = good(cache_control)
    await resolve(bridge)
    assert await world.redis.ttl(KEY) == pytest.approx(fresh_seconds + 3600, abs=5)
    world.clock.now += fresh_seconds - 1
    await resolve(bridge)
    assert len(world.shelf.asked) == 1
    world.clock.now += 1
    await resolve(bridge)
    assert len(world.shelf.asked) == 2


@pytest.mark.requirement("CI12")
@pytest.mark.parametrize("cache_control", ["no-store", "max-age=600, No-Store", "private"])
async def test_what_must_not_be_stored_is_asked_for_each_time(
    world: World, cache_control: str
) -> None:
    bridge = world.bridge()
    world.shelf.answer = good(cache_control, etag='"1"')
    for _ in range(3):
        await resolve(bridge)
    assert world.shelf.asked == [(URL, None)] * 3
    assert await world.redis.exists(KEY) == 0


@pytest.mark.requirement("CI12")
async def test_a_document_that_becomes_no_store_is_no_longer_kept(world: World) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=60")
    await resolve(bridge)
    world.clock.now += 60
    world.shelf.answer = good("no-store")
    await resolve(bridge)
    assert await world.redis.exists(KEY) == 0


@pytest.mark.requirement("CI12")
async def test_no_cache_is_confirmed_each_time(world: World) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("no-cache", etag='"1"')
    await resolve(bridge)
    world.shelf.answer = status(304)
    for _ in range(2):
        assert (await resolve(bridge)).metadata.client_name == "A client"
    assert world.shelf.asked == [(URL, None), (URL, '"1"'), (URL, '"1"')]


@pytest.mark.requirement("CI12")
async def test_an_unchanged_document_is_confirmed_by_its_etag(world: World) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=600", etag='"1"')
    await resolve(bridge)
    world.clock.now += 600
    world.shelf.answer = status(304)
    assert (await resolve(bridge)).issued_at == world.clock.now
    world.clock.now += 599
    await resolve(bridge)
    assert world.shelf.asked == [(URL, None), (URL, '"1"')]
    world.clock.now += 1
    world.shelf.answer = status(304, "max-age=60", etag='"2"')
    await resolve(bridge)
    world.clock.now += 60
    await resolve(bridge)
    assert [etag for _, etag in world.shelf.asked] == [None, '"1"', '"1"', '"2"']


async def test_a_changed_document_replaces_the_old_one(world: World) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=60", etag='"1"')
    await resolve(bridge)
    world.clock.now += 60
    world.shelf.answer = good("max-age=60", etag='"2"', client_name="Another")
    assert (await resolve(bridge)).metadata.client_name == "Another"
    assert (await resolve(world.bridge())).metadata.client_name == "Another"
    assert len(world.shelf.asked) == 2


async def test_a_304_that_nobody_asked_for_is_refused(world: World) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=60")
    await resolve(bridge)
    world.clock.now += 60
    world.shelf.answer = status(304)
    assert (await refusal(bridge)).reason == "client document has status 304"


# While its host fails.


@pytest.mark.requirement("CI17")
@pytest.mark.parametrize("failure", [FetchFailed("took too long"), status(500), status(429)])
async def test_a_stale_document_serves_for_an_hour_while_its_host_fails(
    world: World, failure: Fetched | FetchFailed
) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=600")
    await resolve(bridge)
    world.shelf.answer = failure
    world.clock.now += 600 + 3599
    assert (await resolve(bridge)).client_id == URL
    assert len(world.shelf.asked) == 2
    world.clock.now += 1
    assert (await refusal(bridge)).description == DOCUMENT_REFUSED


@pytest.mark.requirement("CI17")
@pytest.mark.parametrize("cache_control", ["max-age=60, must-revalidate", "no-cache"])
async def test_a_host_may_forbid_the_stale_document(world: World, cache_control: str) -> None:
    bridge = world.bridge()
    world.shelf.answer = good(cache_control)
    await resolve(bridge)
    world.clock.now += 60
    world.shelf.answer = FetchFailed("took too long")
    await refusal(bridge)


@pytest.mark.requirement("CI12", "CI17")
@pytest.mark.parametrize(
    "answer",
    [
        status(404),
        status(301),
        status(204),
        FetchFailed("is too large", answered=True),
        good(client_secret="s"),
        Fetched(200, "text/html", (), None, b""),
    ],
)
async def test_what_its_host_replaced_or_withdrew_is_forgotten(
    world: World, answer: Fetched | FetchFailed
) -> None:
    bridge = world.bridge()
    world.shelf.answer = good("max-age=60")
    await resolve(bridge)
    world.clock.now += 60
    world.shelf.answer = answer
    await refusal(bridge)
    assert await world.redis.keys("*") == []
    world.shelf.answer = FetchFailed("took too long")
    await refusal(bridge)


# Its home.


async def test_the_store_holds_what_the_document_says_and_no_more(world: World) -> None:
    world.shelf.answer = good("max-age=600", etag='"1"', contacts=["someone@client.example"])
    await resolve(world.bridge())
    record: dict[str, Any] = json.loads(str(await world.redis.get(KEY)))
    assert record["metadata"] == {
        "redirect_uris": ["http://127.0.0.1/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "client_name": "A client",
    }
    assert sorted(await world.redis.keys("*")) == ["mcp:test:cimd-roll", KEY, f"{KEY}:known"]
    assert await world.redis.ttl(f"{KEY}:known") > 0


@pytest.mark.requirement("AU24")
async def test_without_a_store_nobody_is_asked(world: World, tmp_path: Path) -> None:
    nowhere = connect(f"unix://{tmp_path}/none")
    with pytest.raises(OAuthError) as refused:
        await resolve(world.bridge(redis=nowhere))
    await nowhere.aclose()
    assert (refused.value.code, refused.value.status) == ("temporarily_unavailable", 503)
    assert refused.value.retry_after_seconds
    assert world.shelf.asked == []


# What the log says.


@pytest.mark.requirement("OP2", "OP1")
async def test_failures_are_logged_with_their_reason_and_without_the_query(world: World) -> None:
    world.shelf.answer = FetchFailed("has an address that is not public")
    with capture_logs() as lines:
        await refusal(world.bridge(), URL + "?canary")
    assert {
        "event": "client_document_failed",
        "log_level": "warning",
        "host": "client.example",
        "reason": "client document has an address that is not public",
    } in lines
    assert "canary" not in str(lines)


@pytest.mark.requirement("OP2")
async def test_only_a_change_of_a_document_is_logged_as_one(world: World) -> None:
    bridge = world.bridge()
    with capture_logs() as lines:
        for name in ("A client", "A client", "A client", "Another"):
            world.shelf.answer = good("no-cache", client_name=name)
            await resolve(bridge)
    changes = [line for line in lines if line["event"] == "client_document_changed"]
    assert [(line["host"], line["path"]) for line in changes] == [
        ("client.example", "/oauth/client.json")
    ]


async def test_a_store_that_is_away_is_no_failure_of_the_document(
    world: World, tmp_path: Path
) -> None:
    nowhere = connect(f"unix://{tmp_path}/none")
    with capture_logs() as lines, pytest.raises(OAuthError):
        await resolve(world.bridge(redis=nowhere))
    await nowhere.aclose()
    assert "client_document_failed" not in [line["event"] for line in lines]


# What is counted.


@dataclass
class Counts:
    lookups: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def bridge(self, world: World) -> Documents:
        return world.bridge(count_lookup=self.lookups.append, count_failure=self.failures.append)


@pytest.mark.requirement("CI17")
async def test_a_document_is_asked_for_kept_and_stale_by_turns(world: World) -> None:
    counts = Counts()
    bridge = counts.bridge(world)
    world.shelf.answer = good("max-age=600")
    for _ in range(3):
        await resolve(bridge)
    world.clock.now += 600
    world.shelf.answer = FetchFailed("took too long")
    await resolve(bridge)
    world.shelf.answer = status(404)
    await refusal(bridge)
    assert counts.lookups == ["miss", "hit", "hit", "stale"]
    assert counts.failures == ["unavailable", "refused"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (FetchFailed("took too long"), "unavailable"),
        (status(503), "unavailable"),
        (status(404), "refused"),
        (FetchFailed("is too large", answered=True), "refused"),
        (good(client_secret="s"), "refused"),
    ],
)
async def test_a_host_that_fails_is_counted_and_gives_no_document(
    world: World, answer: Fetched | FetchFailed, kind: str
) -> None:
    counts = Counts()
    world.shelf.answer = answer
    await refusal(counts.bridge(world))
    assert (counts.lookups, counts.failures) == ([], [kind])


async def test_what_another_bridge_fetched_meanwhile_is_found(world: World) -> None:
    world.shelf.open.clear()
    first, second = Counts(), Counts()
    asking = [asyncio.create_task(resolve(one.bridge(world))) for one in (first, second)]
    await world.shelf.reached.wait()
    world.shelf.open.set()
    await asyncio.gather(*asking)
    assert sorted(first.lookups + second.lookups) == ["hit", "miss"]


# How often.


@pytest.fixture
def limited(world: World) -> World:
    world.rate_limits = RateLimits("memory://", prefix="test")
    return world


@pytest.mark.requirement("CI16", "OP6")
async def test_a_caller_has_few_fetches_from_one_host(limited: World) -> None:
    bridge = limited.bridge(limits=replace(FREE, per_caller="2/minute"))
    limited.shelf.answer = good("no-store")
    await resolve(bridge)
    await resolve(bridge)
    error = await refusal(bridge)
    assert (error.code, error.status) == ("temporarily_unavailable", 429)
    assert error.retry_after_seconds
    assert len(limited.shelf.asked) == 2
    await resolve(bridge, caller="198.51.100.0/24")
    other = "https://other.example/c"
    limited.shelf.answer = good(url=other)
    await resolve(bridge, other)


@pytest.mark.requirement("CI16", "OP6")
async def test_a_document_from_the_cache_costs_nothing(limited: World) -> None:
    bridge = limited.bridge(limits=DocumentLimits("1/minute", "1/minute", "1/minute"))
    for _ in range(20):
        await resolve(bridge)
    assert len(limited.shelf.asked) == 1


@pytest.mark.requirement("CI16", "OP6")
async def test_new_urls_leave_room_for_those_that_were_good(limited: World) -> None:
    bridge = limited.bridge(limits=DocumentLimits("99/minute", "4/minute", "3/minute"))
    limited.shelf.answer = good("no-store")
    await resolve(bridge)
    limited.shelf.answer = status(404)
    for number in range(2):
        assert (await refusal(bridge, f"{URL}?{number}")).status == 401
    assert (await refusal(bridge, f"{URL}?3")).status == 429
    limited.shelf.answer = good("no-store")
    await resolve(bridge)
    assert (await refusal(bridge)).status == 429
    assert len(limited.shelf.asked) == 4


@pytest.mark.requirement("CI16", "OP6")
async def test_a_limited_caller_limits_nobody_else(limited: World) -> None:
    bridge = limited.bridge(limits=replace(FREE, per_caller="1/minute"))
    limited.shelf.answer = good("no-store")
    await resolve(bridge, caller="greedy")
    outcomes = await asyncio.gather(
        *(resolve(bridge, caller=caller) for caller in ["greedy"] * 5 + ["modest"] * 5),
        return_exceptions=True,
    )
    assert [getattr(outcome, "status", 200) for outcome in outcomes] == [429] * 5 + [200] * 5
    assert len(limited.shelf.asked) == 2


# Over real HTTP.


@pytest.mark.requirement("CI3", "CI12", "CI16")
async def test_a_real_host_is_asked_once_and_then_for_changes(world: World) -> None:
    statuses: list[int] = []

    async def serve(request: web.Request) -> web.Response:
        unchanged = request.headers.get("If-None-Match") == '"v1"'
        statuses.append(304 if unchanged else 200)
        return web.Response(
            status=statuses[-1],
            body=None if unchanged else document(LOOPBACK_URL),
            content_type="application/json",
            headers={"ETag": '"v1"', "Cache-Control": "max-age=60"},
        )

    application = web.Application()
    application.router.add_get("/client-metadata.json", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    private = PrivateTargets(host_map={("localhost", 3003): ("127.0.0.1", port)})
    fetch = PublicFetch(private=private)
    bridges = [
        world.bridge(fetch=fetch, targets=DocumentTargets.excluding([], [], private))
        for _ in range(2)
    ]
    for _ in range(2):
        clients = await asyncio.gather(
            *(resolve(bridge, LOOPBACK_URL) for bridge in bridges for _ in range(50))
        )
        assert {client.metadata.client_name for client in clients} == {"A client"}
        world.clock.now += 60
    fetch.close()
    await runner.cleanup()
    assert statuses == [200, 304]


@pytest.mark.requirement("CI12", "C11")
async def test_the_oldest_document_gives_way_when_there_are_too_many(world: World) -> None:
    bridge = world.bridge(max_documents=3)
    urls = [f"https://client.example/{number}.json" for number in range(5)]
    for url in urls:
        world.shelf.answer = good(url=url)
        await resolve(bridge, url)
        world.clock.now += 1
    kept = [key for key in await world.redis.keys("mcp:test:cimd:*") if key.count(":") == 3]
    assert len(kept) == 3
    asked = len(world.shelf.asked)
    await resolve(bridge, urls[4])
    assert len(world.shelf.asked) == asked


async def test_a_url_that_was_good_before_has_a_lane_of_its_own(world: World) -> None:
    world.shelf.answer = good("no-store")
    for _ in range(2):
        await resolve(world.bridge())
    assert world.shelf.lanes == [False, True]
