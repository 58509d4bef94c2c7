"""docs/metrics.md and the code name the same metrics, with the same labels and values."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from fakes.kit_service import send, serving
from fakes.scraped import Scraped
from prometheus_client.parser import text_string_to_metric_families

import cimd_bridge.metrics
import registrar.metrics
from cimd_bridge.metrics import BridgeMetrics
from demo_clients.metrics import ClientMetrics
from oauth_kit.metrics import Metrics
from registrar.metrics import RegistrarMetrics
from resource_server.metrics import ResourceMetrics

ROOT = Path(__file__).parents[2]
SECTIONS: dict[str, Metrics] = {
    "The bridge": BridgeMetrics(),
    "The registrar": RegistrarMetrics(upstream_client_budget=1),
    "The resource server": ResourceMetrics(),
    "The demo clients": ClientMetrics(),
}
EVERYWHERE = "Every service"

Described = dict[str, tuple[str, dict[str, set[str]]]]
"""Type and labels with their values, by name."""


def documented(section: str) -> Described:
    page = (ROOT / "docs/metrics.md").read_text("utf-8")
    body = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in body.splitlines() if line.startswith("| `")]
    return {
        name.strip("| `"): (kind, dict(labels_in(labels)))
        for name, kind, labels, *_ in (row if len(row) > 3 else split_empty(row) for row in rows)
    }


def split_empty(row: list[str]) -> list[str]:
    """A row whose labels are an empty cell: `| name | type | | text |`."""
    name, kind, rest = row
    return [name, kind, "", rest]


def labels_in(cell: str) -> Iterator[tuple[str, set[str]]]:
    for label in filter(None, cell.split("; ")):
        name, _, values = label.partition(":")
        yield name.strip("` "), set(re.findall(r"`([\w-]+)`", values))


def in_code(metrics: Metrics) -> Described:
    found: Described = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        labels: dict[str, set[str]] = {}
        for sample in family.samples:
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
        suffix = "_total" if family.type == "counter" else ""
        found[family.name + suffix] = (family.type, labels)
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_every_metric_is_documented_and_none_is_invented(section: str) -> None:
    described = documented(section)
    assert len(described) >= 2
    assert described == in_code(SECTIONS[section])


async def test_what_every_service_measures_is_documented() -> None:
    async with serving() as ports:
        await send(ports.public, "/")
        text = (await send(ports.management, "/metrics")).body.decode()
    [family] = text_string_to_metric_families(text)
    page = (ROOT / "docs/metrics.md").read_text("utf-8")
    row = f"| `{family.name}` | {family.type} | `route`, `method`, `status` |"
    assert row in page.partition(f"## {EVERYWHERE}")[2].partition("\n## ")[0]
    labels = {label for sample in Scraped.of(text).samples for label in sample.labels}
    assert labels == {"route", "method", "status", "le"}


@pytest.mark.parametrize("section", SECTIONS)
def test_names_follow_the_conventions(section: str) -> None:
    for name, (kind, _) in in_code(SECTIONS[section]).items():
        assert re.fullmatch(r"authstack_[a-z_]+", name)
        assert name.endswith("_total") == (kind == "counter")


def buckets_in(folder: str) -> Iterator[str]:
    """What the code calls the windows of its rate limits."""
    for path in sorted((ROOT / "services" / folder).glob("src/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) == 3:
                called, bucket = ast.unparse(node.func), node.args[0]
                if re.search(r"(^|limits\.)(check|refuse_if_full)$", called):
                    assert isinstance(bucket, ast.Constant), f"{path}: a bucket that is computed"
                    yield str(bucket.value)


@pytest.mark.parametrize(
    ("folder", "module"),
    [("cimd-bridge", cimd_bridge.metrics), ("registrar", registrar.metrics)],
)
def test_every_window_of_the_rate_limits_has_its_series(folder: str, module: object) -> None:
    declared = set(get_args(module.Bucket))  # type: ignore[attr-defined]
    assert len(declared) >= 2
    assert set(buckets_in(folder)) == declared
