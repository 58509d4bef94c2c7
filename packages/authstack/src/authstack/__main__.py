"""The command `authstack`."""

import sys

import typer

from authstack.down import down
from authstack.errors import StackError
from authstack.examples import examples
from authstack.logs import logs
from authstack.restart import restart
from authstack.smoke.command import smoke
from authstack.status import status
from authstack.up import up

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run mcp-authstack on this machine without Docker, look at it, walk through it.",
    epilog=examples("authstack up --detach", "authstack smoke", "authstack down"),
)
for verb, commands in (
    (
        up,
        (
            "authstack up",
            "authstack up --detach",
            "RATE_LIMITS=off authstack up --port-offset 1000",
        ),
    ),
    (status, ("authstack status", "authstack status --json | jq .clients")),
    (logs, ("authstack logs bridge --follow", "authstack logs | grep REFERENCE")),
    (restart, ("authstack restart bridge",)),
    (down, ("authstack down", "authstack down --port-offset 1000")),
    (
        smoke,
        (
            "authstack smoke",
            "authstack smoke --resource https://mcp.example/mcp --username me@example.com",
            "authstack smoke --resource https://mcp.example/mcp --browser",
        ),
    ),
):
    app.command(epilog=examples(*commands))(verb)


def main() -> None:
    try:
        app()
    except StackError as error:
        print(f"authstack: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
