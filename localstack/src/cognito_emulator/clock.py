"""The time of day, so that rules and state never ask for it themselves."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the present moment in Unix seconds."""


def system_clock() -> int:
    """Now."""
    return int(time.time())
