"""What `--help` shows below the options: commands to copy."""


def examples(*commands: str) -> str:
    """An epilog. Each command stands on a line of its own: Typer joins what no empty line parts."""
    return "\n\n".join(("Examples:", *(f"  $ {command}" for command in commands)))
