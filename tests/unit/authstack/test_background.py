"""The pipe between `up --detach` and the supervisor that it leaves behind."""

import os
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from authstack.background import Report
from authstack.errors import StackError
from authstack.progress import Stage


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, Report]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reader:
        yield reader, Report(writing)


def test_it_tells_how_far_services_are_and_how_it_ended(pipe: tuple[BinaryIO, Report]) -> None:
    reader, report = pipe

    def supervise(report: Report) -> None:
        report.watch("valkey", "running")
        report.watch("valkey", "done")
        report.ready()

    report.about(supervise)
    assert reader.read().decode().splitlines() == [
        '{"service": "valkey", "stage": "running"}',
        '{"service": "valkey", "stage": "done"}',
        '{"error": null}',
    ]


def test_nothing_is_written_after_the_end(pipe: tuple[BinaryIO, Report]) -> None:
    """The descriptor may be somebody else's by then: services are started again for weeks."""
    reader, report = pipe
    report.ready()
    for stage in ("running", "done"):
        report.watch("bridge", stage)
    assert reader.read() == b'{"error": null}\n'


def test_what_stops_it_is_reported_and_raised(pipe: tuple[BinaryIO, Report]) -> None:
    reader, report = pipe

    def supervise(report: Report) -> None:
        raise StackError("port 3004 is in use")

    with pytest.raises(StackError, match="port 3004"):
        report.about(supervise)
    assert reader.read() == b'{"error": "port 3004 is in use"}\n'


@pytest.mark.parametrize("stages", [("running", "done"), ("running",)])
def test_nobody_has_to_listen(stages: tuple[Stage, ...]) -> None:
    reading, writing = os.pipe()
    report = Report(writing)
    os.close(reading)
    for stage in stages:
        report.watch("valkey", stage)
    report.ready()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)
