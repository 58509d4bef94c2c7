"""RFC 9068 §2, §4; RFC 8725 §3."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.access_token import (
    MINTED,
    AccessTokenClaims,
    TokenDialect,
    check_access_token,
    check_jose_header,
)
from oauth_kit.rules.errors import OAuthError

NOW = 1_800_000_000
ISSUER = "https://auth.example"
RESOURCE = "https://mcp.example/mcp"
ALGORITHMS = frozenset({"RS256", "ES256"})
HEADER: dict[str, object] = {"typ": "at+jwt", "alg": "RS256", "kid": "k1"}
TOKEN = AccessTokenClaims(
    issuer=ISSUER,
    subject="user-1",
    audience=(RESOURCE,),
    client_id="https://client.example/c.json",
    scopes=("mcp:tools", "mcp:write"),
    grant_id="g1",
    token_id="t1",
    issued_at=NOW,
    expires_at=NOW + 300,
)
CLAIMS = TOKEN.to_claims()
COGNITO = TokenDialect(
    name="cognito",
    token_types=frozenset({""}),
    required=("sub", "client_id", "iat", "jti"),
    token_use="access",
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def check(
    claims: dict[str, object],
    header: dict[str, object] = HEADER,
    dialect: TokenDialect = MINTED,
    now: int = NOW,
) -> AccessTokenClaims:
    return check_access_token(
        header, claims, issuer=ISSUER, resource=RESOURCE, dialect=dialect, now=now
    )


def refuse(claims: dict[str, object], **more: object) -> None:
    with pytest.raises(OAuthError) as refused:
        check(claims, **more)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.status) == ("invalid_token", 401)
    assert refused.value.description == "The access token is not valid"
    assert refused.value.reason


@pytest.mark.requirement("RS9")
@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS512"},
        {"alg": "rs256"},
        {"alg": ""},
        {"alg": None},
        {"alg": ["RS256"]},
        {"alg": {"RS256": 1}},
        {"crit": []},
        {"crit": ["exp"]},
        {"b64": False},
        {"b64": True},
        {"jwk": {"kty": "RSA"}},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"kid": None},
        {"kid": ""},
        {"kid": 1},
        {"kid": ["k1"]},
        {"kid": "a b"},
        {"kid": "a\n"},
        {"kid": "é"},
        {"kid": "k" * 257},
    ],
)
def test_a_hostile_header_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(OAuthError) as refused:
        check_jose_header(HEADER | change, ALGORITHMS)
    assert refused.value.code == "invalid_token"


@pytest.mark.requirement("RS9")
@pytest.mark.parametrize("name", ["alg", "kid"])
def test_a_header_without_algorithm_or_key_is_refused(name: str) -> None:
    with pytest.raises(OAuthError):
        check_jose_header({k: v for k, v in HEADER.items() if k != name}, ALGORITHMS)


def test_an_allowed_header_gives_its_key_id() -> None:
    assert check_jose_header(HEADER, ALGORITHMS) == "k1"
    assert check_jose_header({"alg": "ES256", "kid": "k" * 256, "x": 1}, ALGORITHMS) == "k" * 256


@pytest.mark.requirement("RS13")
@pytest.mark.parametrize(
    "token_type", ["JWT", "jwt", "id+jwt", "logout+jwt", "at+jwt ", "at", "", None, 1, ["at+jwt"]]
)
def test_another_kind_of_token_is_no_access_token(token_type: object) -> None:
    refuse(CLAIMS, header=HEADER | {"typ": token_type})


@pytest.mark.requirement("RS13")
def test_a_token_without_a_type_is_no_minted_access_token() -> None:
    refuse(CLAIMS, header={"alg": "RS256", "kid": "k1"})


@pytest.mark.requirement("RS13", "TK2")
@pytest.mark.parametrize("token_type", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_registered_type_is_read_in_any_case(token_type: str) -> None:
    assert check(CLAIMS, header=HEADER | {"typ": token_type}) == TOKEN


@pytest.mark.requirement("RS14")
@pytest.mark.parametrize("name", ["iss", "aud", "exp", "sub", "client_id", "iat", "jti", "gid"])
def test_a_token_without_a_required_claim_is_refused(name: str) -> None:
    refuse({k: v for k, v in CLAIMS.items() if k != name})


@pytest.mark.requirement("RS11", "RS24")
@pytest.mark.parametrize(
    "issuer",
    [
        f"{ISSUER}/",
        "https://AUTH.example",
        "https://auth.example:443",
        "https://cognito-idp.us-east-1.amazonaws.com/pool",
        "",
        None,
        [ISSUER],
    ],
)
def test_another_issuer_is_refused(issuer: object) -> None:
    refuse(CLAIMS | {"iss": issuer})


@pytest.mark.requirement("RS12")
@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example/mcp",
        f"{RESOURCE}/",
        "https://mcp.example",
        RESOURCE.upper(),
        "",
        [],
        ["https://other.example/mcp"],
        [RESOURCE, 1],
        [RESOURCE, None],
        [[RESOURCE]],
        {RESOURCE: 1},
        None,
        True,
    ],
)
def test_another_audience_is_refused(audience: object) -> None:
    refuse(CLAIMS | {"aud": audience})


@pytest.mark.requirement("RS12")
@pytest.mark.parametrize(
    ("audience", "read"),
    [
        (RESOURCE, (RESOURCE,)),
        ([RESOURCE], (RESOURCE,)),
        (["https://x.example", RESOURCE], ("https://x.example", RESOURCE)),
    ],
)
def test_the_audience_may_be_a_list(audience: object, read: tuple[str, ...]) -> None:
    assert check(CLAIMS | {"aud": audience}).audience == read


@pytest.mark.requirement("RS14")
@pytest.mark.parametrize(
    "change",
    [
        {"exp": str(NOW + 300)},
        {"exp": NOW + 300.5},
        {"exp": True},
        {"exp": None},
        {"exp": [NOW + 300]},
        {"iat": True},
        {"iat": str(NOW)},
        {"iat": None},
        {"nbf": "0"},
        {"nbf": None},
        {"nbf": False},
        {"sub": ""},
        {"sub": 1},
        {"sub": None},
        {"client_id": []},
        {"client_id": ""},
        {"jti": 7},
        {"jti": ""},
        {"gid": None},
        {"gid": ""},
        {"scope": []},
        {"scope": ["mcp:tools"]},
        {"scope": None},
        {"scope": 1},
        {"scope": "a  b"},
        {"scope": 'a"b'},
        {"cnf": {"jkt": "x"}},
        {"cnf": None},
    ],
)
def test_a_claim_of_the_wrong_type_is_refused(change: dict[str, object]) -> None:
    refuse(CLAIMS | change)


@pytest.mark.requirement("OP10", "RS8", "RS14")
@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({"exp": NOW - 59}, True),
        ({"exp": NOW - 60}, False),
        ({"exp": NOW - 61}, False),
        ({"exp": 0}, False),
        ({"exp": -1}, False),
        ({"iat": NOW + 59}, True),
        ({"iat": NOW + 60}, True),
        ({"iat": NOW + 61}, False),
        ({"nbf": NOW + 59}, True),
        ({"nbf": NOW + 60}, True),
        ({"nbf": NOW + 61}, False),
        ({"nbf": NOW + 61, "iat": NOW - 100}, False),
        ({"iat": NOW - 10**9}, True),
    ],
)
def test_clocks_may_differ_by_a_minute(change: dict[str, object], accepted: bool) -> None:
    if accepted:
        check(CLAIMS | change)
    else:
        refuse(CLAIMS | change)


@pytest.mark.requirement("TK2")
def test_minted_claims_are_read_back_as_they_were() -> None:
    assert CLAIMS == {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": RESOURCE,
        "client_id": "https://client.example/c.json",
        "scope": "mcp:tools mcp:write",
        "gid": "g1",
        "jti": "t1",
        "iat": NOW,
        "exp": NOW + 300,
    }
    assert check(CLAIMS) == TOKEN


def test_no_scope_is_no_claim_and_several_audiences_are_a_list() -> None:
    token = replace(TOKEN, scopes=(), audience=("https://x.example", RESOURCE))
    claims = token.to_claims()
    assert "scope" not in claims
    assert claims["aud"] == ["https://x.example", RESOURCE]
    assert check(claims) == token


class TestAnotherIssuersDialect:
    claims: dict[str, object] = {  # noqa: RUF012
        "iss": ISSUER,
        "sub": "user-1",
        "aud": RESOURCE,
        "client_id": "pool-client",
        "token_use": "access",
        "scope": "mcp:tools",
        "jti": "t1",
        "iat": NOW,
        "exp": NOW + 300,
    }
    header: dict[str, object] = {"alg": "RS256", "kid": "k1"}  # noqa: RUF012

    @pytest.mark.requirement("RS13")
    @pytest.mark.parametrize("token_use", ["id", "refresh", "", None, 1])
    def test_a_token_for_another_use_is_refused(self, token_use: object) -> None:
        refuse(self.claims | {"token_use": token_use}, header=self.header, dialect=COGNITO)

    @pytest.mark.requirement("RS12")
    def test_the_client_id_is_no_audience(self) -> None:
        without = {k: v for k, v in self.claims.items() if k != "aud"}
        refuse(without, header=self.header, dialect=COGNITO)

    def test_a_minted_token_is_none_of_theirs(self) -> None:
        refuse(self.claims, header=HEADER, dialect=COGNITO)

    def test_its_token_is_read_without_a_grant(self) -> None:
        token = check(self.claims, header=self.header, dialect=COGNITO)
        assert (token.client_id, token.grant_id, token.token_id) == ("pool-client", "", "t1")

    def test_its_claims_may_have_other_names(self) -> None:
        dialect = TokenDialect(
            name="other",
            token_types=frozenset({"jwt"}),
            audience_claim="resource",
            client_claim="azp",
            scope_claim="scp",
            required=("sub", "azp"),
            token_use="Bearer",
            token_use_claim="typ",
        )
        claims: dict[str, object] = {
            "iss": ISSUER,
            "sub": "u",
            "resource": [RESOURCE],
            "azp": "app",
            "scp": "a b",
            "typ": "Bearer",
            "exp": NOW + 1,
        }
        token = check(claims, header={"typ": "JWT"}, dialect=dialect)
        assert (token.client_id, token.scopes, token.issued_at) == ("app", ("a", "b"), 0)
        refuse(claims | {"typ": "ID"}, header={"typ": "JWT"}, dialect=dialect)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "cnf"]), JSON))
def test_any_claims_give_a_token_or_a_refusal(changed: dict[str, object]) -> None:
    with suppress(OAuthError):
        assert RESOURCE in check(CLAIMS | changed).audience


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit"]), JSON))
def test_any_header_gives_a_key_id_or_a_refusal(changed: dict[str, object]) -> None:
    with suppress(OAuthError):
        assert check_jose_header(HEADER | changed, ALGORITHMS)
    with suppress(OAuthError):
        check(CLAIMS, header=HEADER | changed)
