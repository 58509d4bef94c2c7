"""One log-in under way: from the user's decision to the IdP's answer (OAuth 2.1 §4.1, §7.12)."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from cimd_bridge.records.handles import join_handle, split_handle
from cimd_bridge.records.outcomes import Unknown
from cimd_bridge.records.store import RecordStore, lua
from oauth_kit.records.client import Client

Verdict = Literal["approve", "deny"]
Outcome = Literal["under_way", "completed", "denied", "failed"]
DecisionKind = Literal["fresh", "repeated", "refused"]

_DECIDE: Final = lua("transactions_decide")
_TAKE: Final = lua("transactions_take")
_FINISH: Final = lua("transactions_finish")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the callback needs to know about the request that the user approved.

    client:              a snapshot: `/callback` and `/token` ask nobody who the client is
    redirect_uri:        the raw value that will be used
    client_state:        the client's own `state`, returned to it untouched
    upstream_client_id:  who we are to the IdP; None stands for the shared upstream client
    provider_generation: the pool or realm the IdP was asked in
    upstream_nonce, upstream_code_verifier: our own, toward the IdP
    """

    client: Client
    redirect_uri: str
    redirect_uri_was_sent: bool
    code_challenge: str
    scopes: tuple[str, ...]
    resource: str
    client_state: str | None = field(repr=False)
    upstream_client_id: str | None
    provider_generation: str
    upstream_nonce: str = field(repr=False)
    upstream_code_verifier: str = field(repr=False)
    created_at: int

    def to_document(self) -> dict[str, object]:
        return {
            "client": self.client.to_document(),
            "redirect_uri": self.redirect_uri,
            "redirect_uri_was_sent": self.redirect_uri_was_sent,
            "code_challenge": self.code_challenge,
            "scopes": list(self.scopes),
            "resource": self.resource,
            "client_state": self.client_state,
            "upstream_client_id": self.upstream_client_id,
            "provider_generation": self.provider_generation,
            "upstream_nonce": self.upstream_nonce,
            "upstream_code_verifier": self.upstream_code_verifier,
            "created_at": self.created_at,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Transaction":
        """Read what `to_document` wrote; it is trusted."""
        parts = document | {
            "client": Client.from_document(document["client"]),
            "scopes": tuple(document["scopes"]),
        }
        return cls(**parts)


@dataclass(frozen=True, slots=True)
class Decision:
    """Where to send the browser: `location` is None exactly when the form is refused."""

    kind: DecisionKind
    location: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """The transaction, ours alone; `finish(form_id, …)` says what became of it."""

    form_id: str
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class WrongBrowser:
    """The state is known, but another browser gave the consent: nothing was consumed."""


@dataclass(frozen=True, slots=True)
class AlreadyCompleted:
    """The same browser came again. `under_way`: the first callback has not finished, or died."""

    outcome: Outcome


class Transactions:
    """`form:{form}` (a spent consent form) and `txn:{form}` (the log-in it started)."""

    def __init__(
        self, store: RecordStore, *, lives_seconds: int = 600, tombstone_seconds: int = 600
    ) -> None:
        self._store = store
        self._lives_seconds = lives_seconds
        self._tombstone_seconds = tombstone_seconds
        self._decide = store.step(_DECIDE)
        self._take = store.step(_TAKE)
        self._finish = store.step(_FINISH)

    @staticmethod
    def upstream_state(form_id: str, state_secret: str) -> str:
        """The `state` for the IdP, `<form id>.<random>`: it finds form and transaction again."""
        return join_handle(form_id, state_secret)

    async def decide(
        self,
        form_id: str,
        *,
        browser_id: str,
        decision: Verdict,
        location: str,
        transaction: Transaction | None,
        state_secret: str | None,
    ) -> Decision:
        """Spend the form and, for an approval, write the transaction; both or neither.

        fresh:    `location` is the one that was passed
        repeated: same browser, same decision, transaction not yet taken (a double click):
                  `location` is the FIRST one
        refused:  spent by another browser, with another decision, or already taken

        `transaction` and `state_secret` are both given (approve) or both None (deny). The spent
        form is remembered for `lives_seconds + tombstone_seconds`; a seal on the form must not
        live longer than that.
        """
        form, txn = self._keys(form_id)
        if [transaction is None, state_secret is None] != [decision == "deny"] * 2:
            raise ValueError("an approval needs a transaction and its state, a denial has neither")
        record = state = ""
        if transaction is not None and state_secret is not None:
            record = self._store.seal(transaction.to_document(), txn, "record")
            state = self._store.digest("state", state_secret, form_id)
        kind, sealed_location = await self._decide(
            [form, txn],
            self._store.candidates("browser", browser_id, form_id),
            self._store.digest("browser", browser_id, form_id),
            decision,
            self._store.seal({"location": location}, form, "location"),
            state,
            record,
            self._lives_seconds,
            self._lives_seconds + self._tombstone_seconds,
        )
        if kind == "fresh":
            return Decision("fresh", location)
        opened = self._store.unseal(sealed_location, form, "location") if sealed_location else None
        if kind != "repeated" or opened is None:
            return Decision("refused", None)
        return Decision("repeated", str(opened["location"]))

    async def take(
        self, state: str, browser_id: str
    ) -> Taken | WrongBrowser | Unknown | AlreadyCompleted:
        """Take the transaction that the IdP's `state` names; of many callers one gets it.

        A wrong browser consumes nothing, so a stranger cannot end a log-in that is under way.
        """
        handle = split_handle(state)
        if handle is None:
            return Unknown()
        form_id, secret = handle
        form, txn = self._keys(form_id)
        kind, value = await self._take(
            [form, txn],
            self._store.candidates("state", secret, form_id),
            self._store.candidates("browser", browser_id, form_id),
            self._tombstone_seconds,
        )
        if kind == "wrong_browser":
            return WrongBrowser()
        if kind == "already_completed":
            return AlreadyCompleted(cast(Outcome, value))
        document = self._store.unseal(value, txn, "record") if kind == "taken" else None
        if document is None:
            return Unknown()
        return Taken(form_id, Transaction.from_document(document))

    async def finish(self, form_id: str, outcome: Outcome) -> None:
        """Write what became of a taken transaction on its tombstone."""
        await self._finish([self._keys(form_id)[1]], outcome)

    def _keys(self, form_id: str) -> tuple[str, str]:
        return self._store.key("form", form_id), self._store.key("txn", form_id)
