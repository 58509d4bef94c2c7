"""Work that no caller waits for: best effort, logged, finished before the process ends."""

import asyncio
from collections.abc import Coroutine

import structlog
from aiohttp import web

from oauth_kit.rules.errors import OAuthError

log = structlog.get_logger()


class Background:
    """Holds tasks so that they are neither collected nor lost in silence."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, event: str, work: Coroutine[None, None, None]) -> None:
        """Run `work`; a failure becomes one log line named `event`."""
        task = asyncio.create_task(_logged(event, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, application: web.Application | None = None) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks)


async def _logged(event: str, work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except OAuthError as error:
        log.warning(event, reason=error.reason or error.description)
    except Exception:
        log.exception(event)
