"""The redirect back is written by whoever made the link, until the issuer in it is right."""

import pytest

from demo_clients.authorization_response import (
    ForeignResponse,
    issuer_mismatch,
    parameter,
    read_authorization_response,
)
from demo_clients.problems import Problem

ISSUER = "https://as.example"
OTHERS = [
    "https://evil.example",
    "https://as.example/",
    "https://AS.example",
    "https://as.example:443",
    "HTTPS://as.example",
    "https://as.example/%2e",
]


def read(parameters: dict[str, str], *, promised: bool) -> str:
    return read_authorization_response(
        list(parameters.items()), issuer=ISSUER, iss_promised=promised
    )


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize("promised", [True, False], ids=["promised", "not-promised"])
@pytest.mark.parametrize("iss", OTHERS)
@pytest.mark.parametrize("rest", [{"code": "c"}, {"error": "access_denied"}], ids=["code", "error"])
def test_another_issuer_is_refused(iss: str, rest: dict[str, str], promised: bool) -> None:
    with pytest.raises(ForeignResponse):
        read({**rest, "iss": iss}, promised=promised)


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize("rest", [{"code": "c"}, {"error": "access_denied"}], ids=["code", "error"])
@pytest.mark.parametrize("empty", [{}, {"iss": ""}], ids=["absent", "empty"])
def test_a_missing_issuer_is_refused_where_it_was_promised(
    rest: dict[str, str], empty: dict[str, str]
) -> None:
    with pytest.raises(ForeignResponse):
        read({**rest, **empty}, promised=True)


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize(
    ("iss", "promised"),
    [({"iss": ISSUER}, True), ({"iss": ISSUER}, False), ({}, False)],
    ids=["promised-and-right", "not-promised-but-right", "neither"],
)
def test_the_right_issuer_gives_the_code_or_the_error(iss: dict[str, str], promised: bool) -> None:
    assert read({"code": "abc", **iss}, promised=promised) == "abc"
    with pytest.raises(Problem, match="access_denied") as refusal:
        read({"error": "access_denied", **iss}, promised=promised)
    assert not isinstance(refusal.value, ForeignResponse)
    assert refusal.value.message == "You denied access."


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize("promised", [True, False])
def test_text_of_the_response_is_never_shown(promised: bool) -> None:
    text = "<script>call 555-1234</script>"
    for iss in ("https://evil.example", ISSUER):
        for error in ("access_denied", "made_up", text):
            sent = {"error": error, "error_description": text, "error_uri": text, "iss": iss}
            with pytest.raises(Problem) as refusal:
                read(sent, promised=promised)
            assert "555" not in refusal.value.message + refusal.value.reason
            assert "made_up" not in refusal.value.message + refusal.value.reason


@pytest.mark.parametrize("name", ["code", "state", "iss", "error"])
def test_a_repeated_parameter_is_refused(name: str) -> None:
    parameters = [("code", "c"), ("iss", ISSUER), ("state", "s")]
    repeated = [*parameters, (name, "c"), (name, "c")]
    with pytest.raises(Problem, match="repeated"):
        read_authorization_response(repeated, issuer=ISSUER, iss_promised=True)


@pytest.mark.requirement("CL12")
@pytest.mark.parametrize("promised", [True, False])
def test_an_issuer_beside_another_is_not_the_right_one(promised: bool) -> None:
    named = [("iss", ISSUER), ("iss", "https://evil.example")]
    for parameters in (named, named[::-1], [named[0], named[0]]):
        assert issuer_mismatch(parameters, issuer=ISSUER, iss_promised=promised)


@pytest.mark.parametrize("rest", [{}, {"code": ""}])
def test_a_response_without_a_code_is_refused(rest: dict[str, str]) -> None:
    with pytest.raises(Problem, match="code missing"):
        read({"iss": ISSUER, **rest}, promised=True)


def test_an_error_wins_over_a_code() -> None:
    with pytest.raises(Problem, match="access_denied"):
        read({"iss": ISSUER, "code": "c", "error": "access_denied"}, promised=True)


def test_a_parameter_counts_once_and_not_empty() -> None:
    assert parameter([("a", "1"), ("b", "2")], "a") == "1"
    assert parameter([("a", ""), ("b", "2")], "a") is None
    assert parameter([("a", "1"), ("a", "1")], "a") is None
    assert parameter([], "a") is None
