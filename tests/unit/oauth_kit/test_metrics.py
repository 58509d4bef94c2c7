"""Metrics whose labels nobody outside can choose, alone and shared by several workers."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from fakes.scraped import Scraped
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import values

from oauth_kit.metrics import (
    CONTENT_TYPE,
    OTHER,
    Counter,
    Metrics,
    count_as,
    count_in_files,
    forget,
    uncounted,
)

Animal = Literal["cat", "dog"]
Mood = Literal["calm", "cross"]


class Seen(Metrics):
    def __init__(self) -> None:
        super().__init__()
        self.animals: Counter[Animal, Mood] = self.counter(
            "seen_total", "Animals", animal=Animal, mood=Mood
        )
        self.ghosts: Counter[()] = self.counter("ghosts_total", "Ghosts")
        self.weight = self.gauge("weight", "Weight")

    def scraped(self) -> Scraped:
        return Scraped.of(self.render().decode())


@pytest.mark.requirement("OP1")
@given(animal=st.text(), mood=st.text())
def test_what_nobody_declared_is_counted_and_not_named(animal: str, mood: str) -> None:
    seen = Seen()
    seen.animals.add(animal, mood)  # type: ignore[arg-type]
    assert seen.scraped().label_values() <= {"cat", "dog", "calm", "cross", OTHER}
    assert seen.scraped().sum("seen_total") == 1


@pytest.mark.requirement("OP1")
def test_a_declared_label_beside_an_undeclared_one_is_kept() -> None:
    seen = Seen()
    seen.animals.add("cat", "canary")  # type: ignore[arg-type]
    assert seen.scraped().by("seen_total", "animal") == {"cat": 1}
    assert seen.scraped().by("seen_total", "mood") == {OTHER: 1}


def test_every_declared_series_is_there_from_the_start() -> None:
    samples = [sample for sample in Seen().scraped().samples if sample.name == "seen_total"]
    assert [sample.value for sample in samples] == [0, 0, 0, 0]
    assert {(sample.labels["animal"], sample.labels["mood"]) for sample in samples} == {
        ("cat", "calm"),
        ("cat", "cross"),
        ("dog", "calm"),
        ("dog", "cross"),
    }


def test_one_more_is_one_more_of_that_series_only() -> None:
    seen = Seen()
    for _ in range(3):
        seen.animals.add("dog", "calm")
    seen.ghosts.add()
    assert seen.scraped().sum("seen_total", animal="dog", mood="calm") == 3
    assert seen.scraped().sum("seen_total") == 3
    assert seen.scraped().sum("ghosts_total") == 1


def test_two_applications_of_one_process_share_nothing() -> None:
    one, other = Seen(), Seen()
    one.animals.add("dog", "calm")
    assert other.scraped().sum("seen_total") == 0


def test_the_text_is_what_prometheus_reads() -> None:
    text = Seen().render().decode()
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE seen_total counter\n" in text
    assert "_created" not in text


def test_a_part_without_a_service_counts_nothing() -> None:
    uncounted()
    uncounted("hit", 1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where workers share what they count; each `worker(n)` is one of them."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    count_in_files(str(tmp_path))
    yield tmp_path
    values.close_all_multiprocess_files()


def worker(place: int) -> Seen:
    count_as(place)
    return Seen()


def test_workers_answer_with_the_sum(folder: Path) -> None:
    one, other = worker(0), worker(1)
    one.animals.add("cat", "calm")
    for _ in range(2):
        other.animals.add("cat", "calm")
    for either in (one, other):
        assert either.scraped().sum("seen_total", animal="cat", mood="calm") == 3
        assert "_created" not in either.render().decode()


def test_whoever_takes_a_dead_workers_place_goes_on_with_its_count(folder: Path) -> None:
    for _ in range(5):
        worker(0).ghosts.add()
        forget(0)
    surviving = worker(1)
    surviving.ghosts.add()
    assert surviving.scraped().sum("ghosts_total") == 6
    assert sorted(path.name for path in folder.glob("counter_*")) == [
        "counter_0.db",
        "counter_1.db",
    ]


def test_of_a_fact_the_last_word_counts(folder: Path) -> None:
    one, other = worker(0), worker(1)
    other.weight.set(math.nan)
    one.weight.set(5)
    other.weight.set(4)
    assert other.scraped().sum("weight") == one.scraped().sum("weight") == 4
