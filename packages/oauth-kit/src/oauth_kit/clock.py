"""The time of day, passed to whoever needs it so that tests can choose it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns Unix seconds."""


def system_clock() -> int:
    return int(time.time())
