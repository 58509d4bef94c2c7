"""Proof Key for Code Exchange with S256 and nothing else (RFC 7636 §4)."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from oauth_kit.rules.errors import OAuthError

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(challenge: str | None, method: str | None) -> str:
    """The code challenge of an authorization request. Raises OAuthError("invalid_request")."""
    if not challenge:
        raise OAuthError("invalid_request", "PKCE is required: code_challenge is missing")
    # A missing method means `plain` (§4.3), which protects nothing once the request has leaked.
    if method != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must be 43 base64url characters")
    return challenge


def check_verifier(verifier: str | None) -> str:
    """The code verifier of a token request.

    Raises OAuthError: invalid_request when it is missing, invalid_grant when it is malformed.
    """
    if not verifier:
        raise OAuthError("invalid_request", "code_verifier is missing")
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "code_verifier is malformed")
    return verifier


def challenge_of(verifier: str) -> str:
    """The S256 challenge of an ASCII verifier."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def verifier_matches(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(
        challenge_of(verifier).encode(), challenge.encode("utf-8", "replace")
    )
