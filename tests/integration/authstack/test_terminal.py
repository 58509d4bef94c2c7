"""`up`, `smoke` and `down` as a person at a terminal sees them, and as a log does."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.stack_command import Command
from fakes.terminal import at_a_terminal

SERVICES = ("valkey", "emulator", "registrar", "bridge", "resource", "client-dynamic")


@pytest.fixture
def command(new_folder: Path) -> Iterator[Command]:
    command = Command(new_folder, 15_000)
    yield command
    command.run("down")


def secrets_of(command: Command) -> list[str]:
    """Whatever stands in a secret file, word by word."""
    files = [path for path in (command.data / "secrets").rglob("*") if path.is_file()]
    return [word for path in files for word in path.read_text().split() if len(word) > 8]


@pytest.mark.requirement("OP1")
def test_a_terminal_shows_steps_that_move_and_no_secret(command: Command) -> None:
    started = at_a_terminal(command.arguments("up", "--detach"))
    walked = at_a_terminal(command.arguments("smoke"), {"NO_COLOR": "1"})
    ended = at_a_terminal(command.arguments("down"))

    assert [each.returncode for each in (started, walked, ended)] == [0, 0, 0], started.text
    assert started.moves
    assert started.is_coloured
    assert all(f"✓  {name}" in started.text for name in SERVICES)
    assert "⠋" in started.text
    assert "mcp-authstack is ready" in started.text

    assert walked.moves
    assert not walked.is_coloured
    assert "21 passed" in walked.text
    assert "63 passed, 0 failed, 0 skipped" in walked.text

    assert "ending every process" in ended.text
    assert ended.text.rstrip().endswith("authstack: everything has ended")

    secrets = secrets_of(command)
    assert len(secrets) > 5
    shown = started.written + walked.written + ended.written
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.requirement("OP1")
def test_a_log_gets_plain_lines_beside_the_result(command: Command) -> None:
    started = command.run("up", "--detach", environment={**os.environ, "FORCE_COLOR": "1"})
    walked = command.run("smoke")
    assert (started.returncode, walked.returncode) == (0, 0), started.stderr + walked.stdout
    lines = started.stderr.splitlines()
    assert {line.partition(":")[0] for line in lines} >= set(SERVICES)
    assert all(" ready (" in line and line.endswith(" s)") for line in lines)
    assert [line.partition(" passed (")[0] for line in walked.stderr.splitlines()] == [
        "preregistered: 21",
        "dynamic: 21",
        "metadata_document: 21",
    ]
    assert walked.stdout.startswith("step ")
    assert "\x1b" not in started.stdout + started.stderr + walked.stdout + walked.stderr
    again = command.run("up")
    assert (again.stdout, again.stderr) == ("authstack: nothing to do, all is running\n", "")
