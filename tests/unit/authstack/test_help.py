"""`--help`, completion, and a terminal that wants no colour."""

import os
import subprocess

import pytest
from fakes.stack_command import COMMAND
from fakes.terminal import at_a_terminal
from typer.testing import CliRunner

from authstack.__main__ import app

VERBS = ["up", "status", "logs", "restart", "down", "smoke"]


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_has_an_example_to_copy(verb: str) -> None:
    arguments = [*verb.split(), "--help"]
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    _, _, examples = shown.output.partition("Examples:")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert lines
    assert all("authstack " in line and line.startswith("$ ") for line in lines)
    assert any(f"authstack {verb}" in line for line in lines)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("re", ["restart"]),
        ("restart b", ["bridge"]),
        ("logs client-p", ["client-preregistered"]),
        ("logs nobody", []),
        ("up --de", ["--detach"]),
    ],
)
def test_a_shell_completes_verbs_options_and_services(typed: str, offered: list[str]) -> None:
    words = f"authstack {typed}"
    done = subprocess.run(
        [str(COMMAND)],
        env={
            **os.environ,
            "_AUTHSTACK_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stdout.split() == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    arguments = [str(COMMAND), "--show-completion", shell]
    done = subprocess.run(
        arguments,
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0
    assert "authstack" in done.stdout


def test_help_is_coloured_at_a_terminal_unless_nobody_wants_that() -> None:
    arguments = [str(COMMAND), "--help"]
    assert at_a_terminal(arguments).is_coloured
    assert not at_a_terminal(arguments, {"NO_COLOR": "1"}).is_coloured
    assert not at_a_terminal(arguments, {"TERM": "dumb"}).is_coloured
