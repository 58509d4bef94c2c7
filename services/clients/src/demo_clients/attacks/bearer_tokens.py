"""Access tokens that are not good, or not good enough (RFC 6750 §3.1, RFC 9068 §4)."""

import base64
import json
from typing import Final

from demo_clients.attacks.attack import Situation, Verdict, refused_with_challenge
from demo_clients.attacks.lab import Lab
from demo_clients.outgoing import Answer
from demo_clients.problems import Problem, TokenRefused
from demo_clients.sessions import Session
from demo_clients.timeline.jwt_view import unverified_parts
from oauth_kit.rules.scopes import render_scope

# resource servers forgive clocks that differ by a minute, hardly ever more
EXPIRED_MARGIN_SECONDS: Final = 90
_DRAFT: Final = {"title": "Written without the scope", "content": "This must not exist."}


async def altered_token(lab: Lab, situation: Situation) -> Verdict:
    """A good token made into one that says more: with its old signature, then with none."""
    everything = render_scope((*lab.scope_policy.supported, "admin"))

    async def send(token: str) -> tuple[Answer, list[Answer]]:
        control = await lab.contexts(token, "as it was issued", step="control_on_resource")
        if control.status == 401:
            raise TokenRefused(control.bearer_challenge())
        return control, [
            await lab.contexts(altered, what) for altered, what in alter(token, everything)
        ]

    control, answers = await lab.access.call(situation.session_id, send)
    if control.status != 200:
        return Verdict(None, f"The token as it was issued is answered {control.status} already.")
    verdicts = [_judge_altered(answer) for answer in answers]
    return next((one for one in verdicts if not one.refused), verdicts[-1])


def _judge_altered(answer: Answer) -> Verdict:
    return refused_with_challenge(
        answer,
        401,
        "invalid_token",
        why="Claims that nobody signed are believed by nobody. As it was issued, it is taken.",
        danger="It believed claims that anybody can write.",
    )


async def expired_token(lab: Lab, situation: Situation) -> Verdict:
    token = held_expired_token(situation.session, lab.clock())
    if token is None:
        raise Problem("This client holds no token that has expired.")
    return refused_with_challenge(
        await lab.contexts(token, "with an expired token"),
        401,
        "invalid_token",
        why="Its time is over, so it opens nothing: a token that leaks is of little use for long.",
        danger="The token has expired, and opened the door all the same.",
    )


async def missing_scope(lab: Lab, situation: Situation) -> Verdict:
    answer = await lab.access.call(
        situation.session_id,
        lambda token: lab.contexts(token, "writing with a token that may read", _DRAFT),
    )
    return refused_with_challenge(
        answer,
        403,
        "insufficient_scope",
        why="The token is good, but not for writing. The challenge names the scopes to ask for.",
        danger="Something was written with a token that may only read.",
    )


def alter(token: str, scope: str) -> list[tuple[str, str]]:
    """The same token with more scope: signed as before, and declared to need no signature."""
    parts = unverified_parts(token)
    if parts is None:
        middle = len(token) // 2
        other = "A" if token[middle] != "A" else "B"
        altered = f"{token[:middle]}{other}{token[middle + 1 :]}"
        return [(altered, "with one character changed")]
    header, _, signature = token.split(".")
    claims = _encoded({**dict(parts[1]), "scope": scope})
    unsigned = _encoded({**dict(parts[0]), "alg": "none"})
    return [
        (f"{header}.{claims}.{signature}", "more scope under the old signature"),
        (f"{unsigned}.{claims}.", "more scope and no signature"),
    ]


def held_expired_token(session: Session, now: int) -> str | None:
    """The token of longest ago, when its time is over for everybody."""
    ends_at = oldest_end(session)
    if ends_at is None or now < ends_at + EXPIRED_MARGIN_SECONDS:
        return None
    if session.retired is not None:
        return session.retired.access_token
    return session.tokens.access_token if session.tokens else None


def oldest_end(session: Session) -> int | None:
    """When the oldest token that this client still holds has ended, or will."""
    if session.retired is not None:
        return session.retired.expires_at
    return session.tokens.expires_at if session.tokens else None


def _encoded(document: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
