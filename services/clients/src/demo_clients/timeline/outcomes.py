"""What an exchange turned out to be about: its outcome may tell more than its step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from demo_clients.timeline.exchange import Check, Exchange, Step
from demo_clients.timeline.explanations import (
    CHECKS,
    MCP_REVISION,
    STEP_UP,
    STEPS,
    Explanation,
    mcp,
    rfc,
)
from demo_clients.timeline.secrets import MASKED

_FORMER_REVISION: Final = "2025-11-25"

_CALL_REFUSED: Final = Explanation(
    "The token is refused",
    "The token is expired, revoked, altered or somebody else's; the challenge says where to get "
    "one.",
    *rfc(6750, "3.1"),
)
_MORE_SCOPE: Final = Explanation(
    "More scope is needed",
    "The token is good, but not for this; the challenge names the scopes, and the client asks the "
    "person for them (step-up).",
    *mcp("scope challenge handling"),
)
_TOKEN_REFUSED: Final = Explanation(
    "No token is issued",
    "The authorization server says why in error; invalid_grant is the answer to a code or "
    "refresh token that is spent, expired or another client's.",
    *rfc(6749, "5.2"),
)
_NOTHING_GRANTED: Final = Explanation(
    "Authorization error response",
    "The browser comes back without a code, and error says why nothing was granted: access_denied "
    "when the person said no.",
    *rfc(6749, "4.1.2.1"),
)
_ROTATED: Final = Explanation(
    "Refresh",
    "The refresh token is swapped for new tokens, a successor of its own among them: should the "
    "old one come again later, one of the two may have been stolen.",
    *rfc(9700, "4.14.2"),
)
_STEP_UP: Final = Explanation(
    "Authorization request",
    "The same request once more, with the scope that was missing besides all that was asked for "
    "before: the person is asked again, and may refuse.",
    *mcp("step-up authorization flow"),
)
_NOT_REGISTERED: Final = Explanation(
    "Registration is refused",
    "The authorization server says in error which part of the metadata it does not take.",
    *rfc(7591, "3.2.2"),
)

OUTCOMES: Final[Mapping[tuple[Step, int], Explanation]] = {
    **{(step, 401): _CALL_REFUSED for step in ("mcp", "rest")},
    **{(step, 403): _MORE_SCOPE for step in ("mcp", "rest")},
    **{(step, status): _TOKEN_REFUSED for step in ("token", "refresh") for status in (400, 401)},
    ("registration", 400): _NOT_REGISTERED,
}
"""Where the status changes what an exchange is about."""


def explain(exchange: Exchange) -> Explanation:
    explanation = _particular(exchange) or STEPS[exchange.step].explanation
    if not _speaks_former(exchange):
        return explanation
    return replace(
        explanation,
        reference=explanation.reference.replace(MCP_REVISION, _FORMER_REVISION),
        link=explanation.link.replace(MCP_REVISION, _FORMER_REVISION),
    )


def _particular(exchange: Exchange) -> Explanation | None:
    """What it is about beyond its step."""
    match exchange.step:
        case "authorization_request" if exchange.detail.startswith(STEP_UP):
            return _STEP_UP
        case "authorization_response" if _tells_an_error(exchange):
            return _NOTHING_GRANTED
        case "refresh" if Check(CHECKS["rotated"]) in exchange.checks:
            return _ROTATED
    known = OUTCOMES.get((exchange.step, exchange.status or 0))
    return None if known is _MORE_SCOPE and not _asks_for_scope(exchange) else known


def _speaks_former(exchange: Exchange) -> bool:
    """The first message of that revision, initialize, has no header to say so."""
    headers = exchange.request.headers
    revision = [value for name, value in headers if name.lower() == "mcp-protocol-version"]
    return revision[0] == _FORMER_REVISION if revision else exchange.step == "mcp"


def _tells_an_error(exchange: Exchange) -> bool:
    """One that is masked is no server's word: nobody knows who wrote it."""
    parts = exchange.url.partition("?")[2].split("&")
    return any(part.startswith("error=") and part != f"error={MASKED}" for part in parts)


def _asks_for_scope(exchange: Exchange) -> bool:
    headers = exchange.response.headers
    challenges = [value for name, value in headers if name.lower() == "www-authenticate"]
    return any("insufficient_scope" in challenge for challenge in challenges)
