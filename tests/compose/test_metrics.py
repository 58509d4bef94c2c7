"""What containers count: told inside them only, one sum over the workers, for longer than these."""

import json
import urllib.error
import urllib.request

import pytest
from compose.containers import CLIENTS, SERVICES, System
from compose.visitor import Visitor, a_visitor
from compose.workers import KILL_ONE, WORKERS, run, wait_for_workers
from fakes.scraped import Scraped

PUBLIC_PORTS = {
    "registrar": 3005,
    "cimd-bridge": 3004,
    "resource": 3001,
    "client-preregistered": 3000,
    "client-dynamic": 3002,
    "client-metadata": 3003,
}
REQUESTS = "authstack_http_request_duration_seconds_count"
REFRESHES = "authstack_refreshes_total"
MAX_REFRESHES = 200

SCRAPE = """
import os, urllib.request
url = f"http://127.0.0.1:{os.environ['MANAGEMENT_PORT']}/metrics"
print(urllib.request.urlopen(url, timeout=10).read().decode())
"""
REFRESHES_BY_WORKER = """
import glob, json
from prometheus_client.multiprocess import MultiProcessCollector
print(json.dumps([
    sum(
        sample.value
        for metric in MultiProcessCollector.merge([file])
        for sample in metric.samples
        if sample.name == "authstack_refreshes_total"
    )
    for file in sorted(glob.glob("/tmp/metrics-*/counter_*.db"))
]))
"""


def scrape(system: System, service: str) -> Scraped:
    return Scraped.of(run(system, service, SCRAPE))


def refreshes_by_worker(system: System) -> list[float]:
    counts: list[float] = json.loads(run(system, "cimd-bridge", REFRESHES_BY_WORKER))
    return counts


async def refresh(visitor: Visitor) -> None:
    answer = await visitor.ask_for_refresh()
    assert answer.status == 200, answer
    visitor.take(answer)


@pytest.mark.requirement("OP5")
@pytest.mark.parametrize("service", [*SERVICES, *CLIENTS])
def test_metrics_are_told_inside_the_container_and_not_outside(
    system: System, service: str
) -> None:
    # the health check has been there by now
    assert scrape(system, service).sum(REQUESTS, route="/readyz", status="2xx") > 0
    url = f"http://localhost:{PUBLIC_PORTS[service]}/metrics"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=10)
    assert refused.value.code == 404
    refused.value.close()


async def test_the_count_of_two_workers_is_one_sum_that_outlives_a_worker(system: System) -> None:
    async with a_visitor() as visitor:
        before = scrape(system, "cimd-bridge").sum(REFRESHES, outcome="rotated")
        made = 0
        while not all(refreshes_by_worker(system)) or made < 2:
            await refresh(visitor)
            made += 1
            assert made < MAX_REFRESHES
        counted = scrape(system, "cimd-bridge").sum(REFRESHES, outcome="rotated")
        assert counted == before + made
        assert len(refreshes_by_worker(system)) == 2

        run(system, "cimd-bridge", WORKERS + KILL_ONE)
        wait_for_workers(system, "cimd-bridge", 2)
        assert scrape(system, "cimd-bridge").sum(REFRESHES, outcome="rotated") == counted
        await refresh(visitor)
        assert scrape(system, "cimd-bridge").sum(REFRESHES, outcome="rotated") == counted + 1
        assert len(refreshes_by_worker(system)) == 2
