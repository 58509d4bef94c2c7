"""Looking after the signing keys even when nobody asks for a token (RFC 9068 §6)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from cimd_bridge.signing_keys import SigningKeys
from oauth_kit.clock import Clock
from oauth_kit.rules.errors import OAuthError

_CHECK_SECONDS = 60


async def key_rotation(signing_keys: SigningKeys, clock: Clock) -> AsyncIterator[None]:
    """For `cleanup_ctx`: rotates what is due for as long as the application lives.

    It is asked to stop rather than cancelled, so that a rotation under way is finished.
    """
    stopping = asyncio.Event()

    async def look() -> None:
        while not stopping.is_set():
            with suppress(OAuthError):
                await signing_keys.rotate_if_due(clock())
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _CHECK_SECONDS)

    task = asyncio.create_task(look())
    yield
    stopping.set()
    await task
