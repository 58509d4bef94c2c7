"""The attacks, in the order in which a log-in meets them. The page is drawn from this table."""

from collections.abc import Mapping
from typing import Final

from demo_clients.attacks.attack import Attack
from demo_clients.attacks.bearer_tokens import altered_token, expired_token, missing_scope
from demo_clients.attacks.front_channel import foreign_redirect, missing_pkce
from demo_clients.attacks.own_callback import wrong_state
from demo_clients.attacks.spent_credentials import replayed_code, reused_refresh_token
from demo_clients.timeline.explanations import rfc

_SEPARATE: Final = (
    "Needs an authorization of its own: you are asked for consent, and come back here. The grant "
    "that it makes dies in the attack; your log-in is not touched."
)

_ATTACKS: Final = (
    Attack(
        "foreign-redirect",
        "Foreign redirect",
        "A link asks for an authorization in this client's name, but has the answer sent to "
        "https://attacker.example, where the code would be read.",
        "The authorization server shows a page and redirects nowhere.",
        *rfc(9700, "2.1"),
        needs="nothing",
        run=foreign_redirect,
    ),
    Attack(
        "missing-pkce",
        "Missing PKCE",
        "An authorization request without code_challenge: whoever sees the code could swap it.",
        "The authorization server refuses the request before it asks anybody anything.",
        *rfc(7636, "4.4.1"),
        needs="nothing",
        run=missing_pkce,
    ),
    Attack(
        "wrong-state",
        "Wrong state",
        "A prepared link to this client's own callback, with the attacker's code: the visitor "
        "would work in the attacker's account.",
        "This client refuses the answer and uses nothing of it; the log-in under way goes on.",
        *rfc(6749, "10.12"),
        needs="nothing",
        run=wrong_state,
    ),
    Attack(
        "replayed-code",
        "Replayed code",
        "A code is read in a log or a browser's history and swapped once more, with everything "
        "that belongs to it.",
        "The authorization server refuses it and ends the grant that the code had made.",
        *rfc(6749, "4.1.2"),
        needs="authorization",
        run=replayed_code,
        cost=_SEPARATE,
    ),
    Attack(
        "reused-refresh-token",
        "Reused refresh token",
        "A refresh token is stolen and used after its owner has used it, twice already.",
        "The authorization server refuses it and ends the whole grant, the newest token included.",
        *rfc(9700, "4.14.2"),
        needs="authorization",
        run=reused_refresh_token,
        cost=_SEPARATE,
    ),
    Attack(
        "altered-token",
        "Altered token",
        "Your access token with more scope written into it: once with its old signature, once "
        "declared to need none (alg: none).",
        "The resource server answers 401 invalid_token to both.",
        *rfc(9068, "4"),
        needs="login",
        run=altered_token,
    ),
    Attack(
        "expired-token",
        "Expired token",
        "The oldest access token that this client still holds, sent after its time.",
        "The resource server answers 401 invalid_token.",
        *rfc(6750, "3.1"),
        needs="expired_token",
        run=expired_token,
    ),
    Attack(
        "missing-scope",
        "Missing scope",
        "A context is written with a token that may only read.",
        "The resource server answers 403 insufficient_scope and names what is missing.",
        *rfc(6750, "3.1"),
        needs="missing_scope",
        run=missing_scope,
    ),
)

ATTACKS: Final[Mapping[str, Attack]] = {attack.name: attack for attack in _ATTACKS}
