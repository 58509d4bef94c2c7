"""An authorization response that this client did not ask for (RFC 6749 §10.12, RFC 9700 §4.7)."""

import secrets

from demo_clients.attacks.attack import Situation, Verdict, undecided
from demo_clients.attacks.lab import Lab
from demo_clients.outgoing import Answer
from demo_clients.sessions import PendingLogin, SessionId, Sessions
from oauth_kit.rules.redirect_uris import with_parameters


async def wrong_state(lab: Lab, situation: Situation) -> Verdict:
    """In a browser of its own with a log-in under way: the visitor's is never at stake."""
    browser = Sessions.new_id()
    try:
        await lab.flow.begin(browser)
        (waiting,) = (await lab.sessions.read(browser)).pending
        link = _link(lab, waiting, ("code", secrets.token_urlsafe(32)), secrets.token_urlsafe(32))
        answer = await lab.call_back(link, browser, "with a state of somebody else's")
        if answer.status < 400:
            return Verdict(
                False, f"Our callback answered {answer.status}, as if the answer were its own."
            )
        if not await _waits(lab, browser, waiting):
            return Verdict(False, "It was refused, but the log-in under way was lost with it.")
        if answer.status != 400:
            return undecided(answer)
        return await _with_control(lab, browser, waiting)
    finally:
        await _forget(lab, browser)


async def _with_control(lab: Lab, browser: SessionId, waiting: PendingLogin) -> Verdict:
    """A callback that does not know this browser, or is not ours, refuses the right state too."""
    link = _link(lab, waiting, ("error", "access_denied"), waiting.state)
    answer = await lab.call_back(
        link, browser, "with the state of the log-in under way", step="control_on_client"
    )
    if _is_taken(answer) and not await _waits(lab, browser, waiting):
        return Verdict(
            True,
            "Nothing of it was used, and the log-in under way in that browser still waited: an "
            "answer with its own state was taken.",
        )
    return Verdict(
        None,
        f"It was refused, but so was an answer with the right state ({answer.status}): our "
        "callback did not know the browser.",
    )


def _link(lab: Lab, waiting: PendingLogin, outcome: tuple[str, str], state: str) -> str:
    parameters = [outcome, ("state", state), ("iss", waiting.server.issuer)]
    return with_parameters(lab.flow.redirect_uri, parameters)


def _is_taken(answer: Answer) -> bool:
    return 300 <= answer.status < 400


async def _waits(lab: Lab, browser: SessionId, waiting: PendingLogin) -> bool:
    return waiting in (await lab.sessions.read(browser)).pending


async def _forget(lab: Lab, browser: SessionId) -> None:
    await lab.sessions.forget(browser)
    await lab.timelines.clear(browser)
