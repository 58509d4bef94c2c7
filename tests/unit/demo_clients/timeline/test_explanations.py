"""Every step says what it is, in a sentence, and where that is written."""

import re
from dataclasses import replace
from typing import get_args

import pytest

from demo_clients.handlers.actions import ACTION_NAMES
from demo_clients.timeline.exchange import Check, Exchange, Message, Pairs, Step
from demo_clients.timeline.explanations import (
    CAUSES,
    CHECKS,
    STEP_UP,
    STEPS,
    CheckName,
    Explanation,
)
from demo_clients.timeline.outcomes import OUTCOMES, explain
from demo_clients.timeline.vocabulary import clock_time, explain_claim

RETURNED = Exchange("authorization_response", "GET", "https://c/callback", 0)
REFRESHED = Exchange("refresh", "POST", "u", 0, status=200)
ROTATED = replace(REFRESHED, checks=(Check(CHECKS["rotated"]),))
AWAY = Exchange("authorization_request", "GET", "u", 0, status=303)
STEPPING_UP = replace(AWAY, detail=f"{STEP_UP}mcp-api/write")
EXPLANATIONS = {
    *(facts.explanation for facts in STEPS.values()),
    *OUTCOMES.values(),
    *map(explain, (ROTATED, STEPPING_UP, replace(RETURNED, url="c?error=x"))),
}


def test_nothing_is_without_a_row() -> None:
    assert STEPS.keys() == set(get_args(Step))
    assert CHECKS.keys() == set(get_args(CheckName))
    assert CAUSES.keys() >= {*ACTION_NAMES, "log-in", "callback"}


@pytest.mark.parametrize(
    "explanation", sorted(EXPLANATIONS, key=str), ids=lambda one: f"{one.title}, {one.reference}"
)
def test_an_explanation_is_one_sentence_with_a_plain_link(explanation: Explanation) -> None:
    assert explanation.sentence.endswith(".")
    assert len(re.findall(r"\.(?:\s|$)", explanation.sentence)) == 1
    assert re.match(
        r"https://(www\.rfc-editor\.org/rfc/rfc\d+(#section-[\d.]+)?"
        r"|modelcontextprotocol\.io/specification/\S+"
        r"|datatracker\.ietf\.org/doc/html/draft-\S+)$",
        explanation.link,
    )
    assert explanation.reference
    assert len(explanation.title) < 40


@pytest.mark.parametrize(
    ("step", "status", "title"),
    [
        ("mcp", 200, "MCP request"),
        ("mcp", 401, "The token is refused"),
        ("rest", 403, "REST request"),
        ("token", 400, "No token is issued"),
        ("refresh", 401, "No token is issued"),
        ("registration", 400, "Registration is refused"),
        ("probe", 401, "A request without a token"),
        ("consent", None, "Consent and log-in"),
    ],
)
def test_the_status_may_change_what_it_is_about(step: Step, status: int | None, title: str) -> None:
    assert explain(Exchange(step, "GET", "u", 0, status=status)).title == title


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("?error=access_denied&state=$STATE&iss=i", "Authorization error response"),
        ("?state=$STATE&error=x", "Authorization error response"),
        ("?code=$CODE&state=$STATE&iss=i", "Authorization response"),
        ("?error=$MASKED&iss=somebody", "Authorization response"),
        ("?error_description=x", "Authorization response"),
        ("", "Authorization response"),
    ],
)
def test_a_callback_with_an_error_is_another_story(query: str, title: str) -> None:
    returned = replace(RETURNED, url=RETURNED.url + query)
    assert explain(returned).title == title
    assert explain(replace(returned, status=303)).title == title


def test_nothing_is_said_to_rotate_that_does_not() -> None:
    assert "successor" not in explain(REFRESHED).sentence
    assert "successor" in explain(ROTATED).sentence
    assert explain(ROTATED).reference == "RFC 9700 §4.14.2"


def test_a_step_up_is_told_from_a_first_request() -> None:
    assert explain(AWAY).reference == "RFC 6749 §4.1.1"
    assert "missing" in explain(STEPPING_UP).sentence
    assert explain(STEPPING_UP).link.endswith("#step-up-authorization-flow")


@pytest.mark.parametrize(
    ("step", "status", "headers", "revision"),
    [
        ("mcp", 200, (("MCP-Protocol-Version", "2026-07-28"),), "2026-07-28"),
        ("mcp", 200, (("mcp-protocol-version", "2025-11-25"),), "2025-11-25"),
        ("mcp", 200, (), "2025-11-25"),
        ("rest", 403, (), "2026-07-28"),
    ],
)
def test_a_link_leads_to_the_revision_that_is_spoken(
    step: Step, status: int, headers: Pairs, revision: str
) -> None:
    challenge = Message((("WWW-Authenticate", 'Bearer error="insufficient_scope"'),))
    called = Exchange(
        step, "POST", "u", 0, status=status, request=Message(headers), response=challenge
    )
    assert f"/{revision}/basic/authorization#" in explain(called).link
    assert revision in explain(called).reference


@pytest.mark.parametrize("step", ["mcp", "rest"])
def test_a_challenge_for_scope_is_a_step_up(step: Step) -> None:
    answer = Message((("WWW-Authenticate", 'Bearer error="insufficient_scope"'),))
    refused = Exchange(step, "GET", "u", 0, status=403, response=answer)
    assert explain(refused).title == "More scope is needed"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ("1800000000", "2027-01-15 08:00:00 UTC"),
        ("0", "1970-01-01 00:00:00 UTC"),
        ("-1", "1969-12-31 23:59:59 UTC"),
        *(
            (value, "")
            for value in ("", "true", "1.5", "٣", "1" * 13, "--1", "999999999999", "null")
        ),
    ],
)
def test_a_time_is_told_where_it_is_one(seconds: str, told: str) -> None:
    assert clock_time(seconds) == told


def test_a_claim_is_explained_where_it_is_known() -> None:
    assert explain_claim("exp", "0") == "expires 1970-01-01 00:00:00 UTC"
    assert explain_claim("aud", "0") == "audience: the only server that may accept it"
    assert explain_claim("surprise", "0") == ""
