"""What was walked, how long it took, and what went wrong."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp

from authstack.smoke.problems import NotOffered, SmokeFailure

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""


@dataclass(slots=True)
class ClientReport:
    """The steps of one kind of client, in order."""

    kind: str
    steps: list[Step] = field(default_factory=list)
    on_step: Callable[[str], None] = lambda name: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step. A failure is written down and raised, so the journey ends."""
        began = time.perf_counter()
        self.on_step(name)
        try:
            yield
        except NotOffered as reason:
            self.skip(name, str(reason))
        except SmokeFailure as failure:
            self._add(name, "failed", began, str(failure))
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            detail = str(error) or type(error).__name__
            self._add(name, "failed", began, detail)
            raise SmokeFailure(detail) from error
        else:
            self._add(name, "passed", began, "")

    def skip(self, name: str, reason: str) -> None:
        self.steps.append(Step(name, "skipped", detail=reason))

    def _add(self, name: str, outcome: Outcome, began: float, detail: str) -> None:
        self.steps.append(Step(name, outcome, time.perf_counter() - began, detail))

    @property
    def outcome(self) -> Outcome:
        """Of the whole: one failure is enough, and skipping everything is no success."""
        if self.count("failed"):
            return "failed"
        return "passed" if self.count("passed") else "skipped"

    def summary(self) -> str:
        """`22 passed, 1 skipped`"""
        counts = ((self.count(outcome), outcome) for outcome in _OUTCOMES)
        return ", ".join(f"{number} {outcome}" for number, outcome in counts if number)

    def count(self, outcome: Outcome) -> int:
        return sum(step.outcome == outcome for step in self.steps)


def as_record(resource: str, reports: list[ClientReport]) -> dict[str, object]:
    return {
        "ok": all_passed(reports),
        "resource": resource,
        "clients": {
            report.kind: [
                {
                    "step": step.name,
                    "outcome": step.outcome,
                    "seconds": round(step.seconds, 4),
                    **({"detail": step.detail} if step.detail else {}),
                }
                for step in report.steps
            ]
            for report in reports
        },
    }


def all_passed(reports: list[ClientReport]) -> bool:
    """Nothing failed, and something was done at all."""
    outcomes = {report.outcome for report in reports}
    return "passed" in outcomes and "failed" not in outcomes


def as_table(reports: list[ClientReport]) -> str:
    """One line a step, one column a client, then what was skipped or failed and why."""
    names = list(dict.fromkeys(step.name for report in reports for step in report.steps))
    titles = [report.kind.replace("_", " ") for report in reports]
    first = max(map(len, names), default=4)
    lines = ["  ".join([f"{'step':{first}}", *(f"{title:>17}" for title in titles)])]
    for name in names:
        cells = [_cell(report, name) for report in reports]
        lines.append("  ".join([f"{name:{first}}", *(f"{cell:>17}" for cell in cells)]))
    lines += [
        f"{report.kind}: {step.name} {step.outcome}: {step.detail}"
        for report in reports
        for step in report.steps
        if step.detail
    ]
    totals = {each: sum(report.count(each) for report in reports) for each in _OUTCOMES}
    lines.append(", ".join(f"{number} {outcome}" for outcome, number in totals.items()))
    return "\n".join(lines)


_OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "skipped")


def _cell(report: ClientReport, name: str) -> str:
    step = next((each for each in report.steps if each.name == name), None)
    if step is None:
        return ""
    return f"{step.seconds * 1000:.0f} ms" if step.outcome == "passed" else step.outcome
