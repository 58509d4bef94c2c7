"""What a JWT says (RFC 7519 §3), read by somebody it is not meant for and who verifies nothing."""

import base64
import binascii
import json

from oauth_kit.rules.json_object import parse_json_object

Members = tuple[tuple[str, object], ...]


def unverified_parts(token: str) -> tuple[Members, Members] | None:
    """Header and claims; None for a token that is opaque to us."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    claims = _members(parts[1])
    return None if claims is None else (_members(parts[0]) or (), claims)


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _members(part: str) -> Members | None:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        return tuple(parse_json_object(raw).items())
    except (binascii.Error, ValueError):
        return None
