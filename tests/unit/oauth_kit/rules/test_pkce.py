"""RFC 7636 §4, appendix B."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.pkce import challenge_of, check_challenge, check_verifier, verifier_matches

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


@pytest.mark.requirement("AU8")
@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (None, "S256"),
        ("", "S256"),
        (None, None),
        (CHALLENGE, None),
        (CHALLENGE, ""),
        (CHALLENGE, "plain"),
        (CHALLENGE, "s256"),
        (CHALLENGE, "S256 "),
        (CHALLENGE, "S512"),
        (VERIFIER, "plain"),
        ("abc", "S256"),
        (CHALLENGE[:-1], "S256"),
        (CHALLENGE + "A", "S256"),
        (CHALLENGE + "=", "S256"),
        (CHALLENGE + "\n", "S256"),
        (" " + CHALLENGE[1:], "S256"),
        ("+" + CHALLENGE[1:], "S256"),
        ("/" + CHALLENGE[1:], "S256"),
        ("." + CHALLENGE[1:], "S256"),
        ("é" + CHALLENGE[1:], "S256"),
        ("\u0663" + CHALLENGE[1:], "S256"),
    ],
)
def test_nothing_but_an_s256_challenge_is_accepted(
    challenge: str | None, method: str | None
) -> None:
    with pytest.raises(OAuthError) as refused:
        check_challenge(challenge, method)
    assert refused.value.code == "invalid_request"


def test_a_proper_challenge_is_returned_as_it_came() -> None:
    assert check_challenge(CHALLENGE, "S256") == CHALLENGE


@pytest.mark.requirement("TK9")
@pytest.mark.parametrize("verifier", [None, ""])
def test_a_missing_verifier_is_an_invalid_request(verifier: str | None) -> None:
    with pytest.raises(OAuthError) as refused:
        check_verifier(verifier)
    assert refused.value.code == "invalid_request"


@pytest.mark.requirement("TK9")
@pytest.mark.parametrize(
    "verifier",
    [
        "a",
        "a" * 42,
        "a" * 129,
        "a" * 42 + "\n",
        "a" * 43 + "\n",
        "a" * 42 + "+",
        "a" * 42 + "/",
        "a" * 42 + "=",
        "a" * 42 + " ",
        "a" * 42 + "\x00",
        "a" * 42 + "é",
        "a" * 42 + "\u0660",
    ],
)
def test_a_malformed_verifier_is_an_invalid_grant_and_matches_nothing(verifier: str) -> None:
    with pytest.raises(OAuthError) as refused:
        check_verifier(verifier)
    assert refused.value.code == "invalid_grant"
    assert not verifier_matches(verifier, CHALLENGE)


@pytest.mark.requirement("TK9")
@pytest.mark.parametrize("verifier", ["a" * 42, "a" * 129, VERIFIER + "\n", VERIFIER + "="])
def test_a_malformed_verifier_does_not_match_its_own_challenge(verifier: str) -> None:
    assert not verifier_matches(verifier, challenge_of(verifier))


@pytest.mark.requirement("TK9")
def test_the_example_of_the_rfc_matches() -> None:
    assert challenge_of(VERIFIER) == CHALLENGE
    assert verifier_matches(VERIFIER, CHALLENGE)


@pytest.mark.requirement("TK9")
@pytest.mark.parametrize(
    ("verifier", "challenge"),
    [
        (VERIFIER[:-1] + "l", CHALLENGE),
        (VERIFIER, CHALLENGE[:-1] + "N"),
        (VERIFIER, CHALLENGE.lower()),
        (VERIFIER, CHALLENGE + "="),
        (VERIFIER, VERIFIER),
        (VERIFIER, ""),
        (VERIFIER, "é"),
        (CHALLENGE, CHALLENGE),
    ],
)
def test_a_wrong_verifier_does_not_match(verifier: str, challenge: str) -> None:
    assert not verifier_matches(verifier, challenge)


@pytest.mark.requirement("TK9")
@given(st.text(UNRESERVED, min_size=43, max_size=128))
def test_every_verifier_of_the_grammar_matches_its_own_challenge(verifier: str) -> None:
    assert check_verifier(verifier) == verifier
    challenge = check_challenge(challenge_of(verifier), "S256")
    assert verifier_matches(verifier, challenge)
    assert not verifier_matches(verifier, challenge[1:] + challenge[0]) or len(set(challenge)) == 1


@given(st.text(), st.text())
def test_any_input_is_answered_without_another_exception(first: str, second: str) -> None:
    verifier_matches(first, second)
    for check in (check_verifier, lambda value: check_challenge(value, "S256")):
        with suppress(OAuthError):
            assert check(first) == first
