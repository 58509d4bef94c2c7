"""What is counted and timed, in Prometheus' terms.

Every value of every label is declared in the code: nothing that a stranger sends can become one.
"""

import os
from collections.abc import Sequence
from itertools import product
from typing import Any, Final, Generic, TypeVarTuple, get_args

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest, values
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
OTHER: Final = "other"
"""What an undeclared value is counted as: a mistake of ours costs its detail and no request."""

SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)

# the library's own name for the folder of the workers' files
_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

Labels = TypeVarTuple("Labels")

# a second series for the time at which each one began: nobody asks for it
prometheus_client.disable_created_metrics()


def uncounted(*values: object) -> None:
    """For a part that is built without a service around it."""


class Counter(Generic[*Labels]):
    """A counter whose series all exist from the start, at 0. Its labels are Literals."""

    def __init__(
        self, counter: prometheus_client.Counter, declared: Sequence[tuple[str, ...]]
    ) -> None:
        self._counter = counter
        self._declared = declared
        self._series: dict[Any, prometheus_client.Counter] = {
            labels: counter.labels(*labels) if labels else counter for labels in product(*declared)
        }

    def add(self, *labels: *Labels) -> None:
        series = self._series.get(labels)
        if series is None:
            series = self._undeclared(labels)
        series.inc()

    def _undeclared(self, labels: tuple[object, ...]) -> prometheus_client.Counter:
        known = zip(labels, self._declared, strict=True)
        return self._counter.labels(*(one if one in ones else OTHER for one, ones in known))


class Metrics:
    """The metrics of one application. None is global: several applications fit into a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

    def counter(self, name: str, tells: str, **labels: Any) -> "Counter[*tuple[Any, ...]]":
        """labels: for each label the Literal of its values"""
        counter = prometheus_client.Counter(name, tells, tuple(labels), registry=self._registry)
        return Counter(counter, [get_args(literal) for literal in labels.values()])

    def histogram(self, name: str, tells: str, labels: Sequence[str]) -> Histogram:
        """Of seconds. Whoever observes them sees to it that the labels' values are few."""
        return Histogram(name, tells, labels, buckets=SECONDS, registry=self._registry)

    def gauge(self, name: str, tells: str) -> Gauge:
        """Of a fact that is the same for all workers: the last one to set it is right."""
        return Gauge(name, tells, registry=self._registry, multiprocess_mode="mostrecent")

    def render(self) -> bytes:
        """The text of all metrics, summed over the workers where there are several."""
        folder = os.environ.get(_FOLDER)
        if folder is None:
            return generate_latest(self._registry)
        summed = CollectorRegistry()
        MultiProcessCollector(summed, folder)
        return generate_latest(summed)


def count_in_files(folder: str) -> None:
    """From now on processes that `count_as` a worker share their metrics in this folder."""
    os.environ[_FOLDER] = folder


def count_as(worker: int) -> None:
    """Count in the file of this worker, before any metric is made.

    The number is a place among the workers that run at the same time. Whoever takes the place of
    one that died goes on with its file: nothing is lost, and there are never more files.
    """
    values.ValueClass = values.MultiProcessValue(lambda: worker)


def forget(worker: int) -> None:
    """A worker has ended; what it counted stays."""
    mark_process_dead(worker)
