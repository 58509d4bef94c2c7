"""What a stranger's bytes may make of our log: one quiet line, whatever aiohttp thinks of it."""

import logging

import pytest
from aiohttp.http_exceptions import BadStatusLine, ContentEncodingError, InvalidURLError
from aiohttp.web import RequestPayloadError

from oauth_kit.logging import MalformedRequests, log_config

CANARY = "code=canary"


def record_of(raised: Exception) -> logging.LogRecord:
    """As aiohttp logs it."""
    return logging.LogRecord(
        "aiohttp.server",
        logging.ERROR,
        "web_protocol.py",
        1,
        f"Error handling request from %s {CANARY}",
        ("192.0.2.1",),
        (type(raised), raised, None),
    )


@pytest.mark.parametrize(
    "raised",
    [
        BadStatusLine(CANARY),
        InvalidURLError(CANARY),
        ContentEncodingError(CANARY),
        RequestPayloadError(CANARY),
    ],
)
@pytest.mark.requirement("OP1")
def test_what_is_no_http_is_one_line_without_what_was_sent(
    raised: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    record = record_of(raised)
    with caplog.at_level(logging.INFO):
        assert MalformedRequests().filter(record)
    assert (record.levelname, record.getMessage()) == ("INFO", "malformed_request")
    assert record.exc_info is None
    with caplog.at_level(logging.WARNING):
        assert not MalformedRequests().filter(record_of(raised))


def test_an_error_of_ours_stays_one() -> None:
    record = record_of(RuntimeError("ours"))
    assert MalformedRequests().filter(record)
    assert record.levelname == "ERROR"
    assert record.exc_info is not None


def test_the_servers_logger_has_the_filter() -> None:
    config = log_config("info")
    (name,) = config["loggers"]["aiohttp.server"]["filters"]
    assert config["filters"][name]["()"] is MalformedRequests
