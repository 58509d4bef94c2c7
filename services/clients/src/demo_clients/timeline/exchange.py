"""What is kept of one HTTP exchange: masked already, so that nothing in it is secret."""

from dataclasses import dataclass
from typing import Literal

Step = Literal[
    "probe",
    "resource_metadata",
    "server_metadata",
    "registration",
    "registration_kept",
    "document",
    "authorization_request",
    "consent",
    "authorization_response",
    "token",
    "refresh",
    "revocation",
    "mcp",
    "rest",
    "attack",
    "attack_on_resource",
    "attack_on_client",
    "control",
    "control_on_resource",
    "control_on_client",
]
"""What an exchange is for. `explanations.STEPS` has a row for each."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """The half of an exchange that is worth reading.

    form:     parameters of a form, as they were sent
    body:     anything else, laid out
    left_out: why (some of) the body is not here, "" when all of it is
    """

    headers: Pairs = ()
    form: Pairs = ()
    body: str = ""
    media_type: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """What a JWT says, never the token itself. Nobody has verified it here."""

    name: str
    header: Pairs
    claims: Pairs


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was compared before going on."""

    what: str
    passed: bool = True


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, or a note about one that this client cannot see.

    method:        "" for a note; what it is about stands in `response`
    cause:         what the visitor did that led to it
    is_first:      the first one that it led to
    attack:        the name of the attack that it is about, "" for none
    detail:        which operation, where the step alone does not say it ("tools/list")
    status:        None when there was no answer, or none that this client could see
    failure:       why there was no answer
    started_at_ms: Unix time
    taken_ms:      None when it cannot be known
    completes:     the entry that this one replaces, now that more is known of it
    """

    step: Step
    method: str
    url: str
    started_at_ms: int
    cause: str = ""
    is_first: bool = False
    attack: str = ""
    detail: str = ""
    status: int | None = None
    failure: str = ""
    taken_ms: int | None = None
    request: Message = Message()
    response: Message = Message()
    tokens: tuple[DecodedToken, ...] = ()
    checks: tuple[Check, ...] = ()
    completes: str = ""

    @property
    def is_note(self) -> bool:
        return not self.method


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange where it stands in a timeline: ids only grow."""

    id: str
    exchange: Exchange
