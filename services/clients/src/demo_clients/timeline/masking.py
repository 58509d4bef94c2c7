"""Raw traffic to what may be kept: what is shown is chosen, everything else is masked."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, unquote_plus

from demo_clients.timeline.exchange import DecodedToken, Exchange, Message, Pairs, Step
from demo_clients.timeline.jwt_view import Members, as_text, unverified_parts
from demo_clients.timeline.masked_json import (
    OPEN,
    Shown,
    mask_body,
    mask_document,
    parse_object,
    secrets_in,
)
from demo_clients.timeline.secrets import Known, placeholder_of
from demo_clients.timeline.text import cut, fit

MAX_URL_CHARACTERS: Final = 2000
MAX_VALUE_CHARACTERS: Final = 500
MAX_DETAIL_CHARACTERS: Final = 120
MAX_BODY_CHARACTERS: Final = 3000
_MAX_HEADERS: Final = 12
_MAX_PARAMETERS: Final = 30
_MAX_CLAIMS: Final = 40
_TOKENS: Final = ("access_token", "id_token")

_SHOWN_PARAMETERS: Final = frozenset(
    {
        *("response_type", "client_id", "redirect_uri", "scope", "resource", "prompt"),
        *("code_challenge", "code_challenge_method", "iss"),
        *("error", "error_description", "error_uri"),
        *("grant_type", "token_type_hint"),
    }
)
_SHOWN_REQUEST_HEADERS: Final = frozenset(
    {"accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "origin"}
)
_SHOWN_RESPONSE_HEADERS: Final = frozenset(
    {
        *("content-type", "www-authenticate", "cache-control", "retry-after", "allow"),
        "mcp-protocol-version",
    }
)
# named, because it matters that they are there; what they say is masked
_MASKED_HEADERS: Final = frozenset({"mcp-session-id", "set-cookie", "cookie"})
_SCHEMES: Final = {"bearer": "access_token", "basic": "basic"}

_CLIENT_METADATA: Final = frozenset(
    {
        *("client_id", "client_name", "client_uri", "logo_uri", "redirect_uris", "grant_types"),
        *("response_types", "scope", "token_endpoint_auth_method", "application_type", "contacts"),
        *("tos_uri", "policy_uri", "software_id", "software_version", "client_id_issued_at"),
        *("client_secret_expires_at",),
    }
)
_ERROR: Final = frozenset({"error", "error_description", "error_uri"})
_CLOSED: Final[Mapping[Step, Shown]] = {
    "token": _ERROR | {"token_type", "expires_in", "scope"},
    "refresh": _ERROR | {"token_type", "expires_in", "scope"},
    "revocation": _ERROR,
    "registration": _ERROR | _CLIENT_METADATA,
    "authorization_response": frozenset(),
    "consent": frozenset(),
}
"""Answers of which only these members are shown; others are the visitor's data or public."""


@dataclass(frozen=True, slots=True, repr=False)
class RawRequest:
    """As it is sent. Never stored, never logged.

    hidden: parameters that are no secrets and are not shown all the same, whoever wrote them
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: object | None = None
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, repr=False)
class RawAnswer:
    """As it came. Never stored, never logged."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""

    @property
    def media_type(self) -> str:
        values = [value for name, value in self.headers if name.lower() == "content-type"]
        return values[0].partition(";")[0].strip().lower() if values else ""


def mask(
    step: Step, request: RawRequest, answer: RawAnswer | None, *, started_at_ms: int, known: Known
) -> Exchange:
    """What may be kept. `known` learns the secrets of this exchange."""
    shown = _CLOSED.get(step, OPEN)
    document = parse_object(answer.body) if answer is not None else None
    known.learn(_carried_by(request, answer))
    known.learn(secrets_in(request.json, OPEN))
    known.learn(secrets_in(document, shown))
    exchange = Exchange(
        step=step,
        method=_text(request.method, known, 20),
        url=mask_url(request.url, known, request.hidden),
        started_at_ms=started_at_ms,
        detail=_operation(request.json, known),
        request=_mask_request(request, known),
    )
    if answer is None:
        return exchange
    return replace(
        exchange,
        status=answer.status,
        response=mask_answer(step, answer, known),
        tokens=_decoded(document or {}, known) if step in ("token", "refresh") else (),
    )


def mask_note(
    step: Step, url: str, document: Mapping[str, object], *, at_ms: int, known: Known
) -> Exchange:
    """What no request of this client's has brought: somebody else will ask, or nobody has to."""
    body, left_out = mask_document(document, OPEN, known, MAX_BODY_CHARACTERS)
    shown = Message(body=body, media_type="application/json", left_out=left_out)
    return Exchange(
        step=step, method="", url=mask_url(url, known), started_at_ms=at_ms, response=shown
    )


def mask_url(url: str, known: Known, hidden: frozenset[str] = frozenset()) -> str:
    """The URL with the values of those parameters only that are chosen. No userinfo, no fragment.

    What is shown of it is spelt as it was sent.
    """
    address, question_mark, query = url.partition("#")[0].partition("?")
    # up to the last @: readers differ about where a malformed authority ends
    address = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*:)?(//)?.*@", r"\1\2$MASKED@", address)
    parts = query.split("&")[:_MAX_PARAMETERS] if query else []
    masked = "&".join(_mask_pair(part, known, hidden) for part in parts)
    return cut(_encoded(address, known) + question_mark + masked, MAX_URL_CHARACTERS)


def _mask_pair(part: str, known: Known, hidden: frozenset[str]) -> str:
    name, equals, value = part.partition("=")
    decoded = unquote_plus(name)
    shown_name = _text(name, known, 60)
    if not equals:
        return shown_name
    if decoded in _SHOWN_PARAMETERS - hidden:
        return f"{shown_name}={_encoded(value, known)}"
    return f"{shown_name}={placeholder_of(decoded)}"


def _encoded(part: str, known: Known) -> str:
    """A part of a URL as it was sent, unless a secret hides behind its percent signs."""
    plain = unquote_plus(part)
    if known.scrub(plain) != plain:
        part = quote(known.scrub(plain), safe="$/:")
    return _text(part, known)


def _carried_by(request: RawRequest, answer: RawAnswer | None) -> Iterator[tuple[str, str]]:
    """Name and value of everything that is masked in its own place, but for JSON."""
    for name, value in [*(request.form or {}).items(), *_url_parameters(request.url)]:
        if name not in _SHOWN_PARAMETERS:
            yield name, value
    for name, value in [*request.headers.items(), *(answer.headers if answer else ())]:
        if name.lower() == "authorization":
            scheme, _, credentials = value.partition(" ")
            yield _SCHEMES.get(scheme.lower(), ""), credentials.strip()
        elif name.lower() in _MASKED_HEADERS:
            yield name, value.partition("=")[2].partition(";")[0]
            yield name, value


def _url_parameters(url: str) -> Iterable[tuple[str, str]]:
    for part in url.partition("#")[0].partition("?")[2].split("&"):
        name, _, value = part.partition("=")
        yield unquote_plus(name), unquote_plus(value)


def _mask_request(request: RawRequest, known: Known) -> Message:
    headers = _mask_headers(request.headers.items(), _SHOWN_REQUEST_HEADERS, known)
    if request.form is not None:
        form = tuple(
            (name, _text(value, known) if name in _SHOWN_PARAMETERS else placeholder_of(name))
            for name, value in request.form.items()
        )
        return Message(headers, form=form, media_type="application/x-www-form-urlencoded")
    if request.json is None:
        return Message(headers)
    body, left_out = mask_document(request.json, OPEN, known, MAX_BODY_CHARACTERS)
    return Message(headers, body=body, media_type="application/json", left_out=left_out)


def mask_answer(step: Step, answer: RawAnswer, known: Known) -> Message:
    shown = _CLOSED.get(step, OPEN)
    body, left_out = mask_body(answer.body, answer.media_type, shown, known, MAX_BODY_CHARACTERS)
    return Message(
        _mask_headers(answer.headers, _SHOWN_RESPONSE_HEADERS, known),
        body=body,
        media_type=_text(answer.media_type, known, 100),
        left_out=left_out,
    )


def _mask_headers(headers: Iterable[tuple[str, str]], shown: frozenset[str], known: Known) -> Pairs:
    """Those that are chosen. What says who the caller is appears with its value masked."""
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        lower = name.lower()
        if lower == "authorization":
            scheme = value.partition(" ")[0]
            held = placeholder_of(_SCHEMES.get(scheme.lower(), ""))
            kept.append((name, f"{_text(scheme, known, 20)} {held}"))
        elif lower in _MASKED_HEADERS:
            kept.append((name, placeholder_of(lower)))
        elif lower == "location":
            kept.append((name, mask_url(value, known)))
        elif lower in shown:
            kept.append((name, _text(value, known)))
    return tuple((_text(name, known, 60), value) for name, value in kept[:_MAX_HEADERS])


def _operation(document: object, known: Known) -> str:
    """Which JSON-RPC method, and which tool: "tools/call whoami"."""
    if not isinstance(document, Mapping) or not isinstance(document.get("method"), str):
        return ""
    params = document.get("params")
    name = params.get("name") if isinstance(params, Mapping) else None
    words = [str(document["method"]), *([name] if isinstance(name, str) else [])]
    return _text(" ".join(words), known, MAX_DETAIL_CHARACTERS)


def _decoded(document: Mapping[str, object], known: Known) -> tuple[DecodedToken, ...]:
    decoded = []
    for name in _TOKENS:
        token = document.get(name)
        parts = unverified_parts(token) if isinstance(token, str) else None
        if parts is not None:
            header, claims = (_mask_members(members, known) for members in parts)
            decoded.append(DecodedToken(name, header, claims))
    return tuple(decoded)


def _mask_members(members: Members, known: Known) -> Pairs:
    return tuple((_text(name, known, 60), _text(as_text(value), known)) for name, value in members)[
        :_MAX_CLAIMS
    ]


def _text(value: str, known: Known, max_characters: int = MAX_VALUE_CHARACTERS) -> str:
    return fit(known.scrub(value), max_characters)
