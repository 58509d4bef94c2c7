"""RFC 6750 §2, §3; RFC 9110 §11.6.1; RFC 9728 §5.1."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.bearer import Challenge, bearer_challenge, parse_challenges, read_bearer
from oauth_kit.rules.errors import OAuthError

METADATA = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
QUOTED = r'"[\x20\x21\x23-\x5B\x5D-\x7E]*"'
HEADER = re.compile(rf"Bearer (?:[a-z_]+={QUOTED})(?:, [a-z_]+={QUOTED})*")


@pytest.mark.requirement("RS16", "RS17")
@pytest.mark.parametrize(
    ("authorization", "body_token"),
    [
        (["Bearer a", "Bearer a"], False),
        (["Bearer a", "Basic b"], False),
        (["Basic a", "Basic b"], False),
        (["Bearer a"], True),
        (["bearer"], True),
    ],
)
def test_two_credentials_are_an_invalid_request(authorization: list[str], body_token: bool) -> None:
    with pytest.raises(OAuthError) as refused:
        read_bearer(authorization, body_token=body_token)
    assert (refused.value.code, refused.value.status) == ("invalid_request", 400)


@pytest.mark.requirement("RS8")
@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a,b",
        "Bearer a, Bearer b",
        'Bearer "a"',
        "Bearer =",
        "Bearer a=b",
        "Bearer a\n",
        "Bearer a\x00",
        "Bearer a\tb",
        "Bearer é",
        "Bearer token=a",
    ],
)
def test_a_token_outside_the_grammar_is_an_invalid_token(header: str) -> None:
    with pytest.raises(OAuthError) as refused:
        read_bearer([header])
    assert (refused.value.code, refused.value.status) == ("invalid_token", 401)


@pytest.mark.requirement("RS7", "RS15", "RS16", "RS17")
@pytest.mark.parametrize(
    ("authorization", "body_token"),
    [
        ([], False),
        ([], True),
        (["Basic YTpi"], False),
        (["Basic YTpi"], True),
        (["DPoP abc"], False),
        ([""], False),
        (["BearerX abc"], False),
        ([" Bearer abc"], False),
        (["Bearer\tabc"], False),
    ],
)
def test_anything_else_is_no_bearer_credentials(authorization: list[str], body_token: bool) -> None:
    assert read_bearer(authorization, body_token=body_token) is None


@pytest.mark.requirement("RS17")
@pytest.mark.parametrize(
    "header", ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g==  "]
)
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    assert read_bearer([header]) == "a.b-c_d~e+f/g=="


@given(st.lists(st.one_of(st.text(), st.text().map("Bearer {}".format)), max_size=2))
def test_any_header_gives_a_token_nothing_or_a_refusal(authorization: list[str]) -> None:
    with suppress(OAuthError):
        token = read_bearer(authorization)
        assert token is None or re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token)


@pytest.mark.requirement("RS37")
@given(st.text(), st.text(), st.text(), st.text())
def test_a_challenge_is_a_valid_header_whatever_goes_in(
    metadata: str, scope: str, error: str, description: str
) -> None:
    header = bearer_challenge(
        resource_metadata=f"https://{metadata}", scope=scope, error=error, description=description
    )
    assert HEADER.fullmatch(header)
    assert len(parse_challenges([header])) == 1


@pytest.mark.requirement("RS37")
@pytest.mark.parametrize(
    "hostile",
    [
        'a", scope="admin',
        "a\r\nSet-Cookie: b=c",
        "a\\",
        'a\\"',
        "a\x00",
        "\u202ea",
        'a", Basic realm="b',
    ],
)
def test_no_value_ends_its_quoted_string(hostile: str) -> None:
    header = bearer_challenge(
        resource_metadata=METADATA, scope="mcp:tools", error="invalid_token", description=hostile
    )
    (challenge,) = parse_challenges([header])
    assert list(challenge.parameters) == [
        "error",
        "error_description",
        "scope",
        "resource_metadata",
    ]
    assert challenge.parameters["scope"] == "mcp:tools"


@pytest.mark.requirement("RS7")
def test_without_credentials_the_challenge_has_no_error() -> None:
    header = bearer_challenge(resource_metadata=METADATA, scope="mcp:tools")
    assert header == f'Bearer scope="mcp:tools", resource_metadata="{METADATA}"'


@pytest.mark.requirement("RS8", "RS19", "RS20")
def test_a_challenge_names_error_scopes_and_metadata() -> None:
    header = bearer_challenge(
        resource_metadata=METADATA,
        scope="mcp:tools mcp:write",
        error="insufficient_scope",
        description="More scopes are needed",
    )
    assert parse_challenges([header]) == [
        Challenge(
            "bearer",
            {
                "error": "insufficient_scope",
                "error_description": "More scopes are needed",
                "scope": "mcp:tools mcp:write",
                "resource_metadata": METADATA,
            },
        )
    ]


@pytest.mark.requirement("CL1")
@pytest.mark.parametrize(
    "value",
    [
        'Bearer realm="a',
        'Bearer realm="a" resource_metadata="b"',
        'Bearer resource_metadata="a", resource_metadata="b"',
        'Bearer resource_metadata="a", RESOURCE_METADATA="b"',
        'resource_metadata="a"',
        'Basic abc=, resource_metadata="a"',
        'Bearer resource_metadata=a"b"',
        "Bearer resource_metadata=https://a.example/b",
        'Bearer "resource_metadata"="a"',
        'Bearer resource_metadata="a\nb"',
        'Bearer resource_metadata="a\x7f"',
        'Bearer resource_metadata="a\\',
        '=, Bearer resource_metadata="a"',
        'Bearer a b c, resource_metadata="d"',
        "é",
    ],
)
def test_a_header_that_breaks_the_grammar_says_nothing(value: str) -> None:
    assert parse_challenges([value]) == []
    assert parse_challenges([value, "Bearer"]) == [Challenge("bearer")]


@pytest.mark.requirement("CL1")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("Bearer", [("bearer", {})]),
        ("Bearer ,", [("bearer", {})]),
        ("Bearer resource_metadata=", [("bearer", {})]),
        ("Negotiate, Bearer", [("negotiate", {}), ("bearer", {})]),
        ("Negotiate YWJj==, Bearer a=b", [("negotiate", {}), ("bearer", {"a": "b"})]),
        ('BEARER Realm="x"', [("bearer", {"realm": "x"})]),
        ('Bearer realm = "x" ,\tscope="a b"', [("bearer", {"realm": "x", "scope": "a b"})]),
        ('Bearer , realm="x"', [("bearer", {"realm": "x"})]),
        ('Bearer realm="",scope=a', [("bearer", {"realm": "", "scope": "a"})]),
        (r'Bearer realm="a\"b\\c\d"', [("bearer", {"realm": r'a"b\cd'})]),
        (
            'Basic realm="resource_metadata=\\"evil\\", Bearer resource_metadata=evil"',
            [("basic", {"realm": 'resource_metadata="evil", Bearer resource_metadata=evil'})],
        ),
        (
            'DPoP resource_metadata="evil", Bearer x_resource_metadata="evil", scope="s"',
            [
                ("dpop", {"resource_metadata": "evil"}),
                ("bearer", {"x_resource_metadata": "evil", "scope": "s"}),
            ],
        ),
        (
            f'Digest realm="a", qop="b", Bearer resource_metadata="{METADATA}"',
            [("digest", {"realm": "a", "qop": "b"}), ("bearer", {"resource_metadata": METADATA})],
        ),
    ],
)
def test_every_challenge_keeps_its_own_parameters(
    value: str, expected: list[tuple[str, dict[str, str]]]
) -> None:
    assert parse_challenges([value]) == [Challenge(*challenge) for challenge in expected]


@pytest.mark.requirement("CL1")
@given(st.lists(st.text(st.sampled_from('Ba="\\, \t,x-é\n'))))
def test_any_header_value_is_read_without_an_exception(values: list[str]) -> None:
    for challenge in parse_challenges(values):
        assert challenge.scheme == challenge.scheme.lower()
