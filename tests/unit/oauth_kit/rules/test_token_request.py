"""RFC 6749 §4.1.3, §6."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.scopes import ScopePolicy
from oauth_kit.rules.token_request import (
    CodeRequest,
    RefreshRequest,
    narrow_refresh_scope,
    read_token_request,
)

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
RESOURCE = "https://mcp.example/mcp"
CODE = {"grant_type": "authorization_code", "code": "c0de", "code_verifier": VERIFIER}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "t0ken"}
POLICY = ScopePolicy(
    ("mcp:tools", "mcp:write", "mcp:admin"),
    ("mcp:tools",),
    ScopePolicy.parse_hierarchy("mcp:write>mcp:tools"),
)


@pytest.mark.requirement("TK4", "TK9", "TK30")
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "a"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "Authorization_Code"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token "}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        (CODE | {"code": ""}, "invalid_request"),
        (CODE | {"code_verifier": ""}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "c"}, "invalid_request"),
        (CODE | {"code_verifier": "short"}, "invalid_grant"),
        (CODE | {"code_verifier": VERIFIER + "\n"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        (REFRESH | {"refresh_token": ""}, "invalid_request"),
        ({"grant_type": "refresh_token", "code": "c"}, "invalid_request"),
    ],
)
def test_an_incomplete_or_foreign_grant_is_refused(form: dict[str, str], code: str) -> None:
    with pytest.raises(OAuthError) as refused:
        read_token_request(form, [])
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.requirement("TK3", "TK4", "TK11", "TK12")
@pytest.mark.parametrize(
    ("form", "resources", "expected"),
    [
        (CODE, [], CodeRequest("c0de", None, VERIFIER)),
        (CODE | {"redirect_uri": ""}, [""], CodeRequest("c0de", None, VERIFIER)),
        (
            CODE | {"redirect_uri": "https://c/%2F", "foo": "1", "scope": "x"},
            [RESOURCE, "", "other"],
            CodeRequest("c0de", "https://c/%2F", VERIFIER, (RESOURCE, "other")),
        ),
        (REFRESH, [], RefreshRequest("t0ken")),
        (
            REFRESH | {"scope": "mcp:tools", "code": "ignored"},
            [RESOURCE],
            RefreshRequest("t0ken", "mcp:tools", (RESOURCE,)),
        ),
        (REFRESH | {"scope": ""}, [], RefreshRequest("t0ken")),
    ],
)
def test_a_grant_is_read_and_the_rest_ignored(
    form: dict[str, str], resources: list[str], expected: CodeRequest | RefreshRequest
) -> None:
    assert read_token_request(form, resources) == expected


def test_what_could_be_used_is_in_no_representation() -> None:
    for form in (CODE, REFRESH):
        shown = repr(read_token_request(form, []))
        assert not any(value in shown for value in ("c0de", VERIFIER, "t0ken"))


@pytest.mark.requirement("TK22")
@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("mcp:write", ("mcp:tools",)),
        ("mcp:tools mcp:write", ("mcp:tools",)),
        ("mcp:admin", ("mcp:write",)),
        ("mcp:root", ("mcp:tools",)),
        ("MCP:TOOLS", ("mcp:tools",)),
        ("mcp:tools ", ("mcp:tools",)),
        ("offline_access mcp:write", ("mcp:tools",)),
    ],
)
def test_a_refresh_never_widens_the_scope(asked: str, granted: tuple[str, ...]) -> None:
    with pytest.raises(OAuthError) as refused:
        narrow_refresh_scope(asked, granted, POLICY)
    assert refused.value.code == "invalid_scope"


@pytest.mark.requirement("TK22")
@pytest.mark.parametrize(
    ("asked", "granted", "expected"),
    [
        (None, ("mcp:tools", "mcp:admin"), ("mcp:tools", "mcp:admin")),
        ("", ("mcp:tools",), ("mcp:tools",)),
        ("offline_access", ("mcp:tools",), ("mcp:tools",)),
        ("mcp:admin offline_access", ("mcp:tools", "mcp:admin"), ("mcp:admin",)),
        ("mcp:admin mcp:tools", ("mcp:tools", "mcp:admin"), ("mcp:admin", "mcp:tools")),
        ("mcp:tools", ("mcp:write",), ("mcp:tools",)),
    ],
)
def test_a_refresh_may_narrow_the_scope(
    asked: str | None, granted: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert narrow_refresh_scope(asked, granted, POLICY) == expected


@pytest.mark.requirement("TK4")
@given(
    st.dictionaries(
        st.sampled_from([*CODE, *REFRESH, "redirect_uri", "scope"]),
        st.one_of(st.text(), st.sampled_from(["authorization_code", "refresh_token"])),
    ),
    st.lists(st.text()),
)
def test_any_form_gives_a_request_or_a_refusal(form: dict[str, str], resources: list[str]) -> None:
    with suppress(OAuthError):
        asked = read_token_request(form, resources)
        assert all(asked.resources)
