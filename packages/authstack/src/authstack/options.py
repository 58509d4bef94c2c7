"""Options that several verbs share, and the stack that they name."""

from pathlib import Path
from typing import Annotated

import typer

from authstack.layout import Layout, choose_layout, default_data
from authstack.services import embedded_services
from authstack.state import StackState

PortOffset = Annotated[
    int | None,
    typer.Option(
        help="Move every port and public URL; a multiple of 1000.", show_default=False, metavar="N"
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Where state, keys and logs are kept; .authstack/<offset>/ by default.",
        show_default=False,
        file_okay=False,
        metavar="D",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def service_names(incomplete: str) -> list[str]:
    """What a shell offers where a service is to be named."""
    services = embedded_services(choose_layout(0, None), {})
    return [service.name for service in services if service.name.startswith(incomplete)]


def named_stack(port_offset: int | None, data_dir: Path | None) -> Layout:
    """The stack of the options; a running one in that data folder knows its offset itself."""
    if port_offset is None:
        state = StackState.read((data_dir or default_data(0)) / "state.json")
        port_offset = state.port_offset if state else 0
    return choose_layout(port_offset, data_dir)
