"""Which values are secret, what stands in their place, and how they are found in other text."""

import base64
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final
from urllib.parse import quote, quote_plus

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "access_token": "$ACCESS_TOKEN",
    "refresh_token": "$REFRESH_TOKEN",
    "id_token": "$ID_TOKEN",
    "code": "$CODE",
    "code_verifier": "$CODE_VERIFIER",
    "state": "$STATE",
    "nonce": "$NONCE",
    "token": "$TOKEN",
    "client_secret": "$CLIENT_SECRET",
    "registration_access_token": "$REGISTRATION_ACCESS_TOKEN",
    "client_assertion": "$CLIENT_ASSERTION",
    "password": "$PASSWORD",
    "mcp_session_id": "$MCP_SESSION_ID",
    "cookie": "$COOKIE",
    "set_cookie": "$COOKIE",
    "basic": "$BASIC_CREDENTIALS",
    "jwt": "$JWT",
}
"""What a secret is called, by the parameter, member or header that carries it."""

MASKED: Final = "$MASKED"
"""For a value that nobody chose to show."""

_NAMES: Final = sorted({placeholder[1:] for placeholder in (*PLACEHOLDERS.values(), MASKED)})
PLACEHOLDER: Final = re.compile(rf"\$(?:{'|'.join(_NAMES)})\b")

SECRET_MEMBERS: Final = frozenset(
    {
        *("access_token", "refresh_token", "id_token", "client_secret", "code_verifier"),
        *("registration_access_token", "client_assertion", "password", "secret", "token"),
        *("authorization", "cookie", "set_cookie", "api_key", "apikey", "private_key"),
    }
)
"""Members that are masked wherever they stand in a document that is otherwise shown."""

_MIN_NAMED: Final = 8
_MIN_UNNAMED: Final = 16
_MAX_LEARNT: Final = 30

# Each begins where no run of the same characters can precede it, so strangers' text is read once
_RUN: Final = re.compile(r"(?<![A-Za-z0-9_.-])[A-Za-z0-9_.-]{20,}")
_BEARER: Final = re.compile(r'(?i)\b(bearer|dpop) +[A-Za-z0-9._~+/-]{16,}=*(?![\w="])')
_BASIC: Final = re.compile(r'(?i)\bbasic +[A-Za-z0-9+/_-]{12,}=*(?![\w="])')
_PAIR: Final = re.compile(
    r"\b(access_token|refresh_token|id_token|client_secret|code_verifier)=[^&\s\"'<>$]+"
)


def placeholder_of(name: str) -> str:
    """The placeholder for the value of a parameter, member or header."""
    return PLACEHOLDERS.get(normalised(name), MASKED)


def normalised(name: str) -> str:
    return name.lower().replace("-", "_")


class Known:
    """Secret values that were met, so that they are found again wherever else they stand."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}

    def learn(self, found: Iterable[tuple[str, str]]) -> None:
        """The first of what one place has: a stranger's document may have any number."""
        for name, value in islice(found, _MAX_LEARNT):
            self._add(value, placeholder_of(name))
        # the longest first: one secret may begin with another
        longest_first = sorted(self._placeholders.items(), key=lambda pair: -len(pair[0]))
        self._placeholders = dict(longest_first)

    def scrub(self, text: str) -> str:
        """The text without any of them, and without what looks like a token of anybody's."""
        for value, placeholder in self._placeholders.items():
            text = text.replace(value, placeholder)
        text = _RUN.sub(_without_jwt, text)
        text = _PAIR.sub(lambda pair: f"{pair[1]}={PLACEHOLDERS[pair[1]]}", text)
        text = _BEARER.sub(rf"\1 {PLACEHOLDERS['access_token']}", text)
        return _BASIC.sub(f"Basic {PLACEHOLDERS['basic']}", text)

    def _add(self, value: str, placeholder: str) -> None:
        """Short values are left alone: they would be found in innocent words."""
        shortest = _MIN_UNNAMED if placeholder == MASKED else _MIN_NAMED
        if len(value) >= shortest and not PLACEHOLDER.fullmatch(value):
            for spelling in _spellings(value):
                self._placeholders.setdefault(spelling, placeholder)


def _without_jwt(run: re.Match[str]) -> str:
    """A JWT begins with the base64 of `{"` and goes on after a dot."""
    parts = run[0].split(".")[:-1]
    return PLACEHOLDERS["jwt"] if any("eyJ" in part for part in parts) else run[0]


def _spellings(value: str) -> set[str]:
    """As it is, in a URL, in a form, and in base64."""
    raw = value.encode("utf-8", "surrogatepass")
    encoded = base64.b64encode(raw).decode().rstrip("=")
    urlsafe = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {value, quote(raw, safe=""), quote(raw), quote_plus(raw), encoded, urlsafe}
