"""What an attack is: who tries what, where it is forbidden, and how its outcome is judged."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from demo_clients.attacks.lab import Lab
from demo_clients.outgoing import Answer
from demo_clients.sessions import PendingLogin, Session, SessionId

Needs = Literal["nothing", "login", "missing_scope", "expired_token", "authorization"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """refused: None when nothing is decided; sentence: why we say so"""

    refused: bool | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Separate:
    """An authorization made for an attack alone: its code, not swapped yet."""

    login: PendingLogin
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Situation:
    """Who tries it, with what. `separate` is there for attacks that need an authorization."""

    session_id: SessionId
    session: Session
    separate: Separate | None = None


@dataclass(frozen=True, slots=True)
class Attack:
    """One row of the panel.

    story:    what an attacker would do, and hope for
    expected: what has to come of it
    cost:     what it does to the visitor, "" for nothing
    run:      raises Problem when it cannot be tried
    """

    name: str
    title: str
    story: str
    expected: str
    reference: str
    link: str
    needs: Needs
    run: Callable[[Lab, Situation], Awaitable[Verdict]]
    cost: str = ""


def undecided(answer: Answer) -> Verdict:
    """Neither let in nor refused as the standard says: broken, busy, or about something else."""
    is_away = answer.status == 429 or answer.status >= 500
    return Verdict(
        None,
        f"The server answered {answer.status}: "
        + ("busy or broken, no decision." if is_away else "not the refusal that is due to this."),
    )


def refused_with_challenge(
    answer: Answer, status: int, error: str, *, why: str, danger: str
) -> Verdict:
    """Only what RFC 6750 §3.1 asks for is a refusal, and only an answer that gives is none."""
    challenge = answer.bearer_challenge()
    told = challenge.parameters.get("error") if challenge else None
    if answer.status == status and told == error:
        return Verdict(True, why)
    if answer.status < 400:
        return Verdict(False, f"The server answered {answer.status}. {danger}")
    if answer.status == status:
        return Verdict(None, f"The server answered {status} without saying {error}.")
    return undecided(answer)


def error_of(answer: Answer) -> str:
    """The `error` of an OAuth answer, "" for anything else."""
    try:
        error = answer.json_object().get("error")
    except ValueError:
        return ""
    return error if isinstance(error, str) else ""
