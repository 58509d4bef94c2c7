"""Authorization requests that an attacker would have a browser send (RFC 9700 §2.1, §4.1)."""

import secrets
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from demo_clients.attacks.attack import Situation, Verdict, not_an_answer
from demo_clients.attacks.lab import Lab
from demo_clients.outgoing import Answer
from oauth_kit.rules.pkce import challenge_of
from oauth_kit.rules.redirect_uris import with_parameters

FOREIGN_REDIRECT: Final = "https://attacker.example/callback"


async def foreign_redirect(lab: Lab, situation: Situation) -> Verdict:
    answer = await _ask(lab, situation, redirect_uri=FOREIGN_REDIRECT)
    location = answer.headers.get("Location", "")
    if location.startswith("https://attacker.example"):
        return Verdict(False, "The browser was sent to the attacker's address.")
    if 400 <= answer.status < 500:
        return not_an_answer(answer) or Verdict(
            True, "The person gets a page that says so, and nothing is sent to the attacker."
        )
    return not_an_answer(answer) or Verdict(
        False, f"The authorization server answered {answer.status}, as if the address were ours."
    )


async def missing_pkce(lab: Lab, situation: Situation) -> Verdict:
    answer = await _ask(lab, situation, with_challenge=False)
    location = answer.headers.get("Location", "")
    if 300 <= answer.status < 400 and location.startswith(f"{lab.flow.redirect_uri}?"):
        returned = dict(parse_qsl(urlsplit(location).query))
        if returned.get("error") and "code" not in returned:
            return Verdict(True, "The browser is sent back with an error, and without a code.")
    if 400 <= answer.status < 500:
        return not_an_answer(answer) or Verdict(True, "The person gets a page that says so.")
    return not_an_answer(answer) or Verdict(
        False,
        f"The authorization server answered {answer.status} and goes on: a stolen code would be "
        "enough.",
    )


async def _ask(
    lab: Lab, situation: Situation, *, redirect_uri: str = "", with_challenge: bool = True
) -> Answer:
    """Everything else is as this client would ask, so that only one thing can be refused."""
    server, credentials = await lab.server(situation.session)
    challenge = challenge_of(secrets.token_urlsafe(64))
    pkce = [("code_challenge", challenge), ("code_challenge_method", "S256")]
    parameters = [
        ("response_type", "code"),
        ("client_id", credentials.client_id),
        ("redirect_uri", redirect_uri or lab.flow.redirect_uri),
        ("state", secrets.token_urlsafe(32)),
        *(pkce if with_challenge else []),
        ("resource", lab.tokens.resource),
    ]
    what = "without code_challenge" if not with_challenge else "with a foreign redirect_uri"
    return await lab.authorize(with_parameters(server.authorization_endpoint, parameters), what)
