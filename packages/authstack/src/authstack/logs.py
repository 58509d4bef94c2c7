"""`authstack logs`: what the services wrote, and with --follow what they write."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from authstack.errors import StackError
from authstack.options import DataDir, PortOffset, named_stack, service_names

_POLL_SECONDS = 0.2


def logs(
    service: Annotated[
        str | None,
        typer.Argument(
            help="A service, as `status` calls it.",
            show_default=False,
            autocompletion=service_names,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    port_offset: PortOffset = None,
    data_dir: DataDir = None,
) -> None:
    """Print the logs of one service, or of all."""
    folder = named_stack(port_offset, data_dir).logs
    names = [service] if service else sorted(path.stem for path in folder.glob("*.log"))
    for name in names:
        if not (folder / f"{name}.log").is_file():
            raise StackError(f"there is no log of {name!r} in {folder}")
    tails = {name: Tail(folder / f"{name}.log") for name in names}
    width = max(map(len, names), default=0)
    prefix = {name: "" if service else f"{name:{width}} | " for name in names}
    while True:
        for name, tail in tails.items():
            for line in tail.new_lines():
                print(prefix[name] + line, flush=True)
        if not follow:
            return
        time.sleep(_POLL_SECONDS)


class Tail:
    """The lines of a growing file, each once; the last one only when it is complete."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8", errors="replace")
        self._begun = ""

    def new_lines(self) -> Iterator[str]:
        while piece := self._file.readline():
            self._begun += piece
            if self._begun.endswith("\n"):
                line, self._begun = self._begun[:-1], ""
                yield line

    def close(self) -> None:
        self._file.close()
