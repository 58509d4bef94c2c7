"""Authorization requests that an attacker would have a browser send (RFC 9700 §2.1, §4.1)."""

import secrets
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from demo_clients.attacks.attack import Situation, Verdict, undecided
from demo_clients.attacks.lab import Lab
from demo_clients.outgoing import Answer
from oauth_kit.rules.pkce import challenge_of
from oauth_kit.rules.redirect_uris import with_parameters

FOREIGN_REDIRECT: Final = "https://attacker.example/callback"


@dataclass(frozen=True, slots=True)
class _Request:
    """As this client would ask, so that only what is changed can be refused."""

    endpoint: str
    client_id: str
    redirect_uri: str
    resource: str
    challenge: str | None

    @property
    def url(self) -> str:
        pkce = [("code_challenge", self.challenge), ("code_challenge_method", "S256")]
        parameters = [
            ("response_type", "code"),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_uri),
            ("state", secrets.token_urlsafe(32)),
            *((name, value) for name, value in pkce if self.challenge and value),
            ("resource", self.resource),
        ]
        return with_parameters(self.endpoint, parameters)


async def foreign_redirect(lab: Lab, situation: Situation) -> Verdict:
    good = await _good_request(lab, situation)
    bad = replace(good, redirect_uri=FOREIGN_REDIRECT)
    answer = await lab.authorize(bad.url, "with a foreign redirect_uri")
    if _location(answer).startswith("https://attacker.example"):
        return Verdict(False, "The browser was sent to the attacker's address.")
    if answer.status < 400:
        return Verdict(
            False,
            f"The authorization server answered {answer.status}, as if the address were ours.",
        )
    if not _is_page_of_refusal(answer):
        return undecided(answer)
    return await _with_control(
        lab, good, "The person gets a page that says so, and nothing is sent to the attacker."
    )


async def missing_pkce(lab: Lab, situation: Situation) -> Verdict:
    good = await _good_request(lab, situation)
    answer = await lab.authorize(replace(good, challenge=None).url, "without code_challenge")
    if _is_page_of_refusal(answer):
        return await _with_control(lab, good, "The person gets a page that says so.")
    told = _told_to(good.redirect_uri, answer)
    if "error" in told and "code" not in told:
        # RFC 7636 §4.4.1 names the one error that is about this
        if told["error"] != "invalid_request":
            return Verdict(None, "It was refused with another error than invalid_request.")
        return await _with_control(
            lab, good, "The browser is sent back with invalid_request, and without a code."
        )
    if answer.status < 400:
        return Verdict(
            False,
            f"The authorization server answered {answer.status} and goes on: a stolen code would "
            "be enough.",
        )
    return undecided(answer)


async def _good_request(lab: Lab, situation: Situation) -> _Request:
    server, credentials = await lab.server(situation.session)
    return _Request(
        endpoint=server.authorization_endpoint,
        client_id=credentials.client_id,
        redirect_uri=lab.flow.redirect_uri,
        resource=lab.tokens.resource,
        challenge=challenge_of(secrets.token_urlsafe(64)),
    )


async def _with_control(lab: Lab, good: _Request, why: str) -> Verdict:
    """Whoever refuses the good request too has refused the bad one for something else."""
    answer = await lab.authorize(good.url, "the same without the fault", step="control")
    is_let_in = answer.status == 200 or (
        300 <= answer.status < 400
        and bool(_location(answer))
        and "error" not in _query(_location(answer))
    )
    if is_let_in:
        return Verdict(True, f"{why} The same request without the fault is let in.")
    return Verdict(
        None,
        f"It was refused, but so was the same request without the fault ({answer.status}): "
        "the reason is another one.",
    )


def _is_page_of_refusal(answer: Answer) -> bool:
    return answer.status == 400 and not _location(answer)


def _told_to(redirect_uri: str, answer: Answer) -> dict[str, str]:
    """The parameters of a redirect back to us; none of any other answer."""
    location = _location(answer)
    is_ours = 300 <= answer.status < 400 and location.startswith(f"{redirect_uri}?")
    return _query(location) if is_ours else {}


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _location(answer: Answer) -> str:
    return answer.headers.get("Location", "")
