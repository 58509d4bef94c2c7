"""Refresh tokens as text: opaque, recognisable as ours, successors readable only to predecessors.

The secret of `<gid>.<secret>` ends in a keyed tag over the rest. Only the newest two tokens of a
family are remembered, so the tag is what tells a spent token of ours (the family dies, OAuth 2.1
§4.3.1) from a guess made of a `gid` that every access token shows (nothing happens).
"""

import hmac
from typing import Final

from cimd_bridge.records.handles import join_handle, split_handle
from cimd_bridge.records.store import RecordStore
from oauth_kit.crypto.key_ring import Key, KeyRing, derive
from oauth_kit.crypto.sealing import Sealer

_TAG_CHARACTERS: Final = 32  # 128 bits of hex


def write_token(store: RecordStore, gid: str, secret: str) -> str:
    """The refresh token made of a fresh secret."""
    tag = store.digest("refresh-tag", secret, gid)[:_TAG_CHARACTERS]
    return join_handle(gid, secret + tag)


def read_token(store: RecordStore, token: str) -> tuple[str, str] | None:
    """(gid, secret with its tag), or None when the token was never one of ours."""
    handle = split_handle(token)
    if handle is None:
        return None
    gid, tagged = handle
    secret, tag = tagged[:-_TAG_CHARACTERS], tagged[-_TAG_CHARACTERS:]
    expected = store.candidates("refresh-tag", secret, gid).split(",")
    ours = [hmac.compare_digest(one[:_TAG_CHARACTERS], tag) for one in expected]
    return handle if any(ours) else None


def token_digest(store: RecordStore, token: str) -> str:
    """What the family remembers a token by."""
    gid, _, secret = token.partition(".")
    return store.digest("refresh", secret, gid)


def seal_successor(successor: str, *, predecessor: str, family_key: str) -> str:
    """Encrypt a successor so that only its predecessor opens it; Redis alone never can."""
    return _sealer(predecessor).seal(successor.encode(), f"{family_key}#successor")


def open_successor(sealed: str, *, predecessor: str, family_key: str) -> str:
    """Raises ValueError when it was sealed for another predecessor."""
    return _sealer(predecessor).open(sealed, f"{family_key}#successor").decode()


def _sealer(token: str) -> Sealer:
    return Sealer(KeyRing((Key("successor", derive(token.encode(), "refresh-successor")),)))
