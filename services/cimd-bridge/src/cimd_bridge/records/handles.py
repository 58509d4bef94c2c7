"""Handles that we hand out: `<id>.<secret>`, at least 128 bits of secret (OAuth 2.1 §7.7)."""

import re
import secrets

_HANDLE = re.compile(r"([A-Za-z0-9_-]{16,64})\.([A-Za-z0-9_-]{22,256})")


def new_id() -> str:
    """A name for a record: random, but not secret (a `gid` is a claim of access tokens)."""
    return secrets.token_urlsafe(16)


def new_secret() -> str:
    """256 bits: what makes a code, a refresh token or an upstream `state` unguessable."""
    return secrets.token_urlsafe(32)


def join_handle(identifier: str, secret: str) -> str:
    return f"{identifier}.{secret}"


def split_handle(handle: str) -> tuple[str, str] | None:
    """(id, secret), or None for what we cannot have made: it never gets into a key's name."""
    match = _HANDLE.fullmatch(handle)
    return (match[1], match[2]) if match else None
