"""The emulator's life: MiniStack, the front, the seed; and the stop that saves both states."""

import asyncio
import fcntl
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from cognito_emulator import json_log, ministack, snapshot
from cognito_emulator.child_process import spawn
from cognito_emulator.clock import system_clock
from cognito_emulator.front import Front, build_front
from cognito_emulator.management import Readiness, build_management
from cognito_emulator.ministack import MiniStack, MiniStackError
from cognito_emulator.ministack_client import MiniStackClient
from cognito_emulator.rules.errors import ApiError
from cognito_emulator.settings import Settings
from cognito_emulator.state import EmulatorState

MANAGEMENT_HOST = "127.0.0.1"  # whoever checks its health is beside it
CALL_SECONDS = 30.0
DRAIN_SECONDS = 2.0
# Below the idle limit of MiniStack's server, so that we never write into a connection it closes.
KEEP_ALIVE_SECONDS = 1.0


class StartError(Exception):
    """The emulator cannot run, or not any longer; the message is one line for its starter."""


@dataclass(slots=True)
class Emulator:
    """One run, from start to stop."""

    settings: Settings
    state: EmulatorState = field(default_factory=lambda: EmulatorState(system_clock))
    readiness: Readiness = field(default_factory=Readiness)
    adopted: bool = False

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises StartError when it cannot, or MiniStack dies."""
        stop = _stop_signals()
        settings = self.settings
        async with AsyncExitStack() as stack:
            stack.enter_context(_locked(settings.state_dir))
            public = stack.enter_context(_bound(settings.bind_host, settings.port, "PORT"))
            management = stack.enter_context(
                _bound(MANAGEMENT_HOST, settings.management_port, "MANAGEMENT_PORT")
            )
            await stack.enter_async_context(_serving(build_management(self.readiness), management))
            port = ministack.free_port()
            client = await stack.enter_async_context(_client(settings, port))
            self._load_state()
            child = await ministack.start(self._folder, port)
            stack.push_async_callback(child.kill)
            json_log.info("starting", ministack_pid=child.pid)
            work = asyncio.create_task(self._work(child, client, public))
            await self._watch(work, child, stop)
            await self._stop(child)

    @property
    def _folder(self) -> Path:
        return self.settings.state_dir / "ministack"

    @property
    def _snapshot(self) -> Path:
        return self.settings.state_dir / "front.json"

    async def _watch(self, work: asyncio.Task[None], child: MiniStack, stop: asyncio.Event) -> None:
        """Wait for the first end: ours by signal, MiniStack's, or a failed start."""
        stopped = asyncio.create_task(stop.wait())
        died = asyncio.create_task(child.process.wait())
        await asyncio.wait({work, stopped, died}, return_when=asyncio.FIRST_COMPLETED)
        self.readiness.seeded = False
        failure = work.exception() if work.done() else None
        for task in (work, stopped, died):
            task.cancel()
        await asyncio.gather(work, stopped, died, return_exceptions=True)
        if isinstance(failure, MiniStackError | StartError | ApiError):
            raise StartError(str(failure)) from failure
        if failure is not None:
            raise failure
        if not stop.is_set():
            raise StartError(
                f"MiniStack died ({_end_of(child)}) and its state with it: start again; "
                f"its log is {ministack.log_file(self._folder)}"
            )

    async def _work(self, child: MiniStack, client: MiniStackClient, public: socket.socket) -> None:
        """Everything between MiniStack's start and the stop; ends by being cancelled."""
        await child.wait_ready(client)
        front = build_front(self.settings, client, self.state)
        await self._adopt(front, client)
        async with _serving(front.app, public):
            await _seed()
            self.readiness.ministack, self.readiness.seeded = client, True
            json_log.info(
                "ready", url=self.settings.public_url, note="an emulator, not Amazon Cognito"
            )
            await asyncio.Event().wait()

    def _load_state(self) -> None:
        """Both states are taken, or none: half of a state would be worse than nothing."""
        if not snapshot.load(self.state, self._snapshot):
            self._forget_saved()

    async def _adopt(self, front: Front, client: MiniStackClient) -> None:
        """Now the states live in memory only: their files go.

        After a crash an old state would come back otherwise: revoked tokens valid again, app
        clients missing, and nobody could tell. So a crash forgets everything, visibly.
        """
        pool_ids = await front.pools.pool_ids()
        await client.list_tables()
        self._forget_saved()
        self.adopted = True
        self.state.keep_pools(pool_ids)
        front.keys.forget_other_pools(pool_ids)

    def _forget_saved(self) -> None:
        self._snapshot.unlink(missing_ok=True)
        for path in ministack.saved_state(self._folder):
            path.unlink()

    async def _stop(self, child: MiniStack) -> None:
        """Save both states; nothing to save before they were adopted."""
        if not self.adopted:
            await child.kill()
            return
        snapshot.save(self.state, self._snapshot)
        if await child.stop():
            json_log.info("stopped", state="saved")
        else:
            self._forget_saved()
            json_log.info("stopped", state="lost: MiniStack did not end by itself")


def _stop_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    """One emulator for one state directory."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"STATE_DIR cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StartError("STATE_DIR is in use by another emulator") from error
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _bound(host: str, port: int, name: str) -> Iterator[socket.socket]:
    """Take the port before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
            bound.listen()
        except OSError as error:
            raise StartError(f"{name} {port} on {host}: {error.strerror}") from error
        yield bound


@asynccontextmanager
async def _serving(app: web.Application, bound: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
    await runner.setup()
    try:
        await web.SockSite(runner, bound).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _client(settings: Settings, port: int) -> AsyncIterator[MiniStackClient]:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        url = f"http://127.0.0.1:{port}"
        yield MiniStackClient(session, url, settings.region)


async def _seed() -> None:
    """Seed in a process of its own: boto3 costs 40 MB that we need only now."""
    process = await spawn(
        [sys.executable, "-m", "cognito_emulator.seed"],
        environment=os.environ,
        output=asyncio.subprocess.DEVNULL,
        errors=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise StartError(f"the seed failed: {last}")


def _end_of(child: MiniStack) -> str:
    code = child.process.returncode or 0
    return f"signal {-code}" if code < 0 else f"exit status {code}"
