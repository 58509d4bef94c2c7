"""Timeline, console and attacks of the demo clients, in containers: the same tests as on the
embedded stack."""

from e2e.test_attacks import *  # noqa: F403 -- tests and fixtures, with this folder's `stack`
from e2e.test_console import *  # noqa: F403
from e2e.test_timeline import *  # noqa: F403
