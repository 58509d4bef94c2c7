"""RFC 8707 §2."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.resource_indicators import canonical_resource

KNOWN = "https://mcp.example/mcp"


@pytest.mark.requirement("AU9", "TK12")
@pytest.mark.parametrize(
    "asked",
    [
        "mcp",
        "/mcp",
        "//mcp.example/mcp",
        "mcp.example/mcp",
        "https:mcp.example/mcp",
        "https://other.example/mcp",
        "https://mcp.example.evil/mcp",
        "https://mcp.example@evil/mcp",
        "https://user@mcp.example/mcp",
        "https://mcp.example:444/mcp",
        "https://mcp.example:443/mcp",
        "https://mcp.example./mcp",
        "http://mcp.example/mcp",
        "https://mcp.example",
        "https://mcp.example/",
        "https://mcp.example/MCP",
        "https://mcp.example/mcp2",
        "https://mcp.example/mcp/other",
        "https://mcp.example/mcp//",
        "https://mcp.example//mcp",
        "https://mcp.example/x/../mcp",
        "https://mcp.example/./mcp",
        "https://mcp.example/%6Dcp",
        "https://mcp.example/mcp%2f",
        "https://mcp.example\\mcp",
        "https://mcp.example/mcp#",
        "https://mcp.example/mcp#f",
        "https://mcp.example/mcp?x#f",
        "https://mcp.example/mcp ",
        " https://mcp.example/mcp",
        "https://mcp.example/mcp\n",
        "https://mcp.example/m\tcp",
        "https://mcp.example/mcp\x00",
        "https://mcp.exa\u006d\u0301ple/mcp",
        "https://mcp.example/mcp?a b",
        "https://mcp.example/mcp?a\n",
        "https://mcp.example/mcp?\u00e9",
        '["https://mcp.example/mcp"]',
        "*",
    ],
)
def test_another_resource_is_an_invalid_target(asked: str) -> None:
    for values in ([asked], [KNOWN, asked], [asked, KNOWN]):
        with pytest.raises(OAuthError) as refused:
            canonical_resource(values, known=KNOWN, required=False)
        assert refused.value.code == "invalid_target"


@pytest.mark.requirement("AU9", "TK12")
@pytest.mark.parametrize(
    "asked",
    [
        KNOWN,
        "https://mcp.example/mcp/",
        "HTTPS://MCP.EXAMPLE/mcp",
        "https://mcp.example/mcp?codemode=false",
        "https://mcp.example/mcp/?",
    ],
)
def test_a_tolerated_spelling_becomes_the_canonical_one(asked: str) -> None:
    for values in ([asked], [asked, KNOWN], [asked, asked, ""]):
        assert canonical_resource(values, known=KNOWN, required=True) == KNOWN


@pytest.mark.requirement("AU10")
@pytest.mark.parametrize("asked", [[], [""], ["", ""]])
def test_a_missing_resource_is_the_known_one_unless_it_is_required(asked: list[str]) -> None:
    assert canonical_resource(asked, known=KNOWN, required=False) == KNOWN
    with pytest.raises(OAuthError) as refused:
        canonical_resource(asked, known=KNOWN, required=True)
    assert refused.value.code == "invalid_target"


@pytest.mark.parametrize(
    ("known", "asked", "same"),
    [
        ("https://mcp.example", "https://mcp.example/", True),
        ("https://mcp.example/", "https://mcp.example", True),
        ("https://mcp.example", "https://mcp.example/mcp", False),
        ("https://mcp.example/mcp?a=1", "https://mcp.example/mcp/?a=1", True),
        ("https://k.example/mcp", "https://\u212a.example/mcp", False),
        ("https://mcp.example/mcp?a=1", "https://mcp.example/mcp?a=2", False),
        ("https://mcp.example/mcp?a=1", "https://mcp.example/mcp", False),
    ],
)
def test_the_shape_of_our_own_identifier_decides(known: str, asked: str, same: bool) -> None:
    if same:
        assert canonical_resource([asked], known=known, required=False) == known
    else:
        with pytest.raises(OAuthError):
            canonical_resource([asked], known=known, required=False)


@given(st.lists(st.text()))
def test_any_text_is_the_known_resource_or_refused(asked: list[str]) -> None:
    with suppress(OAuthError):
        assert canonical_resource(asked, known=KNOWN, required=False) == KNOWN
