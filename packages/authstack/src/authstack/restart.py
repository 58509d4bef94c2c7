"""`authstack restart NAME`: end one service gracefully and start it again."""

import asyncio
from typing import Annotated

import typer

from authstack.control import RESTART, give_order
from authstack.errors import StackError
from authstack.options import DataDir, PortOffset, named_stack, service_names
from authstack.progress import waiting
from authstack.state import supervisor_is_alive


def restart(
    name: Annotated[
        str, typer.Argument(help="A service, as `status` calls it.", autocompletion=service_names)
    ],
    port_offset: PortOffset = None,
    data_dir: DataDir = None,
) -> None:
    """End one service and start it again."""
    layout = named_stack(port_offset, data_dir)
    if not supervisor_is_alive(layout.lock_file):
        raise StackError("nothing is running; `authstack up` starts it")
    with waiting(f"restarting {name}"):
        started = asyncio.run(give_order(layout.control_socket, RESTART, name))
    print(f"authstack: started {', '.join(started)}")
