"""Timelines on a store with memory."""

from collections.abc import AsyncIterator

import fakeredis
import pytest
from fakes.client_world import Time

from demo_clients.timeline.stream import Timelines
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.crypto.sealing import Sealer
from oauth_kit.records.keys import Keyspace


@pytest.fixture
async def redis() -> AsyncIterator[fakeredis.FakeAsyncRedis]:
    redis = fakeredis.FakeAsyncRedis(decode_responses=True)
    yield redis
    await redis.aclose()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def timelines(redis: fakeredis.FakeAsyncRedis, time: Time) -> Timelines:
    sealer = Sealer(KeyRing.parse(KeyRing.generate("k1")))
    return Timelines(redis, sealer, Keyspace("test"), time, waiting=redis, block_milliseconds=5)
