"""The table of steps."""

import json

import pytest

from authstack.smoke.problems import NotOffered, SmokeFailure
from authstack.smoke.report import ClientReport, Outcome, Step, all_passed, as_record, as_table


def test_a_step_that_fails_is_written_down_and_ends_the_journey() -> None:
    report = ClientReport("dynamic")
    with pytest.raises(SmokeFailure), report.step("token"):
        raise SmokeFailure("no token")
    assert [(step.outcome, step.detail) for step in report.steps] == [("failed", "no token")]
    assert not all_passed([report])


def test_a_connection_that_fails_is_a_failed_step() -> None:
    report = ClientReport("dynamic")
    with pytest.raises(SmokeFailure), report.step("token"):
        raise TimeoutError
    assert report.steps[0].detail == "TimeoutError"


def test_what_is_not_offered_is_skipped_and_the_journey_goes_on() -> None:
    report = ClientReport("dynamic")
    with report.step("REST read"):
        raise NotOffered("there is no REST resource")
    with report.step("refresh"):
        pass
    assert [step.outcome for step in report.steps] == ["skipped", "passed"]
    assert all_passed([report])


def test_when_everything_is_skipped_nothing_has_passed() -> None:
    report = ClientReport("dynamic")
    report.skip("all", "needs --client-id")
    assert not all_passed([report])
    assert not all_passed([])


@pytest.mark.parametrize(
    ("outcomes", "whole", "summary"),
    [
        (["passed", "skipped", "passed"], "passed", "2 passed, 1 skipped"),
        (["passed", "failed"], "failed", "1 passed, 1 failed"),
        (["skipped"], "skipped", "1 skipped"),
        ([], "skipped", ""),
    ],
)
def test_a_client_has_one_outcome(outcomes: list[Outcome], whole: Outcome, summary: str) -> None:
    report = ClientReport("dynamic", [Step("some", outcome) for outcome in outcomes])
    assert (report.outcome, report.summary()) == (whole, summary)


def test_each_step_is_told_before_it_begins() -> None:
    told: list[str] = []
    report = ClientReport("dynamic", on_step=told.append)
    with report.step("token"):
        assert told == ["token"]
    report.skip("refresh", "not offered")
    assert told == ["token"]


def test_the_table_has_a_line_a_step_and_says_what_was_skipped() -> None:
    one, other = ClientReport("preregistered"), ClientReport("metadata_document")
    with one.step("challenge"):
        pass
    other.skip("all", "needs --client-metadata-url")
    lines = as_table([one, other]).splitlines()
    assert lines[0].split() == ["step", "preregistered", "metadata", "document"]
    assert lines[1].split()[0] == "challenge"
    assert "metadata_document: all skipped: needs --client-metadata-url" in lines
    assert lines[-1] == "1 passed, 0 failed, 1 skipped"


def test_the_record_is_json_with_a_verdict() -> None:
    report = ClientReport("dynamic")
    with report.step("challenge"):
        pass
    record = json.loads(json.dumps(as_record("https://mcp.example/mcp", [report])))
    assert record["ok"] is True
    (step,) = record["clients"]["dynamic"]
    assert (step["step"], step["outcome"]) == ("challenge", "passed")
    assert step["seconds"] >= 0
