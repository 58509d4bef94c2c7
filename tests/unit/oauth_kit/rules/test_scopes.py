"""RFC 6749 §3.3."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import ScopePolicy, parse_scope, render_scope, without_ignored

POLICY = ScopePolicy(
    supported=("mcp:tools", "mcp:write", "mcp:admin"),
    default=("mcp:tools",),
    implies=ScopePolicy.parse_hierarchy("mcp:admin>mcp:write, mcp:write>mcp:tools"),
)
TOKENS = st.text(
    st.characters(codec="ascii", exclude_characters='"\\ \x7f', min_codepoint=0x21), min_size=1
)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        " a",
        "a ",
        "a  b",
        "a\tb",
        "a\nb",
        "a\n",
        'a"b',
        "a\\b",
        "a\x00",
        "a\x7f",
        "é",
        "a\u00a0b",
        "\u202ea",
    ],
)
def test_a_malformed_scope_is_refused(value: str) -> None:
    with pytest.raises(OAuthError) as refused:
        parse_scope(value)
    assert refused.value.code == "invalid_scope"


@given(st.text())
def test_any_text_is_a_scope_or_refused(value: str) -> None:
    with suppress(OAuthError):
        assert render_scope(parse_scope(value)).split(" ")


@given(st.lists(TOKENS, min_size=1, unique=True))
def test_a_scope_survives_rendering(tokens: list[str]) -> None:
    assert parse_scope(render_scope(tokens)) == tuple(tokens)


def test_order_is_kept_and_repetition_is_not() -> None:
    assert parse_scope("b a b c a") == ("b", "a", "c")


@pytest.mark.requirement("AU11")
@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        ("mcp:root", None),
        ("mcp:tools mcp:root", None),
        ("MCP:TOOLS", None),
        ("mcp:tools ", None),
        ("mcp:admin", ("mcp:tools",)),
        ("mcp:tools mcp:write", ("mcp:tools",)),
        ("mcp:tools", ()),
        (None, ()),
        (None, ("mcp:root",)),
        ("mcp:root", ("mcp:root",)),
        ("offline_access", ("mcp:root",)),
        ("offline_access  mcp:tools", None),
    ],
)
def test_no_scope_is_granted_beyond_the_supported_and_registered(
    asked: str | None, registered: tuple[str, ...] | None
) -> None:
    with pytest.raises(OAuthError) as refused:
        POLICY.narrow_request(asked, registered)
    assert refused.value.code == "invalid_scope"


@pytest.mark.requirement("AU11", "ASM9")
@pytest.mark.parametrize(
    ("asked", "registered", "granted"),
    [
        (None, None, ("mcp:tools",)),
        ("", None, ("mcp:tools",)),
        (None, ("mcp:tools", "mcp:write"), ("mcp:tools",)),
        (None, ("mcp:admin",), ("mcp:tools",)),
        ("mcp:write mcp:tools", None, ("mcp:write", "mcp:tools")),
        ("mcp:write", ("mcp:admin",), ("mcp:write",)),
        ("mcp:tools offline_access", None, ("mcp:tools",)),
        ("offline_access", None, ("mcp:tools",)),
        ("mcp:tools", ("mcp:tools", "offline_access", "openid"), ("mcp:tools",)),
    ],
)
def test_a_request_is_narrowed_to_what_it_may_have(
    asked: str | None, registered: tuple[str, ...] | None, granted: tuple[str, ...]
) -> None:
    assert POLICY.narrow_request(asked, registered) == granted


@pytest.mark.requirement("RS21")
@pytest.mark.parametrize(
    ("granted", "needed", "missing"),
    [
        ((), ("mcp:tools",), ("mcp:tools",)),
        (("mcp:tools",), ("mcp:write",), ("mcp:write",)),
        (("mcp:tools",), ("mcp:write", "mcp:tools", "x"), ("mcp:write", "x")),
        (("mcp:write",), ("mcp:admin", "mcp:write"), ("mcp:admin",)),
        (("mcp:admin",), ("mcp:tools", "mcp:write", "mcp:admin"), ()),
        (("mcp:write",), ("mcp:tools",), ()),
        ((), (), ()),
    ],
)
def test_a_broader_scope_covers_the_narrower_ones(
    granted: tuple[str, ...], needed: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert POLICY.missing(granted, needed) == missing
    assert POLICY.covers(granted, needed) is (not missing)


def test_expanding_goes_all_the_way_down() -> None:
    assert POLICY.expand(["mcp:admin"]) == {"mcp:admin", "mcp:write", "mcp:tools"}
    assert POLICY.expand(["mcp:write", "other"]) == {"mcp:write", "mcp:tools", "other"}


@pytest.mark.parametrize(
    "text", ["a", "a>", ">b", "a>b>c", "a>a", "a>b,b>a", "a b>c", 'a>"', "é>a"]
)
def test_a_hierarchy_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be pairs|include itself"):
        ScopePolicy.parse_hierarchy(text)


def test_a_hierarchy_may_be_empty_or_branch() -> None:
    assert ScopePolicy.parse_hierarchy("") == {}
    assert ScopePolicy.parse_hierarchy("a>b,a>c,,") == {"a": {"b", "c"}}


def test_offline_access_means_nothing() -> None:
    assert without_ignored(("a", "offline_access", "b")) == ("a", "b")
