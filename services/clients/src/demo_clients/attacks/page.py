"""What the page shows of each attack: whether it can be tried, and what came of it."""

from dataclasses import dataclass, replace
from typing import Final

from demo_clients.attacks.attack import Attack
from demo_clients.attacks.bearer_tokens import EXPIRED_MARGIN_SECONDS, oldest_end
from demo_clients.attacks.catalog import ATTACKS
from demo_clients.sessions import Attempt, Session
from demo_clients.timeline.presented import Presented, present
from demo_clients.timeline.vocabulary import clock_time
from oauth_kit.rules.scopes import ScopePolicy

DETAILS: Final = "of"
_RESULTS: Final = {
    True: ("refused", "Refused, as it must be"),
    False: ("accepted", "NOT refused"),
    None: ("undecided", "No verdict"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """obstacle: why it cannot be tried now, "" when it can

    exchanges: of one row, so that the page stays light; of the others `details` leads to them
    """

    attack: Attack
    obstacle: str
    result: str
    headline: str
    sentence: str
    exchanges: tuple[Presented, ...] = ()
    details: str = ""


def make_rows(
    session: Session, *, scope_policy: ScopePolicy, now: int, asked_for: str = ""
) -> list[Row]:
    """asked_for: the attack whose exchanges are shown, else those of the latest"""
    latest = next(reversed(session.attempts), "")
    opened = asked_for if asked_for in session.attempts else latest
    return [
        _row(
            attack,
            session.attempts.get(attack.name),
            _obstacle(attack, session, scope_policy, now),
            is_open=attack.name == opened,
        )
        for attack in ATTACKS.values()
    ]


def _row(attack: Attack, attempt: Attempt | None, obstacle: str, *, is_open: bool) -> Row:
    if attempt is None:
        return Row(attack, obstacle, "", "", "")
    row = Row(attack, obstacle, *_RESULTS[attempt.refused], attempt.sentence)
    if is_open:
        return replace(row, exchanges=tuple(present(one) for one in attempt.exchanges))
    return replace(
        row, details=f"?{DETAILS}={attack.name}#{attack.name}" if attempt.exchanges else ""
    )


def _obstacle(attack: Attack, session: Session, scope_policy: ScopePolicy, now: int) -> str:
    if attack.needs in ("nothing", "authorization"):
        return ""
    if session.tokens is None:
        return "Log in first: it is tried with your token."
    if attack.needs == "missing_scope" and scope_policy.covers(
        session.tokens.granted, scope_policy.supported
    ):
        return "Your token lacks no scope. Log out and in again, and it does."
    if attack.needs == "expired_token":
        return _time_left(session, now)
    return ""


def _time_left(session: Session, now: int) -> str:
    ends_at = oldest_end(session)
    if ends_at is None:
        return "Nobody has said when your token ends."
    ready_at = ends_at + EXPIRED_MARGIN_SECONDS
    if now >= ready_at:
        return ""
    minutes, seconds = divmod(ready_at - now, 60)
    return (
        f"Every token here is still good. The oldest ends at {clock_time(str(ends_at))}, and "
        f"clocks may differ by a minute: come back in {minutes} min {seconds} s."
    )
