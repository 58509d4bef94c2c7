"""The contexts on a real Valkey: what must hold when many write at once."""

import asyncio

from fakes.resource_harness import ResourceServer, Starter

DRAFT = {"title": "A title", "content": "Some text"}


async def create(server: ResourceServer, **claims: str) -> int:
    token = server.mint(scope="mcp-api/write", **claims)
    return (await server.call("POST", "/v1/contexts", token=token, json=DRAFT)).status


async def test_a_race_does_not_go_over_the_bound(start: Starter) -> None:
    servers = [await start(max_contexts=10) for _ in range(2)]
    statuses = await asyncio.gather(*(create(servers[n % 2]) for n in range(40)))
    assert sorted(statuses) == [201] * 10 + [409] * 30
    page = await servers[0].call("GET", "/v1/contexts?limit=100", token=servers[0].mint())
    assert len(page.document["contexts"]) == 10


async def test_many_first_lists_bring_the_samples_once(server: ResourceServer) -> None:
    token = server.mint()
    answers = await asyncio.gather(
        *(server.call("GET", "/v1/contexts", token=token) for _ in range(20))
    )
    assert {answer.status for answer in answers} == {200}
    assert {len(answer.document["contexts"]) for answer in answers} == {3}


async def test_contexts_outlive_the_server(start: Starter) -> None:
    server = await start()
    assert await create(server) == 201
    another = await start()
    page = await another.call("GET", "/v1/contexts", token=another.mint())
    assert [kept["title"] for kept in page.document["contexts"]] == ["A title"]


async def test_nothing_in_the_store_names_user_client_or_token(server: ResourceServer) -> None:
    canaries = {"sub": "canary@example.com", "client_id": "canary-client", "jti": "canary-token"}
    token = server.mint(scope="mcp-api/write", **canaries)
    answer = await server.call("POST", "/v1/contexts", token=token, json=DRAFT)
    assert answer.status == 201
    dumps = [str(key).encode() for key in await server.redis.keys("*")]
    for key in await server.redis.keys("*"):
        kind = await server.redis.type(key)
        if kind == "hash":
            dumps.append(str(await server.redis.hgetall(key)).encode())
        elif kind == "zset":
            dumps.append(str(await server.redis.zrange(key, 0, -1)).encode())
        else:
            dumps.append(str(await server.redis.get(key)).encode())
    dump = b"\n".join(dumps)
    assert b"A title" in dump
    assert b"canary" not in dump
    assert token.encode() not in dump
