"""Claims are shown, tokens are not, and nothing in a token can break the page."""

import base64
import json

import pytest

from demo_clients.view import unverified_claims


def token(payload: object) -> str:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    part = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return f"header.{part}.signature"


def test_claims_are_decoded_and_times_explained() -> None:
    claims = unverified_claims(token({"sub": "u", "exp": 1_800_000_000, "aud": ["a", "b"]}))
    assert [(claim.name, claim.value) for claim in claims] == [
        ("sub", "u"),
        ("exp", "1800000000"),
        ("aud", '["a", "b"]'),
    ]
    assert claims[1].meaning == "expires 2027-01-15 08:00:00 UTC"
    assert claims[0].meaning.startswith("subject: ")


@pytest.mark.parametrize("seconds", [10**30, -(10**30), True, 1.5, None])
def test_a_time_that_is_none_is_not_told(seconds: object) -> None:
    (claim,) = unverified_claims(token({"exp": seconds}))
    assert claim.meaning == "expires"


@pytest.mark.parametrize(
    "opaque",
    [
        *("opaque", "a.b", "a.b.c.d", "a.!.c", "a..c"),
        *(token(b"[]"), token(b"\xff"), token(b'{"a":1,"a":2}')),
    ],
)
def test_a_token_that_is_no_jwt_has_no_claims(opaque: str) -> None:
    assert unverified_claims(opaque) == ()
