"""Tasks that live as long as the application does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger()

Background = Callable[[], Coroutine[Any, Any, None]]


def running(
    background: Sequence[Background],
) -> Callable[[web.Application], AsyncIterator[None]]:
    """A cleanup context that runs each of them; one that fails is logged and stays down."""

    async def context(application: web.Application) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(run()) for run in background]
        for task in tasks:
            task.add_done_callback(_report)
        yield
        await end(tasks)

    return context


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel until all are over: on Python 3.11 `wait_for`, which redis uses, can lose a cancel."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=0.2)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("background_task_failed", exc_info=error)
