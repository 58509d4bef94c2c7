"""What the start page tells people to do works in containers: the same tests as on the embedded
stack."""

from e2e.test_start_page import *  # noqa: F403
