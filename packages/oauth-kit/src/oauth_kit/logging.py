"""One JSON line an event, for our own lines and for those of the libraries."""

import logging
import logging.config
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, WrappedLogger

REQUEST: Final = ContextVar[Mapping[str, object]]("request", default=MappingProxyType({}))
"""What each line that is written during a request says of it."""


def add_request(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """What structlog's own variables do, with one for all fields: it is set for every request."""
    for name, value in REQUEST.get().items():
        event.setdefault(name, value)
    return event


_SHARED: list[Any] = [
    add_request,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


# Never the values of local variables: among them are tokens, codes and secrets
_tracebacks = ExceptionDictTransformer(show_locals=False)


def _tracebacks_without_messages(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Where it happened. What a library says of it may quote a request line or a token."""
    return [_without_message(stack) for stack in _tracebacks(exc_info)]


def _without_message(stack: dict[str, Any]) -> dict[str, Any]:
    return {
        "exc_type": stack["exc_type"],
        "is_cause": stack["is_cause"],
        "frames": stack["frames"],
        "exceptions": [[_without_message(inner) for inner in s] for s in stack["exceptions"]],
    }


def _first_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Below the first line of its errors asyncio prints the task, its exception and arguments."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


class MalformedRequests(logging.Filter):
    """Turns what aiohttp takes for an error of ours, traceback and all, into one quiet line.

    It is the caller's: bytes that are no HTTP, or no body of their Content-Encoding. Anybody can
    send as many of them as he likes.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        raised = record.exc_info[1] if record.exc_info else None
        if isinstance(raised, HttpProcessingError | RequestPayloadError):
            record.msg, record.args, record.exc_info = "malformed_request", (), None
            record.levelno, record.levelname = logging.INFO, "INFO"
            return logging.getLogger().isEnabledFor(logging.INFO)
        return True


def log_config(level: str) -> dict[str, Any]:
    """The `logconfig_dict` for gunicorn and for our own processes.

    level: `debug` also shows what exceptions say; no other level does
    """
    tracebacks = _tracebacks if level == "debug" else _tracebacks_without_messages
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*_SHARED, structlog.stdlib.add_logger_name, _first_line],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.ExceptionRenderer(tracebacks),
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "filters": {"malformed_requests": {"()": MalformedRequests}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
            }
        },
        "root": {"handlers": ["stdout"], "level": level.upper()},
        "loggers": {
            # botocore's and aiohttp's debug lines carry headers and bodies
            "botocore": {"level": "WARNING"},
            "boto3": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "aiohttp": {"level": "WARNING"},
            "aiohttp.access": {"level": "WARNING"},
            "aiohttp.server": {"filters": ["malformed_requests"]},
            "asyncio": {"level": "WARNING"},
            "mcp": {"level": "WARNING"},
        },
    }


def configure_logging(level: str) -> None:
    """Set up structlog and the standard library's logging for this process."""
    logging.config.dictConfig(log_config(level))
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
