"""An authorization response that this client did not ask for (RFC 6749 §10.12, RFC 9700 §4.7)."""

import secrets

from demo_clients.attacks.attack import Situation, Verdict, not_an_answer
from demo_clients.attacks.lab import Lab
from demo_clients.sessions import SessionId, Sessions
from oauth_kit.rules.redirect_uris import with_parameters


async def wrong_state(lab: Lab, situation: Situation) -> Verdict:
    """In a browser of its own with a log-in under way: the visitor's is never at stake."""
    browser = Sessions.new_id()
    try:
        await lab.flow.begin(browser)
        (waiting,) = (await lab.sessions.read(browser)).pending
        parameters = [
            ("code", secrets.token_urlsafe(32)),
            ("state", secrets.token_urlsafe(32)),
            ("iss", waiting.server.issuer),
        ]
        link = with_parameters(lab.flow.redirect_uri, parameters)
        answer = await lab.call_back(link, browser, "with a state of somebody else's")
        left = (await lab.sessions.read(browser)).pending
    finally:
        await _forget(lab, browser)
    if not 400 <= answer.status < 500:
        return not_an_answer(answer) or Verdict(
            False, f"Our callback answered {answer.status}, as if the answer were its own."
        )
    if waiting not in left:
        return Verdict(False, "It was refused, but the log-in under way was lost with it.")
    return not_an_answer(answer) or Verdict(
        True, "Nothing of it was used, and the log-in under way in that browser still waits."
    )


async def _forget(lab: Lab, browser: SessionId) -> None:
    await lab.sessions.forget(browser)
    await lab.timelines.clear(browser)
