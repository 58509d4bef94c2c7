"""The Keycloak adapter against a realm that a test can turn against it: faults first."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registrar.directories.keycloak import KeycloakDirectory
from registrar.directories.keycloak_api import (
    ATTEMPTS,
    KeycloakApi,
    ServiceAccount,
    admin_url_of,
)
from registrar.directories.port import AppClientNotFoundError, AppClientRequest, DirectoryError

ASKED = AppClientRequest("mcp A client 1-2", "http://localhost:3004/callback", ("openid", "email"))
LIVES_SECONDS = 300
SCOPES = ("basic", "profile", "email")


@dataclass
class FakeRealm:
    """As much of the admin API as the adapter uses.

    failures:         what comes instead of an answer, by method: a status, or None = hang up
    makes_before_failing: a failing POST has made its client all the same
    token_answers:    what the token endpoint says first, before it gives tokens
    """

    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, list[int | None]] = field(default_factory=dict)
    makes_before_failing: bool = False
    token_answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_route("*", "/admin/realms/mcp/{path:.*}", self._admin)
        return app

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert (form["grant_type"], form["client_id"]) == ("client_credentials", "mcp-registrar")
        self.calls.append("token")
        if self.token_answers:
            status, answer = self.token_answers.pop(0)
            return web.json_response(answer, status=status)
        self.tokens.append(f"token-{len(self.tokens)}")
        return web.json_response({"access_token": self.tokens[-1], "expires_in": LIVES_SECONDS})

    async def _admin(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.calls.append(f"{request.method} {path.partition('/')[0]}")
        if request.headers["Authorization"] != f"Bearer {self.tokens[-1]}":
            return web.json_response({"error": "HTTP 401 Unauthorized"}, status=401)
        planned = self.failures.get(request.method)
        failure = planned.pop(0) if planned else 0
        if failure != 0 and not (request.method == "POST" and self.makes_before_failing):
            return self._fail(request, failure)
        answer = await self._answer(request, path)
        return answer if failure == 0 else self._fail(request, failure)

    def _fail(self, request: web.Request, failure: int | None) -> web.Response:
        if failure is None:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"error": "unknown_error"}, status=failure or 500)

    async def _answer(self, request: web.Request, path: str) -> web.Response:
        match request.method, path.split("/"):
            case "POST", ["clients"]:
                client = await request.json()
                if client["clientId"] in self.clients:
                    return web.json_response({"errorMessage": "already exists"}, status=409)
                self.clients[client["clientId"]] = client | {"id": f"id-{len(self.clients)}"}
                return web.Response(status=201)
            case "GET", ["clients"]:
                return web.json_response(self._found(request.query))
            case "GET", ["client-scopes"]:
                return web.json_response([{"name": name, "id": name} for name in SCOPES])
            case "GET", ["clients", internal_id, "default-client-scopes"]:
                scopes = self._by_id(internal_id)["defaultClientScopes"]
                return web.json_response([{"name": name, "id": name} for name in scopes])
            case "PUT", ["clients", internal_id, "default-client-scopes", name]:
                self._by_id(internal_id)["defaultClientScopes"].append(name)
            case "DELETE", ["clients", internal_id, "default-client-scopes", name]:
                self._by_id(internal_id)["defaultClientScopes"].remove(name)
            case "PUT", ["clients", internal_id]:
                self._by_id(internal_id).update(await request.json())
            case "DELETE", ["clients", internal_id]:
                del self.clients[self._by_id(internal_id)["clientId"]]
        return web.Response(status=204)

    def _found(self, query: Any) -> list[dict[str, Any]]:
        if "clientId" in query:
            return [each for name, each in self.clients.items() if name == query["clientId"]]
        first = int(query["first"])
        return list(self.clients.values())[first : first + int(query["max"])]

    def _by_id(self, internal_id: str) -> dict[str, Any]:
        found = [each for each in self.clients.values() if each["id"] == internal_id]
        if not found:
            raise web.HTTPNotFound
        return found[0]


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@dataclass
class FakeClock:
    now: int = 1_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class World:
    realm: FakeRealm
    directory: KeycloakDirectory
    pauses: Pauses
    clock: FakeClock


@pytest.fixture
def admin_url() -> str | None:
    """Where the API is said to be; None = where it is."""
    return None


@pytest.fixture
async def world(admin_url: str | None) -> AsyncIterator[World]:
    realm, pauses, clock = FakeRealm(), Pauses(), FakeClock()
    async with TestServer(realm.application()) as server, aiohttp.ClientSession() as session:
        api = KeycloakApi(
            ServiceAccount("mcp-registrar", "registrar-secret"),
            session,
            admin_url=admin_url or str(server.make_url("/admin/realms/mcp")),
            token_url=str(server.make_url("/token")),
            pause=pauses,
            clock=clock,
        )
        yield World(realm, KeycloakDirectory(api), pauses, clock)


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize("failure", [500, 503, None], ids=str)
async def test_a_fault_is_retried_a_bounded_number_of_times(
    world: World, failure: int | None
) -> None:
    world.realm.failures["POST"] = [failure] * (ATTEMPTS + 1)
    with pytest.raises(DirectoryError) as caught:
        await world.directory.create(ASKED)
    assert caught.value.may_have_happened
    assert world.realm.calls.count("POST clients") == ATTEMPTS == len(world.pauses) + 1
    assert world.pauses == sorted(world.pauses)
    assert not world.realm.clients


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize("admin_url", ["http://127.0.0.1:9/admin/realms/mcp"])
async def test_what_was_never_sent_did_not_happen(world: World) -> None:
    with pytest.raises(DirectoryError) as caught:
        await world.directory.create(ASKED)
    assert not caught.value.may_have_happened
    assert len(world.pauses) == ATTEMPTS - 1


@pytest.mark.requirement("REG20")
@pytest.mark.parametrize("failure", [500, None], ids=str)
async def test_an_answer_that_was_lost_makes_one_client_not_two(
    world: World, failure: int | None
) -> None:
    world.realm.failures["POST"] = [failure, failure]
    world.realm.makes_before_failing = True
    made = await world.directory.create(ASKED)
    (kept,) = world.realm.clients.values()
    assert (kept["clientId"], kept["secret"]) == (made.client_id, made.client_secret)


async def test_a_conflict_about_nothing_that_exists_is_retried_and_then_told(world: World) -> None:
    world.realm.failures["POST"] = [409]
    assert (await world.directory.create(ASKED)).client_id in world.realm.clients
    world.realm.failures["POST"] = [409] * ATTEMPTS
    with pytest.raises(DirectoryError):
        await world.directory.create(ASKED)
    assert len(world.realm.clients) == 1


@pytest.mark.parametrize("failure", [409, 429, 500, 502])
async def test_an_update_is_tried_again_after_a_conflict(world: World, failure: int) -> None:
    made = await world.directory.create(ASKED)
    world.realm.failures["PUT"] = [failure]
    await world.directory.update(made.client_id, AppClientRequest("renamed", "https://b/cb", ()))
    assert world.realm.clients[made.client_id]["name"] == "renamed"


@pytest.mark.parametrize("status", [400, 403])
async def test_a_refusal_is_not_retried(world: World, status: int) -> None:
    world.realm.failures["POST"] = [status]
    with pytest.raises(DirectoryError) as caught:
        await world.directory.create(ASKED)
    assert not caught.value.may_have_happened
    assert not world.pauses


async def test_a_client_that_vanishes_on_the_way_is_not_found(world: World) -> None:
    made = await world.directory.create(ASKED)
    world.realm.failures["PUT"] = [404]
    with pytest.raises(AppClientNotFoundError):
        await world.directory.update(made.client_id, ASKED)
    world.realm.failures["DELETE"] = [404]
    await world.directory.delete(made.client_id)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_service_account_that_is_refused_asks_once(world: World, status: int) -> None:
    world.realm.token_answers = [(status, {"error": "unauthorized_client"})]
    with pytest.raises(DirectoryError) as caught:
        await world.directory.list()
    assert not caught.value.may_have_happened
    assert world.realm.calls == ["token"]
    assert "registrar-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        (503, {}),
        (200, {}),
        (200, {"access_token": 7, "expires_in": 60}),
        (200, {"access_token": "t"}),
        (200, {"access_token": "t", "expires_in": "60"}),
        (302, {}),
    ],
    ids=str,
)
async def test_a_token_answer_that_cannot_be_used_is_asked_for_again(
    world: World, answer: tuple[int, dict[str, Any]]
) -> None:
    world.realm.token_answers = [answer]
    await world.directory.list()
    assert world.realm.calls == ["token", "token", "GET clients"]


async def test_one_token_serves_until_shortly_before_it_ends(world: World) -> None:
    await world.directory.list()
    world.clock.now += LIVES_SECONDS - 31
    await world.directory.list()
    assert len(world.realm.tokens) == 1
    world.clock.now += 1
    await world.directory.list()
    assert len(world.realm.tokens) == 2


async def test_a_token_that_the_realm_no_longer_takes_is_replaced(world: World) -> None:
    await world.directory.list()
    world.realm.tokens.append("of another realm")
    await world.directory.list()
    assert len(world.realm.tokens) == 3


async def test_a_token_that_is_never_taken_ends_in_an_error(world: World) -> None:
    world.realm.failures["GET"] = [401] * ATTEMPTS
    with pytest.raises(DirectoryError, match="401"):
        await world.directory.list()
    assert len(world.realm.tokens) == ATTEMPTS


@pytest.mark.parametrize("number", [49, 50, 51, 100])
async def test_every_page_is_read_to_its_end(world: World, number: int) -> None:
    for index in range(number):
        world.realm.clients[f"c{index}"] = {"clientId": f"c{index}", "id": f"id-{index}"}
    assert [each.client_id for each in await world.directory.list()] == list(world.realm.clients)
    assert world.realm.calls.count("GET clients") == number // 50 + 1


async def test_scopes_are_brought_to_what_is_asked(world: World) -> None:
    made = await world.directory.create(ASKED)
    assert set(world.realm.clients[made.client_id]["defaultClientScopes"]) == {"basic", "email"}
    changed = AppClientRequest(ASKED.name, ASKED.callback_url, ("openid", "profile", "unknown"))
    await world.directory.update(made.client_id, changed)
    assert set(world.realm.clients[made.client_id]["defaultClientScopes"]) == {"basic", "profile"}


async def test_secrets_differ_and_are_not_shown(world: World) -> None:
    first, second = await world.directory.create(ASKED), await world.directory.create(ASKED)
    assert first.client_secret != second.client_secret
    assert len(first.client_secret) >= 43
    assert first.client_secret not in repr(first)
    assert "registrar-secret" not in repr(ServiceAccount("mcp-registrar", "registrar-secret"))
    assert json.dumps(world.realm.clients).count(first.client_secret) == 1


@pytest.mark.parametrize(
    ("issuer", "admin_url"),
    [
        ("http://localhost:8080/realms/mcp", "http://localhost:8080/admin/realms/mcp"),
        ("https://h/auth/realms/a", "https://h/auth/admin/realms/a"),
        ("https://h/realms/realms/realms/a", "https://h/realms/realms/admin/realms/a"),
    ],
)
def test_the_admin_api_is_beside_the_issuer(issuer: str, admin_url: str) -> None:
    assert admin_url_of(issuer) == admin_url
