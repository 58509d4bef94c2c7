"""One replica's records in a process: `replica.py URL RING rotate TOKEN COUNT NOW`, or `sign`.

It prints `ready` and waits for a line on stdin, so that several start together; its last line of
output is what it got, as JSON.
"""

import asyncio
import json
import sys

from cimd_bridge.records.denials import Denials
from cimd_bridge.records.grants import Grants
from cimd_bridge.records.handles import new_secret
from cimd_bridge.records.outcomes import Grace, Rotated
from cimd_bridge.records.store import RecordStore
from cimd_bridge.signing_keys import SigningKeys
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.records.keys import Keyspace
from oauth_kit.redis import connect

NOW = 1_800_000_000


async def rotate(store: RecordStore, token: str, count: int, now: int) -> list[list[str]]:
    grants = Grants(store, Denials(store))
    found = await asyncio.gather(
        *(
            grants.rotate(token, client_id="dcr-4f1d", new_secret=new_secret(), now=now)
            for _ in range(count)
        )
    )
    return [
        [type(one).__name__, one.refresh_token if isinstance(one, Rotated | Grace) else ""]
        for one in found
    ]


async def main(redis_url: str, ring: str, verb: str, *arguments: str) -> None:
    redis = connect(redis_url)
    store = RecordStore.under(KeyRing.parse(ring), redis, Keyspace("test"))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    if verb == "rotate":
        token, count, now = arguments
        print(json.dumps(await rotate(store, token, int(count), int(now))))
    else:
        print(json.dumps((await SigningKeys(store).current(NOW)).kid))
    await redis.aclose()


asyncio.run(main(*sys.argv[1:]))
