"""An exchange as a page shows it: explained, with times that people read. No markup."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal
from urllib.parse import unquote_plus

from demo_clients.attacks.catalog import ATTACKS
from demo_clients.timeline.curl import curl_command
from demo_clients.timeline.exchange import DecodedToken, Entry, Exchange
from demo_clients.timeline.explanations import CAUSES, LANES, STEPS, Explanation
from demo_clients.timeline.outcomes import explain
from demo_clients.timeline.secrets import PLACEHOLDER
from demo_clients.timeline.vocabulary import JOSE_HEADERS, PARAMETERS, explain_claim

Verdict = Literal["worked", "asked", "refused", "silent"]


@dataclass(frozen=True, slots=True)
class Explained:
    """A name, its value and what it is for ("" where we do not know)."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class PresentedToken:
    title: str
    header: tuple[Explained, ...]
    claims: tuple[Explained, ...]


@dataclass(frozen=True, slots=True)
class Presented:
    """What `exchange.html` renders.

    id:      "" for an exchange that is shown outside its timeline
    verdict: "asked" is a refusal that a flow begins with (401, 403 with a challenge)
    curl:    "" for what a browser sends, not this client, and for a note
    """

    id: str
    exchange: Exchange
    explanation: Explanation
    cause: str
    sender: str
    receiver: str
    status: str
    verdict: Verdict
    clock: str
    moment: str
    taken: str
    parameters: tuple[Explained, ...]
    tokens: tuple[PresentedToken, ...]
    curl: str

    @staticmethod
    def pieces(text: str) -> list[tuple[str, bool]]:
        """Pieces of a text; True for those that stand in the place of a secret."""
        parts = re.split(f"({PLACEHOLDER.pattern})", text)
        return [(part, PLACEHOLDER.fullmatch(part) is not None) for part in parts if part]


def present(exchange: Exchange, entry_id: str = "") -> Presented:
    facts = STEPS[exchange.step]
    at = datetime.fromtimestamp(exchange.started_at_ms / 1000, UTC)
    return Presented(
        id=entry_id,
        exchange=exchange,
        explanation=_attack(exchange) or explain(exchange),
        cause=CAUSES.get(exchange.cause, exchange.cause),
        sender=LANES[facts.sender],
        receiver=LANES[facts.receiver],
        status=_status(exchange),
        verdict=_verdict(exchange),
        clock=at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03d} UTC",
        moment=at.isoformat(timespec="milliseconds"),
        taken=_taken(exchange.taken_ms),
        parameters=_parameters(exchange),
        tokens=tuple(_token(token) for token in exchange.tokens),
        curl=curl_command(exchange) if facts.sender == "client" and exchange.method else "",
    )


def present_all(entries: Iterable[Entry]) -> list[Presented]:
    return [present(entry.exchange, entry.id) for entry in entries]


def _attack(exchange: Exchange) -> Explanation | None:
    """What the attack is about is told where it is tried, and the same here."""
    attack = ATTACKS.get(exchange.attack) if exchange.step.startswith("attack") else None
    if attack is None:
        return None
    sentence = f"{attack.story} What must happen: {attack.expected}"
    return Explanation(f"Attack: {attack.title}", sentence, attack.reference, attack.link)


def _status(exchange: Exchange) -> str:
    if exchange.status is None:
        return "no answer" if exchange.failure else ""
    try:
        return f"{exchange.status} {HTTPStatus(exchange.status).phrase}"
    except ValueError:
        return str(exchange.status)


def _verdict(exchange: Exchange) -> Verdict:
    if exchange.failure or any(not check.passed for check in exchange.checks):
        return "refused"
    if exchange.status is None:
        return "silent"
    if exchange.status < 400:
        return "worked"
    challenged = any(name.lower() == "www-authenticate" for name, _ in exchange.response.headers)
    return "asked" if challenged and exchange.status in (401, 403) else "refused"


def _taken(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f} s"


def _parameters(exchange: Exchange) -> tuple[Explained, ...]:
    """Of the URL, then of the form."""
    query = exchange.url.partition("?")[2]
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    in_url = [(unquote_plus(name), unquote_plus(value)) for name, value in pairs]
    return tuple(
        Explained(name, value, PARAMETERS.get(name, ""))
        for name, value in (*in_url, *exchange.request.form)
    )


def _token(token: DecodedToken) -> PresentedToken:
    return PresentedToken(
        title=token.name.replace("_", " "),
        header=tuple(
            Explained(name, value, JOSE_HEADERS.get(name, "")) for name, value in token.header
        ),
        claims=tuple(
            Explained(name, value, explain_claim(name, value)) for name, value in token.claims
        ),
    )
