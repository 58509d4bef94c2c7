"""A timeline as an HTTP Archive (HAR 1.2), with placeholders where the secrets were."""

from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import unquote_plus

from demo_clients.timeline.exchange import Entry, Exchange, Message, Pairs
from demo_clients.timeline.outcomes import explain

_UNKNOWN_SIZE = -1
_REQUEST = "authorization_request"
_LED_THERE = "This client's redirect that led there; what the browser got there is not known here."


def to_har(entries: Iterable[Entry], *, creator: str, version: str) -> dict[str, object]:
    """What other tools open. Members that begin with an underscore are ours, as HAR allows.

    An archive has requests with their answers only, so notes stand in a list of their own.
    """
    archived, notes = list[dict[str, object]](), list[dict[str, object]]()
    for entry in entries:
        if entry.exchange.is_note:
            notes.append(_note(entry.exchange, before=len(archived)))
        else:
            archived.append(_entry(entry.exchange))
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": creator, "version": version},
            "comment": "Secrets were masked before anything was stored; $NAMES stand for them.",
            "entries": archived,
            "_notes": notes,
        }
    }


def _note(exchange: Exchange, *, before: int) -> dict[str, object]:
    """before: the index of the entry that follows it"""
    explanation = explain(exchange)
    return {
        "_step": exchange.step,
        "_before": before,
        "comment": f"{explanation.title}: {explanation.sentence}",
        "url": exchange.url,
        "text": exchange.response.body,
    }


def _entry(exchange: Exchange) -> dict[str, object]:
    at = datetime.fromtimestamp(exchange.started_at_ms / 1000, UTC)
    taken = exchange.taken_ms or 0
    return {
        "startedDateTime": at.isoformat(timespec="milliseconds"),
        "time": taken,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": taken, "receive": 0},
        "comment": explain(exchange).title,
        "_step": exchange.step,
        "_detail": exchange.detail,
        "_checks": [{"what": check.what, "passed": check.passed} for check in exchange.checks],
        "_tokens": [
            {"name": one.name, "header": dict(one.header), "claims": dict(one.claims)}
            for one in exchange.tokens
        ],
    }


def _request(exchange: Exchange) -> dict[str, object]:
    message = exchange.request
    query = exchange.url.partition("?")[2]
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    request: dict[str, object] = {
        "method": exchange.method,
        "url": exchange.url,
        "queryString": _named([(unquote_plus(n), unquote_plus(value)) for n, value in pairs]),
        **_common(message),
    }
    if message.form or message.body:
        request["postData"] = {
            "mimeType": message.media_type,
            "params": _named(message.form),
            "text": message.body,
            "comment": message.left_out,
        }
    return request


def _response(exchange: Exchange) -> dict[str, object]:
    message, status = exchange.response, exchange.status or 0
    location = [value for name, value in message.headers if name.lower() == "location"]
    return {
        "status": status,
        "statusText": _phrase(status),
        "redirectURL": location[0] if location else "",
        "content": {
            "size": len(message.body.encode()),
            "mimeType": message.media_type or "application/octet-stream",
            "text": message.body,
            "comment": message.left_out,
        },
        **_common(message),
        "comment": exchange.failure or (_LED_THERE if exchange.step == _REQUEST else ""),
    }


def _common(message: Message) -> dict[str, object]:
    """Cookies are never kept, and what was on the wire is not measured."""
    return {
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _named(message.headers),
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _UNKNOWN_SIZE,
    }


def _named(pairs: Pairs | list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
