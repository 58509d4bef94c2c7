"""PKCE as Cognito has it: optional, S256 only (RFC 7636)."""

import base64
import hashlib
import hmac
import re

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


def is_challenge(value: str) -> bool:
    """Is it the unpadded base64url of a SHA-256?"""
    return _CHALLENGE.match(value) is not None


def verifies(verifier: str | None, challenge: str | None) -> bool:
    """Does the verifier answer the challenge? Both may be absent, never only one."""
    if verifier is None or challenge is None:
        return verifier is challenge
    if not _VERIFIER.match(verifier):
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    return hmac.compare_digest(computed, challenge)
