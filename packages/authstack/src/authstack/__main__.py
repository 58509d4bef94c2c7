"""The command `authstack`."""

import sys

import typer

from authstack.down import down
from authstack.errors import StackError
from authstack.logs import logs
from authstack.restart import restart
from authstack.smoke.command import smoke
from authstack.status import status
from authstack.up import up

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run mcp-authstack on this machine without Docker, look at it, walk through it.",
)
for verb in (up, status, logs, restart, down, smoke):
    app.command()(verb)


def main() -> None:
    try:
        app()
    except StackError as error:
        print(f"authstack: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
