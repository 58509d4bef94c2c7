"""What is under way, on stderr: a line that moves on a terminal, a plain line elsewhere.

NO_COLOR and TERM=dumb are honoured. A step's name and text are ours; no secret comes near them.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Stage = Literal["running", "done", "failed", "skipped"]
Monotonic = Callable[[], float]

_MARKS: Final = {"waiting": "·", "done": "✓", "failed": "✗", "skipped": "-"}
_ASCII_MARKS: Final = {"waiting": ".", "done": "*", "failed": "x", "skipped": "-"}
_STYLES: Final = {
    "waiting": "dim",
    "running": "",
    "done": "green",
    "failed": "red",
    "skipped": "dim",
}
_FRAMES_PER_SECOND: Final = 12


class Progress(Protocol):
    def tell(self, name: str, stage: Stage, what: str = "") -> None:
        """A step is at this stage; `what` says more, in a few words."""
        ...


@dataclass(slots=True)
class _Step:
    stage: Stage | Literal["waiting"] = "waiting"
    what: str = ""
    began: float | None = None
    ended: float | None = None

    def tell(self, stage: Stage, what: str, now: float) -> None:
        self.stage, self.what = stage, what
        self.began = now if self.began is None else self.began
        self.ended = None if stage == "running" else now

    def time(self, now: float) -> str:
        """How long it took, or takes so far; nothing before it begins."""
        if self.began is None:
            return ""
        return f"{(now if self.ended is None else self.ended) - self.began:.1f} s"


class PlainLines:
    """One line for each step when it is over, for logs and pipes."""

    def __init__(
        self, stream: TextIO, names: Sequence[str] = (), clock: Monotonic = time.monotonic
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._steps = {name: _Step() for name in names}

    def tell(self, name: str, stage: Stage, what: str = "") -> None:
        now, step = self._clock(), self._steps.setdefault(name, _Step())
        step.tell(stage, what, now)
        if step.ended is not None:
            print(f"{name}: {what or stage} ({step.time(now)})", file=self._stream, flush=True)


class MovingLines:
    """A line for each step from the beginning, with a spinner and the time while it runs."""

    def __init__(
        self, console: "Console", names: Sequence[str] = (), clock: Monotonic = time.monotonic
    ) -> None:
        from rich.spinner import Spinner

        self._clock = clock
        self._steps = {name: _Step() for name in names}
        plain = not console.encoding.lower().startswith("utf")
        self._marks = _ASCII_MARKS if plain else _MARKS
        self._spinner = Spinner("line" if plain else "dots", style="cyan")

    def tell(self, name: str, stage: Stage, what: str = "") -> None:
        self._steps.setdefault(name, _Step()).tell(stage, what, self._clock())

    def table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        now = self._clock()
        table = Table.grid(padding=(0, 2, 0, 0))
        for name, step in self._steps.items():
            style = _STYLES[step.stage]
            mark = self._marks.get(step.stage)
            table.add_row(
                self._spinner if mark is None else Text(mark, style),
                Text(name),
                Text(step.time(now), "dim", justify="right"),
                Text(step.what, style),
            )
        return table


@contextmanager
def showing(
    names: Sequence[str] = (), *, stream: TextIO | None = None, moving: bool = True
) -> Iterator[Progress]:
    """Show these steps while the context lasts.

    moving: False where somebody is going to type below
    """
    stream = stream or sys.stderr
    if not (moving and stream.isatty()):
        yield PlainLines(stream, names)
        return
    # Imported here: without a terminal nobody needs them
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream)
    if console.is_dumb_terminal:
        yield PlainLines(stream, names)
        return
    lines = MovingLines(console, names)
    with Live(
        get_renderable=lines.table,
        console=console,
        refresh_per_second=_FRAMES_PER_SECOND,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield lines


@contextmanager
def waiting(what: str, *, stream: TextIO | None = None) -> Iterator[None]:
    """A spinner where there is a terminal, nothing elsewhere; it leaves no trace."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield
        return
    from rich.console import Console

    console = Console(file=stream)
    if console.is_dumb_terminal:
        yield
        return
    with console.status(what, spinner_style="cyan"):
        yield
