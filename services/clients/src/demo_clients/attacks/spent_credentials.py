"""Codes and refresh tokens used once more (RFC 6749 §4.1.2, RFC 9700 §4.14.2).

Both cost the grant that they belong to, so they are tried on a grant of their own.
"""

from dataclasses import replace
from typing import Final

from demo_clients.attacks.attack import (
    Separate,
    Situation,
    Verdict,
    error_of,
    undecided,
)
from demo_clients.attacks.lab import Lab
from demo_clients.outgoing import Answer
from demo_clients.problems import Problem
from demo_clients.tokens import Tokens

_THEFT: Final = "a thief would hold tokens now."


async def replayed_code(lab: Lab, situation: Situation) -> Verdict:
    separate = _separate(situation)
    tokens = await _redeem(lab, separate)
    answers: list[Answer] = []
    try:
        form = {
            "grant_type": "authorization_code",
            "code": separate.code,
            "code_verifier": separate.login.verifier,
            "redirect_uri": lab.flow.redirect_uri,
        }
        again = await lab.ask_for_tokens(
            tokens.server, tokens.credentials, form, "the same code once more"
        )
        answers.append(again)
        if not _is_refused(again):
            return _not_refused(again, f"The code was good a second time: {_THEFT}")
        if tokens.refresh_token is None:
            return Verdict(True, "A code is good once.")
        after = await _refresh(lab, tokens, answers, "what the code had brought")
    finally:
        await _give_back(lab, tokens, answers)
    if _is_refused(after):
        return Verdict(
            True,
            "A code is good once. Since nobody can know who came first, the grant that it made "
            "has ended too: its refresh token is refused from now on.",
        )
    return _not_refused(
        after,
        "The code was refused, but the tokens that it had brought still work: if the thief came "
        "first, they are the thief's.",
    )


async def reused_refresh_token(lab: Lab, situation: Situation) -> Verdict:
    """Two rotations, so that the first token is older than the one a grace may forgive."""
    first = newest = await _redeem(lab, _separate(situation))
    answers: list[Answer] = []
    try:
        if first.refresh_token is None:
            raise Problem("The authorization server gave no refresh token.")
        second = newest = await lab.tokens.refresh(first, now=lab.clock())
        newest = await lab.tokens.refresh(second, now=lab.clock())
        if first.refresh_token in (second.refresh_token, newest.refresh_token):
            return Verdict(False, "The refresh token stays the same: a stolen one lasts for ever.")
        forgiven = _told_of_predecessor(
            await _refresh(lab, second, answers, "the token before the newest"), newest
        )
        reused = await _refresh(lab, first, answers, "the oldest token")
        if not _is_refused(reused):
            return _not_refused(reused, f"The oldest refresh token was good again: {_THEFT}")
        after = await _refresh(lab, newest, answers, "the newest token, after that")
    finally:
        await _give_back(lab, newest, answers)
    if _is_refused(after):
        return Verdict(
            True,
            f"{forgiven} The one before that can only come from a thief, or from whoever was "
            "robbed: the whole grant has ended, the newest token with it.",
        )
    return _not_refused(
        after, "The old token was refused, but the newest one still works: the thief's, perhaps."
    )


def _told_of_predecessor(answer: Answer, newest: Tokens) -> str:
    if answer.status != 200:
        return "Even the token just before the newest is refused."
    if _refresh_token_of(answer) == newest.refresh_token:
        return (
            "The token just before the newest brings the same successor once more for a few "
            "seconds, for clients whose answer was lost."
        )
    return "The token just before the newest was swapped for yet another one."


def _separate(situation: Situation) -> Separate:
    if situation.separate is None:
        raise Problem("This attack needs an authorization of its own.")
    return situation.separate


async def _redeem(lab: Lab, separate: Separate) -> Tokens:
    login = separate.login
    return await lab.tokens.exchange(
        login.server,
        login.credentials,
        code=separate.code,
        verifier=login.verifier,
        redirect_uri=lab.flow.redirect_uri,
        asked=login.asked,
        now=lab.clock(),
    )


async def _refresh(lab: Lab, tokens: Tokens, answers: list[Answer], what: str) -> Answer:
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token or ""}
    answer = await lab.ask_for_tokens(tokens.server, tokens.credentials, form, what)
    answers.append(answer)
    return answer


async def _give_back(lab: Lab, tokens: Tokens, answers: list[Answer]) -> None:
    """Nothing that an attack was given outlives it, where the server was too generous neither."""
    given = (_refresh_token_of(answer) for answer in answers if answer.status == 200)
    for refresh_token in dict.fromkeys([tokens.refresh_token, *given]):
        await lab.tokens.revoke(replace(tokens, refresh_token=refresh_token))


def _refresh_token_of(answer: Answer) -> str | None:
    try:
        refresh_token = answer.json_object().get("refresh_token")
    except ValueError:
        return None
    return refresh_token if isinstance(refresh_token, str) else None


def _is_refused(answer: Answer) -> bool:
    return answer.status == 400 and error_of(answer) == "invalid_grant"


def _not_refused(answer: Answer, danger: str) -> Verdict:
    """Tokens for whoever should have none; any other answer is about something else."""
    return Verdict(False, danger) if answer.status == 200 else undecided(answer)
