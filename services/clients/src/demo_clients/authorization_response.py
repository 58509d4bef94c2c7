"""Judge what came back to the redirect URI (RFC 6749 §4.1.2, RFC 9207 §2.4)."""

from collections.abc import Sequence
from typing import Final

from demo_clients.problems import Problem

_SINGLE = frozenset({"code", "state", "iss", "error"})

# Fixed sentences: `error_description` is written by whoever made the link, so it is never shown.
_ERRORS: Final[dict[str, str]] = {
    "access_denied": "You denied access.",
    "invalid_scope": "The authorization server does not grant the scopes that were asked for.",
    "invalid_request": "The authorization server did not accept our request.",
    "invalid_target": "The authorization server does not know this resource.",
    "unauthorized_client": "The authorization server does not allow this client to log in.",
    "unsupported_response_type": "The authorization server does not support this log-in.",
    "server_error": "The authorization server had a problem. Try again.",
    "temporarily_unavailable": "The authorization server is busy. Try again shortly.",
}
_OTHER_ERROR = "The authorization server refused the log-in."


class ForeignResponse(Problem):
    """The response comes from another authorization server than the one that was asked."""


def parameter(parameters: Sequence[tuple[str, str]], name: str) -> str | None:
    """The value of a parameter that may stand there once. Empty counts as absent."""
    values = [value for key, value in parameters if key == name and value]
    return values[0] if len(values) == 1 else None


def read_authorization_response(
    parameters: Sequence[tuple[str, str]], *, issuer: str, iss_promised: bool
) -> str:
    """Return the code, or raise Problem.

    parameters:   the query, in order, as it was sent
    issuer:       the one recorded before the browser was sent away; compared byte for byte
    iss_promised: its metadata says that every response carries `iss`
    """
    for name in _SINGLE:
        if len([key for key, _ in parameters if key == name]) > 1:
            raise Problem("The answer to the log-in is malformed.", reason=f"{name} is repeated")
    iss = parameter(parameters, "iss")
    # the issuer comes first: until it is right, nothing else in the response means anything
    if iss is not None and iss != issuer:
        raise ForeignResponse(_FOREIGN, reason="iss mismatch")
    if iss is None and iss_promised:
        raise ForeignResponse(_FOREIGN, reason="iss missing")
    error = parameter(parameters, "error")
    if error is not None:
        known = error if error in _ERRORS else "other"
        raise Problem(_ERRORS.get(error, _OTHER_ERROR), reason=f"error: {known}")
    code = parameter(parameters, "code")
    if code is None:
        raise Problem("The answer to the log-in has no code.", reason="code missing")
    return code


_FOREIGN = (
    "The answer did not come from the authorization server that was asked. Nothing of it was used."
)
