"""What a deployment does that a client, or a browser, cannot accept."""


class SmokeFailure(Exception):
    """One sentence for the table; never a token, a code or a secret."""


class NotOffered(Exception):
    """The deployment does not have this, so the step is skipped."""
