"""One stack for the tests of a module, and folders for those that start their own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.stack_command import Command, running_stack


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """Its path is short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="authstack-") as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def stack() -> Iterator[Command]:
    """Several tests share it; each of them leaves it complete."""
    with running_stack(10_000) as command:
        yield command
