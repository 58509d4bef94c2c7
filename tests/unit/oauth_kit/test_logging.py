"""Lines of the log: one JSON object each, and nothing in them that a stranger could use."""

import json
import logging
import sys
from typing import Any

import pytest

from oauth_kit.logging import REQUEST, log_config

CANARY = "canary-token"


def formatter(level: str = "info") -> logging.Formatter:
    options = dict(log_config(level)["formatters"]["json"])
    made: logging.Formatter = options.pop("()")(**options)
    return made


def line_of(record: logging.LogRecord, level: str = "info") -> dict[str, Any]:
    text = formatter(level).format(record)
    assert "\n" not in text
    document: dict[str, Any] = json.loads(text)
    return document


def record(message: str, *values: object, logger: str = "asyncio") -> logging.LogRecord:
    return logging.LogRecord(logger, logging.ERROR, __file__, 1, message, values, None)


def failed(message: str = CANARY) -> logging.LogRecord:
    """A record with a traceback whose frames, message, cause and group hold the canary."""

    def inner(token: str) -> None:
        copied = {"Authorization": f"Bearer {token}"}
        try:
            raise KeyError(copied["Authorization"])
        except KeyError as cause:
            error = ValueError(f"bad token {token}")
            error.add_note(f"note {token}")
            raise ExceptionGroup(f"group {token}", [error]) from cause

    made = record("unexpected_error")
    try:
        inner(message)
    except ExceptionGroup:
        made.exc_info = sys.exc_info()
    return made


@pytest.mark.requirement("B17", "OP1", "TK28")
def test_a_traceback_tells_where_and_not_what() -> None:
    line = line_of(failed())
    assert CANARY not in json.dumps(line)
    group, cause = line["exception"]
    assert (group["exc_type"], cause["exc_type"]) == ("ExceptionGroup", "KeyError")
    assert (group["is_cause"], cause["is_cause"]) == (False, True)
    [[inner]] = group["exceptions"]
    assert inner["exc_type"] == "ValueError"
    names = [frame["name"] for frame in group["frames"]]
    assert names == ["failed", "inner"]
    for frame in group["frames"]:
        assert set(frame) == {"filename", "lineno", "name"}


@pytest.mark.requirement("B17", "OP1")
@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_only_debug_shows_what_exceptions_say(level: str) -> None:
    assert CANARY not in json.dumps(line_of(failed(), level))
    line = line_of(failed(), "debug")
    assert line["exception"][0]["exc_value"].startswith("group")
    assert "locals" not in json.dumps(line)


@pytest.mark.requirement("B17", "OP1")
def test_asyncio_s_lines_end_before_the_task_and_its_exception() -> None:
    text = "Task exception was never retrieved\nfuture: <Task exception=ValueError('%s')>"
    line = line_of(record(text, CANARY))
    assert line["event"] == "Task exception was never retrieved"
    assert (line["logger"], line["level"]) == ("asyncio", "error")


def test_a_library_s_line_is_json_like_ours() -> None:
    outside = REQUEST.set({"request_id": "r1", "event": "never in place of the line's own"})
    line = line_of(record("cannot %s", "resolve", logger="aiohttp.client"))
    REQUEST.reset(outside)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "cannot resolve",
        "level": "error",
        "logger": "aiohttp.client",
        "request_id": "r1",
    }


@pytest.mark.requirement("B17", "OP1")
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_libraries_whose_debug_lines_hold_secrets_stay_quiet(level: str) -> None:
    config = log_config(level)
    assert config["root"]["level"] == level.upper()
    for name in ("botocore", "boto3", "urllib3", "aiohttp", "aiohttp.access", "asyncio", "mcp"):
        assert config["loggers"][name]["level"] == "WARNING"
