"""Passwords of users who have not confirmed themselves yet: MiniStack refuses to check those."""

import hashlib
import hmac
import secrets

SALT_BYTES = 16
COST, BLOCK_SIZE, PARALLELISM = 2**14, 8, 1


def hash_password(password: str) -> str:
    """`salt:hash`, both hex. Takes some 50 ms: not for the event loop."""
    salt = secrets.token_bytes(SALT_BYTES)
    return f"{salt.hex()}:{_scrypt(password, salt).hex()}"


def password_matches(password: str, hashed: str) -> bool:
    """Is it the password that was hashed? As slow as `hash_password`."""
    salt, _, expected = hashed.partition(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)), bytes.fromhex(expected))


def _scrypt(password: str, salt: bytes) -> bytes:
    encoded = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(encoded, salt=salt, n=COST, r=BLOCK_SIZE, p=PARALLELISM)
