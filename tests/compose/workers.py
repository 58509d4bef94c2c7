"""The gunicorn workers of a container: who they are, what they are at, and their sudden end."""

import asyncio
import json
import time

from compose.containers import System, inspect

WORKERS = """
import json, os, pathlib, signal, sys
workers = [
    int(process.name) for process in pathlib.Path("/proc").glob("[0-9]*")
    if (process / "stat").read_text().rpartition(")")[2].split()[1] == "1"
]
"""
KILL_ONE = "os.kill(workers[0], signal.SIGKILL)"
KILL_ALL = "for worker in workers: os.kill(worker, signal.SIGKILL)"
KILL_THIS = "os.kill(int(sys.argv[1]), signal.SIGKILL)"
COUNT = "print(len(workers))"

# Connections to the public port from this machine, by the worker that has them. Other containers
# keep theirs open for the next request; ours are closed with the answer.
CONNECTIONS = """
gateways = {"%02X%02X%02X%02X" % tuple(int(part) for part in gateway.split(".")[::-1])
            for gateway in sys.argv[1:]}
rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
ours = {
    f"socket:[{row[9]}]" for row in rows
    if int(row[1].partition(":")[2], 16) == int(os.environ["PORT"])
    and row[2].partition(":")[0] in gateways and row[3] == "01"
}
def held(worker):
    found = 0
    for name in os.listdir(f"/proc/{worker}/fd"):
        try:
            found += os.readlink(f"/proc/{worker}/fd/{name}") in ours
        except FileNotFoundError:
            pass  # closed meanwhile
    return found
print(json.dumps({worker: held(worker) for worker in workers}))
"""
SECONDS = 20


def run(system: System, service: str, program: str, *arguments: str) -> str:
    done = system.run_in(service, "python", "-c", program, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count_workers(system: System, service: str) -> int:
    return int(run(system, service, WORKERS + COUNT))


def wait_for_workers(system: System, service: str, number: int) -> None:
    ends = time.monotonic() + SECONDS
    while count_workers(system, service) != number:
        assert time.monotonic() < ends, f"{service} has no {number} workers"


def connections(system: System, service: str) -> dict[str, int]:
    (container,) = inspect(system.containers(service))
    networks = container["NetworkSettings"]["Networks"].values()
    gateways = [network["Gateway"] for network in networks if network["Gateway"]]
    found: dict[str, int] = json.loads(run(system, service, WORKERS + CONNECTIONS, *gateways))
    return found


async def busiest_of(system: System, service: str, at_work: int) -> str:
    """The worker that answers most of our requests, once that many have arrived."""
    async with asyncio.timeout(SECONDS):
        while True:
            held = await asyncio.to_thread(connections, system, service)
            if sum(held.values()) >= at_work:
                return max(held, key=lambda worker: held[worker])


async def kill(system: System, service: str, worker: str) -> None:
    await asyncio.to_thread(run, system, service, WORKERS + KILL_THIS, worker)
