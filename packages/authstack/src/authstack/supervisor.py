"""Start the stack in dependency order, keep watch, and end every process at the end."""

import asyncio
import signal
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from authstack.control import RESTART, START_MISSING, listening
from authstack.errors import StackError
from authstack.layout import Layout
from authstack.processes import ProcessIdentity, Running, how_it_ended, spawn
from authstack.progress import Stage
from authstack.readiness import check_ports, check_programs, why_not_ready
from authstack.services import Service
from authstack.state import StackState

Announce = Callable[[str], None]
Watch = Callable[[str, Stage], None]
"""(service, stage): told while services start."""

READY_SECONDS = 120.0
GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.1
_MAX_LINE_CHARACTERS = 300
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """The parent of every process of one stack."""

    def __init__(
        self,
        layout: Layout,
        services: Sequence[Service],
        announce: Announce,
        *,
        watch: Watch = lambda name, stage: None,
        grace_seconds: float = GRACE_SECONDS,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        self._layout = layout
        self._services = {service.name: service for service in services}
        self._announce = announce
        self._watch = watch
        self._identity = ProcessIdentity.mine()
        self._grace_seconds = grace_seconds
        self._ready_seconds = ready_seconds
        self._running: dict[str, Running] = {}
        self._ended: dict[str, str] = {}
        self._being_stopped: set[str] = set()
        self._told_to_stop = asyncio.Event()
        self._told_to_hurry = asyncio.Event()
        self._all_ready = asyncio.Event()
        self._one_order_at_a_time = asyncio.Lock()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Until a signal says stop. Raises StackError when the stack does not become ready.

        Whatever happens, no process is left when it returns.
        """
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.add_signal_handler(number, self._stop_signal)
        try:
            check_programs(self._services.values())
            check_ports(self._services.values())
            self._remember()
            async with listening(self._layout.control_socket, self._carry_out):
                await self._run_until_told_to_stop(on_ready)
        finally:
            await self._stop_everything()
            self._layout.state_file.unlink(missing_ok=True)
            for number in _STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def _run_until_told_to_stop(self, on_ready: Callable[[], None]) -> None:
        stop = asyncio.create_task(self._told_to_stop.wait())
        start = asyncio.create_task(self._start(self._services))
        try:
            await asyncio.wait({stop, start}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                await start
                self._all_ready.set()
                on_ready()
                await stop
        finally:
            await _cancel(start, stop)

    def _stop_signal(self) -> None:
        if self._told_to_stop.is_set():
            self._told_to_hurry.set()
        self._told_to_stop.set()

    async def _carry_out(self, verb: str, name: str | None) -> list[str]:
        await self._all_ready.wait()
        async with self._one_order_at_a_time:
            if verb == START_MISSING:
                missing = [each for each in self._services if not self._is_alive(each)]
            elif verb == RESTART and name in self._services:
                missing = [name]
                await self._stop([name])
            else:
                known = ", ".join(self._services)
                raise StackError(f"there is no service {name!r}; there are {known}")
            check_ports(self._services[each] for each in missing)
            await self._start(missing)
            return missing

    def _is_alive(self, name: str) -> bool:
        return name in self._running and not self._running[name].exited.done()

    async def _start(self, names: Collection[str]) -> None:
        """Start these in dependency order. Raises StackError when one ends before all are ready."""
        ready = {name: asyncio.Event() for name in names}
        try:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(self._start_one(self._services[name], ready))
        except ExceptionGroup as problems:
            raise problems.exceptions[0] from None

    async def _start_one(self, service: Service, ready: dict[str, asyncio.Event]) -> None:
        for other in service.after & ready.keys():
            await ready[other].wait()
        self._watch(service.name, "running")
        running = await spawn(service, self._layout.log(service.name), self._layout.data)
        self._running[service.name] = running
        self._ended.pop(service.name, None)
        self._remember()
        running.exited.add_done_callback(lambda task: self._has_ended(service.name, running))
        try:
            await self._until_ready(service, running)
        except StackError:
            self._watch(service.name, "failed")
            raise
        self._watch(service.name, "done")
        ready[service.name].set()
        all_ready = asyncio.create_task(_all_set(ready.values()))
        either: set[asyncio.Future[Any]] = {all_ready, running.exited}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            all_ready.cancel()
        if running.exited.done():
            raise self._died_too_early(service, running)

    async def _until_ready(self, service: Service, running: Running) -> None:
        reason: str | None = "not asked yet"
        try:
            async with asyncio.timeout(self._ready_seconds):
                while reason is not None:
                    await asyncio.wait({running.exited}, timeout=_POLL_SECONDS)
                    if running.exited.done():
                        raise self._died_too_early(service, running)
                    reason = await why_not_ready(service.ready_address)
        except TimeoutError:
            raise StackError(
                f"{service.name} was not ready after {self._ready_seconds:.0f} s ({reason}); "
                f"its log is {self._layout.log(service.name)}"
            ) from None

    def _died_too_early(self, service: Service, running: Running) -> StackError:
        how = how_it_ended(running.exited.result())
        log = self._layout.log(service.name)
        return StackError(
            f"{service.name} {how} before all was ready: {last_line(log)}; its log is {log}"
        )

    def _has_ended(self, name: str, running: Running) -> None:
        if self._running.get(name) is not running or running.exited.cancelled():
            return
        how = how_it_ended(running.exited.result())
        self._ended[name] = how
        self._remember()
        if self._all_ready.is_set() and name not in self._being_stopped:
            self._announce(f"{name} {how}; the others go on. `authstack up` starts it again.")

    async def _stop_everything(self) -> None:
        """Those that need others first, then the others, within one grace."""
        leaves = [name for name, service in self._services.items() if service.after]
        roots = [name for name in self._services if name not in leaves]
        await self._stop(leaves)
        await self._stop(roots)

    async def _stop(self, names: Collection[str]) -> None:
        """Within the grace, or at once when a second signal says so."""
        chosen = [self._running[name] for name in names if name in self._running]
        self._being_stopped.update(names)
        hurry = asyncio.create_task(self._told_to_hurry.wait())
        stopping = asyncio.gather(*(each.stop(self._grace_seconds) for each in chosen))
        either: set[asyncio.Future[Any]] = {stopping, hurry}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                for each in chosen:
                    each.kill()
            await stopping
        finally:
            hurry.cancel()
            self._being_stopped.difference_update(names)

    def _remember(self) -> None:
        StackState(
            port_offset=self._layout.port_offset,
            supervisor=self._identity,
            services={name: each.identity for name, each in self._running.items()},
            ended=self._ended,
        ).write(self._layout.state_file)


async def _all_set(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def last_line(log: Path) -> str:
    """The last line that says something, printable and short, for the one line of an error."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    printable = "".join(filter(str.isprintable, lines[-1] if lines else "it logged nothing"))
    return printable[:_MAX_LINE_CHARACTERS]
