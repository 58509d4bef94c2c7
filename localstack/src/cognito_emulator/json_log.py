"""Logs as JSON lines on stderr: constant event names, facts as fields, never a secret."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError


class JsonFormatter(logging.Formatter):
    """One line an event; fields come in `extra={"fields": {…}}`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname.lower(),
            "service": "cognito-emulator",
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            # Where, not what: messages of exceptions may quote the request.
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _places(record.exc_info[2])
        return json.dumps(line, default=str)


def _places(traceback: Any) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return places[-8:]


def configure() -> None:
    """Send every logger's lines to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_is_about_us)


def _is_about_us(record: logging.LogRecord) -> bool:
    """Not what aiohttp takes for an error: bytes that are no HTTP, or no body of their encoding."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, HttpProcessingError | RequestPayloadError)


def info(event: str, **fields: Any) -> None:
    """Say what happened."""
    logging.getLogger("cognito_emulator").info(event, extra={"fields": fields})


def error(event: str, **fields: Any) -> None:
    """Say what failed, with the place of the exception that is being handled."""
    logging.getLogger("cognito_emulator").error(event, exc_info=True, extra={"fields": fields})
