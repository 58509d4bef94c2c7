"""Secrets are found in other text, and innocent text stays as it is."""

import pytest

from demo_clients.timeline.secrets import MASKED, PLACEHOLDER, PLACEHOLDERS, Known, placeholder_of


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("eyJhbGciOiJub25lIn0.e30.", "$JWT"),
        ("(eyJhbGciOiJub25lIn0.e30.c2ln)", "($JWT)"),
        ("a=eyJhbGciOiJub25lIn0.e30.c2ln&b", "a=$JWT&b"),
        ("xeyJhbGciOiJub25lIn0.e30.c2ln", "$JWT"),
        ("eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", "$JWT"),
        ("Bearer abcdefghijklmnop", "Bearer $ACCESS_TOKEN"),
        ("bearer  abcdefghijklmnop==", "bearer $ACCESS_TOKEN"),
        ("DPoP abcdefghijklmnop", "DPoP $ACCESS_TOKEN"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic $BASIC_CREDENTIALS"),
        ("access_token=abc", "access_token=$ACCESS_TOKEN"),
        ("?code_verifier=abc&x=1", "?code_verifier=$CODE_VERIFIER&x=1"),
        ("client_secret='", "client_secret='"),
    ],
)
def test_what_looks_like_a_token_is_masked(text: str, scrubbed: str) -> None:
    assert Known().scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        'Bearer resource_metadata="https://r.example/x", scope="a"',
        'Bearer error_description="the token is not good any more"',
        "A bearer token is a token",
        "Bearer short",
        'Basic realm="x"',
        "https://eyJ.example.com/a",
        "io.modelcontextprotocol/protocolVersion",
        "mcp-Byof3VMNlPLE_EqqoGTFDnB4_nCT_Rf7",
        "access_token=$ACCESS_TOKEN",
    ],
)
def test_innocent_text_stays(text: str) -> None:
    assert Known().scrub(text) == text


def test_the_longer_of_two_secrets_goes_first() -> None:
    known = Known()
    known.learn([("code", "12345678"), ("refresh_token", "12345678.abcdefgh")])
    assert known.scrub("12345678.abcdefgh 12345678") == "$REFRESH_TOKEN $CODE"


@pytest.mark.parametrize(
    ("name", "value", "is_learnt"),
    [
        ("code", "1234567", False),
        ("code", "12345678", True),
        ("anything", "123456789012345", False),
        ("anything", "1234567890123456", True),
        ("code", "$ACCESS_TOKEN", False),
    ],
)
def test_short_values_are_not_looked_for(name: str, value: str, is_learnt: bool) -> None:
    known = Known()
    known.learn([(name, value)])
    assert (known.scrub(f"<{value}>") != f"<{value}>") is is_learnt


def test_no_more_is_learnt_from_one_place_than_thirty() -> None:
    known = Known()
    known.learn([("code", f"secret-{number:03d}") for number in range(31)])
    assert known.scrub("secret-029 secret-030") == "$CODE secret-030"


@pytest.mark.parametrize("name", ["Set-Cookie", "MCP-Session-Id", "access_token", "surprise"])
def test_a_placeholder_is_found_again(name: str) -> None:
    assert PLACEHOLDER.fullmatch(placeholder_of(name))
    assert {MASKED, *PLACEHOLDERS.values()} >= {placeholder_of(name)}


@pytest.mark.parametrize("text", ["$CODES", "$CODE_VERIFIERS", "$HOME", "CODE", "$", "$$"])
def test_what_is_no_placeholder_is_not_taken_for_one(text: str) -> None:
    assert not PLACEHOLDER.fullmatch(text)
