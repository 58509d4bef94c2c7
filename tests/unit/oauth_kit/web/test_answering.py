"""Answers: kept by nobody, framed by nobody, redirects byte for byte."""

import pytest

from oauth_kit.web.answering import empty, html_page, json_answer, redirect


@pytest.mark.requirement("B18", "TK1", "REG1")
def test_json_is_not_kept_unless_it_says_so() -> None:
    answer = json_answer({"a": "ü"}, status=201, headers={"X-More": "1"})
    assert (answer.status, answer.body) == (201, b'{"a":"\\u00fc"}')
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.headers["X-More"] == "1"


@pytest.mark.requirement("ASM15", "RS6")
def test_a_public_document_may_be_kept() -> None:
    answer = json_answer({}, cacheable_seconds=300)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Pragma" not in answer.headers


@pytest.mark.requirement("CB1", "CB13", "AU18")
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:3000?code=x",
        "https://HOST.example:443/a/../cb?x=%7E%2F%3a#",
        "com.example.app:/cb?flag&a=%FF",
        "https://host.example/cb?state=%00a+b&iss=https%3A%2F%2Fi",
    ],
)
def test_a_redirect_goes_exactly_there(location: str) -> None:
    answer = redirect(location, headers={"X-More": "1"})
    assert (answer.status, answer.headers["Location"]) == (303, location)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert redirect(location, status=302).status == 302


@pytest.mark.requirement("A5", "A17", "CB13")
@pytest.mark.parametrize(("has_form", "referrer"), [(True, "same-origin"), (False, "no-referrer")])
def test_a_page_runs_nothing_and_is_framed_by_nobody(has_form: bool, referrer: str) -> None:
    answer = html_page("<p>ü", status=400, has_form=has_form)
    assert (answer.status, answer.text) == (400, "<p>ü")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert not any(part.startswith(("script-src", "form-action")) for part in policy)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == referrer
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("A17")
def test_a_page_with_a_script_runs_files_of_ours_and_calls_us_alone() -> None:
    policy = html_page("<p>", has_script=True).headers["Content-Security-Policy"].split("; ")
    closed = html_page("<p>").headers["Content-Security-Policy"].split("; ")
    assert set(policy) - set(closed) == {"script-src 'self'", "connect-src 'self'"}
    assert set(closed) < set(policy)


def test_an_empty_answer_is_empty() -> None:
    answer = empty(headers={"X-More": "1"})
    assert (answer.status, answer.body, answer.headers["X-More"]) == (204, None, "1")
    assert answer.headers["Cache-Control"] == "no-store"
    assert empty(200).status == 200
