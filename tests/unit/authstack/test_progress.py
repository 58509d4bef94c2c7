"""What is under way: a moving line on a terminal, a plain one elsewhere."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from authstack.progress import MovingLines, PlainLines, Stage, showing, waiting

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Clock:
    """Every look is half a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    with io.StringIO() as stream:
        yield stream


def rendered(lines: MovingLines, encoding: str = "utf-8") -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(lines.table())
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def moving(*names: str, encoding: str = "utf-8") -> MovingLines:
    raw = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return MovingLines(Console(file=raw), names, Clock())


@pytest.mark.parametrize(
    ("stage", "what", "line"),
    [
        ("done", "ready", "valkey: ready (0.5 s)\n"),
        ("failed", "", "valkey: failed (0.5 s)\n"),
        ("skipped", "needs an id", "valkey: needs an id (0.5 s)\n"),
        ("running", "starts", ""),
    ],
)
def test_elsewhere_a_step_has_one_line_when_it_is_over(
    stream: io.StringIO, stage: Stage, what: str, line: str
) -> None:
    lines = PlainLines(stream, ["valkey"], Clock())
    lines.tell("valkey", "running", "starts")
    lines.tell("valkey", stage, what)
    assert stream.getvalue() == line


def test_on_a_terminal_all_steps_are_there_from_the_beginning() -> None:
    lines = moving("valkey", "bridge")
    assert rendered(lines) == ["· valkey", "· bridge"]


def test_a_running_step_has_a_spinner_and_its_time() -> None:
    lines = moving("valkey")
    lines.tell("valkey", "running", "starts")
    (first,), (second,) = rendered(lines), rendered(lines)
    assert first[0] in FRAMES
    assert [first[1:], second[1:]] == [" valkey 0.5 s starts", " valkey 1.0 s starts"]


@pytest.mark.parametrize(
    ("stage", "mark", "ascii_mark"),
    [("done", "✓", "*"), ("failed", "✗", "x"), ("skipped", "-", "-")],
)
def test_a_step_that_is_over_keeps_its_time(stage: Stage, mark: str, ascii_mark: str) -> None:
    for encoding, expected in (("utf-8", mark), ("latin-1", ascii_mark)):
        lines = moving("bridge", encoding=encoding)
        lines.tell("bridge", "running", "starts")
        lines.tell("bridge", stage, "said")
        assert rendered(lines) == rendered(lines) == [f"{expected} bridge 0.5 s said"]


def test_a_step_nobody_announced_is_added() -> None:
    lines = moving("valkey")
    lines.tell("late", "running", "")
    assert rendered(lines)[1].endswith("late 0.5 s")


def test_a_name_is_text_and_no_markup() -> None:
    lines = moving("[red]x[/red]")
    assert rendered(lines) == ["· [red]x[/red]"]


def test_where_there_is_no_terminal_nothing_moves(stream: io.StringIO) -> None:
    with showing(["a"], stream=stream) as progress, waiting("x", stream=stream):
        progress.tell("a", "done", "ready")
    assert isinstance(progress, PlainLines)
    assert "\x1b" not in stream.getvalue()


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_where_somebody_types_nothing_moves() -> None:
    with showing(["a"], stream=Terminal(), moving=False) as progress:
        assert isinstance(progress, PlainLines)


@pytest.mark.parametrize(("term", "kind"), [("dumb", PlainLines), ("xterm", MovingLines)])
def test_a_dumb_terminal_is_none(
    monkeypatch: pytest.MonkeyPatch, term: str, kind: type[object]
) -> None:
    monkeypatch.setenv("TERM", term)
    stream = Terminal()
    with waiting("wait", stream=stream):
        pass
    assert ("wait" in stream.getvalue()) == (term != "dumb")
    with showing(["a"], stream=Terminal()) as progress:
        assert isinstance(progress, kind)
