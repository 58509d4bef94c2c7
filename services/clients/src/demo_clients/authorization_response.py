"""Judge what came back to the redirect URI (RFC 6749 §4.1.2, RFC 9207 §2.4)."""

from collections.abc import Sequence
from typing import Final

from demo_clients.problems import Problem

_SINGLE = frozenset({"code", "state", "iss", "error"})

# Fixed sentences: `error_description` is written by whoever made the link, so it is never our
# message. The timeline quotes it, among the parameters, where the issuer is right.
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


def issuer_mismatch(
    parameters: Sequence[tuple[str, str]], *, issuer: str, iss_promised: bool
) -> str:
    """Why the response is not to be taken for this issuer's, "" when it is (RFC 9207 §2.4)."""
    named = [value for key, value in parameters if key == "iss" and value]
    if not named:
        return "iss missing" if iss_promised else ""
    return "" if named == [issuer] else "iss mismatch"


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
    # the issuer comes first: until it is right, nothing else in the response means anything
    mismatch = issuer_mismatch(parameters, issuer=issuer, iss_promised=iss_promised)
    if mismatch:
        raise ForeignResponse(_FOREIGN, reason=mismatch)
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
