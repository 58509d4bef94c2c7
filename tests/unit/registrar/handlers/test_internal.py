"""/internal/*: what the bridge asks of the registrar, and nobody else."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from oauth_kit.records.client import Client
from oauth_kit.records.upstream_client import upstream_checked_key, upstream_key
from registrar.directories.port import DirectoryError

TOKEN = "internal-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
DOCUMENT_CLIENT = "https://client.example:8443/oauth/client.json?v=1&x=a%2Fb"
PATHS = [
    ("GET", "/internal/clients/mcp-x"),
    ("POST", "/internal/clients/mcp-x/used"),
    ("POST", "/internal/upstream-clients"),
    ("POST", "/internal/upstream-clients/check"),
]
ASKED = {
    "client_id": DOCUMENT_CLIENT,
    "fingerprint": "a" * 64,
    "name": "Client",
    "subject": "b" * 64,
}


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        f"Bearer {TOKEN.upper()}",
        "Bearer \u00fc",
    ],
)
async def test_nothing_internal_is_answered_without_the_token(
    registrar: Any, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await registrar.http.request(method, path, headers=headers, json=ASKED)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await answer.json())["error"] == "invalid_token"
    assert registrar.directory.calls == []
    assert await registrar.redis.keys() == []


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_two_authorization_headers_are_none(registrar: Any, method: str, path: str) -> None:
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
    answer = await registrar.http.request(method, path, headers=headers, json=ASKED)
    assert answer.status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": ""},
        {"client_id": 7},
        {"client_id": "x" * 2049},
        {"fingerprint": "a" * 63},
        {"fingerprint": "A" * 64},
        {"fingerprint": f"{'a' * 64}\n"},
        {"fingerprint": None},
        {"name": None},
        {"subject": ""},
        {"subject": "someone@example.com"},
        {"subject": "b" * 129},
    ],
    ids=str,
)
async def test_a_malformed_request_for_an_upstream_client_is_refused(
    registrar: Any, changed: dict[str, Any]
) -> None:
    answer = await registrar.http.post(
        "/internal/upstream-clients", json={**ASKED, **changed}, headers=BEARER
    )
    assert answer.status == 400
    assert (await answer.json())["error"] == "invalid_request"
    assert registrar.directory.calls == []


async def test_a_documents_url_may_be_long(registrar: Any) -> None:
    longest = "https://client.example/".ljust(2048, "x")
    answer = await registrar.http.post(
        "/internal/upstream-clients", json={**ASKED, "client_id": longest}, headers=BEARER
    )
    assert answer.status == 200


async def test_internal_answers_are_not_for_browsers(registrar: Any) -> None:
    answer = await registrar.http.get(
        "/internal/clients/mcp-x", headers={**BEARER, "Origin": "http://localhost:6274"}
    )
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.requirement("REG19")
@pytest.mark.parametrize("client_id", ["mcp-unknown", "sharedclientid", "..", "%00", "a%2Fb"])
async def test_an_unknown_client_is_not_found(registrar: Any, client_id: str) -> None:
    answer = await registrar.http.get(
        f"/internal/clients/{quote(client_id, safe='')}", headers=BEARER
    )
    assert answer.status == 404
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_bridge_reads_a_client_as_it_was_registered(registrar: Any) -> None:
    document = await registrar.register(client_name="A client")
    answer = await registrar.http.get(f"/internal/clients/{document['client_id']}", headers=BEARER)
    assert answer.status == 200
    text = await answer.text()
    client = Client.from_json(text)
    assert client.client_id == document["client_id"]
    assert client.kind == "registered"
    assert client.metadata.client_name == "A client"
    assert client.method_was_defaulted
    assert document["client_secret"] not in text


@pytest.mark.requirement("REG19")
async def test_a_use_lets_a_registration_live_for_ninety_days(registrar: Any) -> None:
    document = await registrar.register()
    answer = await registrar.http.post(
        f"/internal/clients/{document['client_id']}/used", headers=BEARER
    )
    assert answer.status == 204
    ttl = await registrar.redis.ttl(f"mcp:production:client:{document['client_id']}")
    assert 90 * 86_400 - 10 <= ttl <= 90 * 86_400


async def test_a_use_of_an_unknown_client_makes_nothing(registrar: Any) -> None:
    answer = await registrar.http.post("/internal/clients/mcp-unknown/used", headers=BEARER)
    assert answer.status == 204
    assert await registrar.redis.keys() == []


async def test_a_documents_url_is_one_path_segment(registrar: Any) -> None:
    answer = await registrar.http.post("/internal/upstream-clients", json=ASKED, headers=BEARER)
    assert (await answer.json())["status"] == "created"
    key = upstream_key(registrar.settings.keyspace, DOCUMENT_CLIENT)
    await registrar.redis.expire(key, 100)
    answer = await registrar.http.post(
        f"/internal/clients/{quote(DOCUMENT_CLIENT, safe='')}/used", headers=BEARER
    )
    assert answer.status == 204
    assert await registrar.redis.ttl(key) > 100


@pytest.mark.requirement("REG20", "REG23")
async def test_an_upstream_client_is_made_and_kept_sealed(registrar: Any) -> None:
    answer = await registrar.http.post("/internal/upstream-clients", json=ASKED, headers=BEARER)
    assert answer.status == 200
    told = await answer.json()
    assert told["status"] == "created"
    assert told["upstream_client_id"] in registrar.directory.clients
    key = upstream_key(registrar.settings.keyspace, DOCUMENT_CLIENT)
    sealed = await registrar.redis.get(key)
    kept = registrar.sealer.open(sealed, key)
    assert kept.client_id == told["upstream_client_id"]
    assert kept.generation == "generation-1"
    dump = json.dumps([await registrar.redis.get(key)])
    assert kept.client_secret not in dump
    assert kept.client_secret not in await answer.text()


async def test_without_a_provider_the_answer_is_to_come_back_later(registrar: Any) -> None:
    registrar.provider.config = None
    answer = await registrar.http.post("/internal/upstream-clients", json=ASKED, headers=BEARER)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"


async def provide(registrar: Any, **changes: str) -> str:
    answer = await registrar.http.post(
        "/internal/upstream-clients", json=ASKED | changes, headers=BEARER
    )
    told: dict[str, str] = await answer.json()
    return told["upstream_client_id"]


async def check(registrar: Any, client_id: str = DOCUMENT_CLIENT) -> tuple[int, str]:
    answer = await registrar.http.post(
        "/internal/upstream-clients/check", json={"client_id": client_id}, headers=BEARER
    )
    document = await answer.json()
    return answer.status, document.get("status") or document["error"]


@pytest.mark.parametrize("client_id", [None, 7, "", "x" * 2049], ids=str)
async def test_a_check_needs_a_client(registrar: Any, client_id: object) -> None:
    answer = await registrar.http.post(
        "/internal/upstream-clients/check", json={"client_id": client_id}, headers=BEARER
    )
    assert answer.status == 400
    assert registrar.directory.calls == []


@pytest.mark.requirement("REG20")
async def test_a_client_that_the_provider_has_is_believed_in_for_a_minute(registrar: Any) -> None:
    made = await provide(registrar)
    assert await check(registrar) == (200, "exists")
    checked = upstream_checked_key(registrar.settings.keyspace, made)
    assert 55 <= await registrar.redis.ttl(checked) <= 60
    assert await registrar.upstreams.find(DOCUMENT_CLIENT, "generation-1") is not None


@pytest.mark.requirement("REG20")
async def test_a_client_that_the_provider_lost_is_void_at_once_and_made_anew(
    registrar: Any,
) -> None:
    lost = await provide(registrar)
    other = await provide(registrar, client_id="mcp-other", fingerprint="c" * 64)
    assert await check(registrar) == (200, "exists")
    del registrar.directory.clients[lost]
    assert await check(registrar) == (200, "gone")
    left = {key.split(":", 2)[2] for key in await registrar.redis.keys("*:upstream:*")}
    assert not any(lost in key for key in left)
    assert len([key for key in left if ":" not in key.removeprefix("upstream:")]) == 1
    assert await check(registrar, "mcp-other") == (200, "exists")
    again = await provide(registrar)
    assert again not in (lost, other)
    assert again in registrar.directory.clients


async def test_who_shares_a_lost_client_gets_another_after_a_check_too(registrar: Any) -> None:
    lost = await provide(registrar)
    assert await provide(registrar, client_id="mcp-sharer") == lost
    del registrar.directory.clients[lost]
    assert await check(registrar) == (200, "gone")
    fresh = await provide(registrar)
    assert await check(registrar, "mcp-sharer") == (200, "gone")
    assert await provide(registrar, client_id="mcp-sharer") == fresh


async def test_a_client_without_a_record_is_gone_without_asking(registrar: Any) -> None:
    assert await check(registrar, "mcp-unknown") == (200, "gone")
    assert registrar.directory.calls == []


async def test_a_provider_that_cannot_say_voids_nothing(registrar: Any) -> None:
    lost = await provide(registrar)
    del registrar.directory.clients[lost]
    registrar.directory.failures["exists"] = [DirectoryError("InternalErrorException")]
    assert await check(registrar) == (503, "temporarily_unavailable")
    assert await registrar.upstreams.find(DOCUMENT_CLIENT, "generation-1") is not None


async def test_where_we_administer_no_clients_nothing_is_lost(start_registrar: Any) -> None:
    registrar = await start_registrar()
    await provide(registrar)
    blind = await start_registrar(administers=False)
    assert await check(blind) == (503, "temporarily_unavailable")
    assert await registrar.upstreams.find(DOCUMENT_CLIENT, "generation-1") is not None
