"""What can go wrong between us and the servers, in words for the person in front of it."""

from oauth_kit.rules.bearer import Challenge


class Problem(Exception):
    """A failure to show.

    message: a sentence of our own for the page; never a server's text
    reason:  what exactly was wrong, for the log only
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(reason or message)
        self.message = message
        self.reason = reason


class LogInNeeded(Problem):
    """The resource server takes no token of ours; `challenge` is what it said, if it was asked."""

    def __init__(
        self, message: str, *, challenge: Challenge | None = None, reason: str = ""
    ) -> None:
        super().__init__(message, reason=reason)
        self.challenge = challenge


class TokenRefused(Problem):
    """401 from the resource server (RFC 6750 §3.1)."""

    def __init__(self, challenge: Challenge | None) -> None:
        super().__init__("The resource server refused the access token.", reason="status 401")
        self.challenge = challenge


class MoreScopeNeeded(Problem):
    """403 insufficient_scope from the resource server (RFC 6750 §3.1)."""

    def __init__(self, challenge: Challenge) -> None:
        super().__init__("The access token lacks a scope that this needs.", reason="status 403")
        self.challenge = challenge


class ClientUnknown(Problem):
    """The authorization server does not know this client, or not any more (RFC 6749 §5.2)."""


class GrantEnded(Problem):
    """The code or refresh token is no longer good (RFC 6749 §5.2 `invalid_grant`)."""
