"""Parameters, claims and header members of OAuth, each in a few words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

PARAMETERS: Final[Mapping[str, str]] = {
    "response_type": "what shall come back: a code (RFC 6749 §3.1.1)",
    "client_id": "who asks (RFC 6749 §2.2)",
    "redirect_uri": "where to send the browser back to; compared exactly (RFC 6749 §3.1.2)",
    "state": "random, kept for this browser: an answer without it is nobody's (RFC 6749 §10.12)",
    "code_challenge": "SHA-256 of a verifier that stays here (RFC 7636 §4.2)",
    "code_challenge_method": "how the challenge is made (RFC 7636 §4.3)",
    "code_verifier": "what code_challenge was made of: only its maker knows it (RFC 7636 §4.5)",
    "resource": "which server the token shall be good at, and no other (RFC 8707 §2)",
    "scope": "what the token shall be good for (RFC 6749 §3.3)",
    "prompt": "whether the person shall be asked again",
    "iss": "who answers: the issuer (RFC 9207 §2)",
    "error": "why nothing was granted (RFC 6749 §4.1.2.1)",
    "error_description": "the same, for people (RFC 6749 §4.1.2.1)",
    "error_uri": "a page about it, says the server (RFC 6749 §4.1.2.1)",
    "code": "good once, for a minute, for this client (RFC 6749 §4.1.2)",
    "grant_type": "what is swapped for tokens (RFC 6749 §4.1.3)",
    "refresh_token": "swapped for new tokens (RFC 6749 §6)",
    "client_secret": "proves that it is this client (RFC 6749 §2.3.1)",
    "token": "what shall end (RFC 7009 §2.1)",
    "token_type_hint": "which kind of token it is (RFC 7009 §2.1)",
}

CLAIMS: Final[Mapping[str, str]] = {
    "iss": "issuer: who made and signed this token",
    "sub": "subject: the person, by an id that means nothing elsewhere",
    "aud": "audience: the only server that may accept it",
    "exp": "expires",
    "nbf": "good from",
    "iat": "issued",
    "auth_time": "the person logged in",
    "jti": "this token's own id; a revoked one is recognised by it",
    "client_id": "the client that it was issued to",
    "azp": "the client that it was issued to",
    "scope": "what it is good for",
    "gid": "the grant that it comes from: ending that ends all its tokens",
    "sid": "the log-in session that it comes from",
    "cnf": "the key that whoever uses it must prove to have",
    "nonce": "ties an ID token to the request that asked for it",
    "token_use": "what kind of token it is",
    "username": "the person's name at the provider",
    "email": "the person's address",
    "name": "the person's name",
}

JOSE_HEADERS: Final[Mapping[str, str]] = {
    "alg": "how it is signed",
    "typ": "what it is: at+jwt is an access token (RFC 9068)",
    "kid": "which of the issuer's keys signed it",
    "jku": "where its author says the key is: nobody believes that",
    "jwk": "the key, says its author: nobody believes that",
}

_TIMES: Final = frozenset({"exp", "nbf", "iat", "auth_time"})


def explain_claim(name: str, value: str) -> str:
    """What a claim means; a time is also told as people tell it."""
    meaning = CLAIMS.get(name, "")
    time = clock_time(value) if name in _TIMES else ""
    return " ".join(part for part in (meaning, time) if part)


def clock_time(seconds: str) -> str:
    """A NumericDate (RFC 7519 §2) for people; "" for what is none."""
    if not seconds.removeprefix("-").isdecimal() or not seconds.isascii() or len(seconds) > 12:
        return ""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return ""
