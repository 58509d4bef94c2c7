"""Bearer tokens: Authorization and WWW-Authenticate (RFC 6750, RFC 9110 §11)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from oauth_kit.rules.errors import OAuthError

_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]++=*+")  # possessive: nothing to go back to
_NOT_ALLOWED = re.compile(r"[^\x20\x21\x23-\x5B\x5D-\x7E]")  # RFC 6750 §3

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_END = r"[ \t]*(?=,|\Z)"
_QUOTED = r'"(?P<quoted>(?:[^\x00-\x08\x0A-\x1F"\\\x7F]|\\[^\x00-\x08\x0A-\x1F\x7F])*)"'
_SEPARATORS = re.compile(r"[ \t,]*")
_PARAMETER = re.compile(rf"(?P<name>{_NAME})[ \t]*=[ \t]*(?:(?P<plain>{_NAME})|{_QUOTED}){_END}")
_SCHEME = re.compile(rf"(?P<scheme>{_NAME})(?:(?P<alone>{_END})| +)")
_TOKEN68_ELEMENT = re.compile(_TOKEN68.pattern + _END)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a WWW-Authenticate header; scheme and parameter names in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def read_bearer(authorization: Sequence[str], *, body_token: bool = False) -> str | None:
    """The access token of a request, None when it carries no bearer credentials.

    authorization: every Authorization header of the request
    body_token:    the body has an `access_token`; alone it counts for nothing
    Raises OAuthError: invalid_request for two credentials (RFC 6750 §2), invalid_token for a
    token that is none.
    """
    if len(authorization) > 1:
        raise OAuthError("invalid_request", "There is more than one Authorization header")
    if not authorization:
        return None
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer":
        return None
    if body_token:
        raise OAuthError("invalid_request", "The access token is sent in more than one way")
    token = token.strip(" ")
    if not _TOKEN68.fullmatch(token):
        raise OAuthError("invalid_token", "The access token is malformed")
    return token


def bearer_challenge(
    *,
    resource_metadata: str,
    scope: str | None = None,
    error: str | None = None,
    description: str | None = None,
) -> str:
    """The value of a WWW-Authenticate header (RFC 6750 §3, RFC 9728 §5.1).

    Characters that RFC 6750 does not allow are left out, so no value can end its quoted string.
    """
    parameters = {
        "error": error,
        "error_description": description,
        "scope": scope,
        "resource_metadata": resource_metadata,
    }
    cleaned = {name: _NOT_ALLOWED.sub("", value) for name, value in parameters.items() if value}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in cleaned.items() if value)


def parse_challenges(header_values: Sequence[str]) -> list[Challenge]:
    """Every challenge of a response's WWW-Authenticate headers (RFC 9110 §11.6.1).

    A header that breaks the grammar is left out as a whole: what its author meant is a guess.
    """
    challenges: list[Challenge] = []
    for value in header_values:
        try:
            challenges += _parse_header(value)
        except ValueError:
            continue
    return challenges


def _parse_header(value: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    takes_parameters = False
    position = _skip(_SEPARATORS, value, 0)
    while position < len(value):
        if parameter := _PARAMETER.match(value, position):
            if not takes_parameters:
                raise ValueError("a parameter without a scheme")
            _add(challenges[-1].parameters, parameter)
            position = parameter.end()
        elif scheme := _SCHEME.match(value, position):
            challenges.append(Challenge(scheme["scheme"].lower()))
            position = scheme.end()
            takes_parameters = True
            if scheme["alone"] is None and not _PARAMETER.match(value, position):
                # Credentials in one piece, as `Negotiate abc=`; nobody here reads them.
                position = _skip(_TOKEN68_ELEMENT, value, position)
                takes_parameters = False
        else:
            raise ValueError("neither a scheme nor a parameter")
        position = _skip(_SEPARATORS, value, position)
    return challenges


def _skip(pattern: re.Pattern[str], value: str, position: int) -> int:
    match = pattern.match(value, position)
    if match is None:
        raise ValueError("malformed challenge")
    return match.end()


def _add(parameters: dict[str, str], match: re.Match[str]) -> None:
    name = match["name"].lower()
    if name in parameters:
        raise ValueError("a parameter is repeated")
    quoted = match["quoted"]
    parameters[name] = match["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
