"""A registration as the stores keep it, and what they read as none at all."""

import re
from dataclasses import dataclass

import structlog

from oauth_kit.records.client import Client
from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.json_object import parse_json_object

log = structlog.get_logger()

MAX_RECORD_CHARACTERS = 16 * 1024
"""Kept for a month, times REGISTRATION_MAX_CLIENTS: it has to fit into the store."""

_REGISTERED_ID = re.compile(r"mcp-[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Registration:
    """A client, until when it is kept, and whether it ever logged anybody in."""

    client: Client
    expires_at: int
    used: bool


def may_be_registered(client_id: str) -> bool:
    """Whether it has the form of our ids: URLs of documents and inventions need no store."""
    return _REGISTERED_ID.fullmatch(client_id) is not None


def read_client(text: str, client_id: str) -> Client | None:
    """The client of a record, None for what is no record of a client registered here."""
    try:
        if len(text) > MAX_RECORD_CHARACTERS:
            raise ValueError("too large")
        client = Client.from_document(parse_json_object(text.encode()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        note_unreadable(client_id, type(error).__name__)
        return None
    if client.client_id != client_id or client.kind != "registered":
        note_unreadable(client_id, "another client")
        return None
    return client


def note_unreadable(client_id: str, reason: str) -> None:
    log.warning("registration_unreadable", client_id=client_id, reason=reason)


def id_is_taken() -> OAuthError:
    """Ids are random: whoever asks again gets another one."""
    return OAuthError(
        "temporarily_unavailable",
        "The client could not be registered, try again",
        reason="client_id is taken",
    )
