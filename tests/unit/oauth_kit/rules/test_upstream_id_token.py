"""OIDC Core §2, §3.1.3.7."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.errors import OAuthError
from oauth_kit.rules.upstream_id_token import Identity, check_id_token

NOW = 1_800_000_000
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/pool"
HEADER: dict[str, object] = {"alg": "RS256", "kid": "k1"}
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "aud": "bridge",
    "sub": "user-1",
    "nonce": "n-0S6_WzA2Mj",
    "token_use": "id",
    "iat": NOW,
    "exp": NOW + 300,
    "email": "ann@example.org",
    "email_verified": True,
    "name": "Ann",
}


def check(
    claims: dict[str, object], header: dict[str, object] = HEADER, nonce: str = "n-0S6_WzA2Mj"
) -> Identity:
    return check_id_token(header, claims, issuer=ISSUER, client_id="bridge", nonce=nonce, now=NOW)


def refuse(claims: dict[str, object], **more: object) -> None:
    with pytest.raises(OAuthError) as refused:
        check(claims, **more)  # type: ignore[arg-type]
    assert refused.value.code == "server_error"
    assert refused.value.reason


@pytest.mark.requirement("CB8")
@pytest.mark.parametrize(
    "change",
    [
        {"iss": f"{ISSUER}/"},
        {"iss": "https://auth.example"},
        {"iss": None},
        {"aud": "other-client"},
        {"aud": ["other-client"]},
        {"aud": []},
        {"aud": None},
        {"aud": {"bridge": 1}},
        {"aud": ["bridge", "other"]},
        {"aud": ["bridge", "other"], "azp": "other"},
        {"aud": ["bridge", "bridge"]},
        {"azp": "other"},
        {"azp": None},
        {"nonce": "another"},
        {"nonce": "N-0S6_WZA2MJ"},
        {"nonce": ""},
        {"nonce": None},
        {"nonce": ["n-0S6_WzA2Mj"]},
        {"nonce": "é"},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"sub": "x" * 256},
        {"token_use": "access"},
        {"token_use": None},
        {"exp": str(NOW + 300)},
        {"exp": True},
        {"exp": None},
        {"exp": NOW + 1.5},
        {"iat": False},
        {"iat": str(NOW)},
        {"nbf": "0"},
    ],
)
def test_a_mutated_id_token_is_refused(change: dict[str, object]) -> None:
    refuse(CLAIMS | change)


@pytest.mark.requirement("CB8")
@pytest.mark.parametrize("name", ["iss", "aud", "sub", "nonce", "exp", "iat"])
def test_an_id_token_without_a_needed_claim_is_refused(name: str) -> None:
    refuse({k: v for k, v in CLAIMS.items() if k != name})


@pytest.mark.requirement("CB8")
@pytest.mark.parametrize("token_type", ["at+jwt", "logout+jwt", "", None, 1])
def test_another_kind_of_token_is_refused(token_type: object) -> None:
    refuse(CLAIMS, header=HEADER | {"typ": token_type})


@pytest.mark.requirement("CB8")
def test_an_empty_nonce_of_ours_never_matches() -> None:
    refuse(CLAIMS | {"nonce": ""}, nonce="")


@pytest.mark.requirement("CB8", "OP10")
@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({"exp": NOW - 59}, True),
        ({"exp": NOW - 60}, False),
        ({"exp": NOW - 61}, False),
        ({"iat": NOW + 59}, True),
        ({"iat": NOW + 60}, True),
        ({"iat": NOW + 61}, False),
        ({"nbf": NOW + 60}, True),
        ({"nbf": NOW + 61}, False),
    ],
)
def test_clocks_may_differ_by_a_minute(change: dict[str, object], accepted: bool) -> None:
    if accepted:
        check(CLAIMS | change)
    else:
        refuse(CLAIMS | change)


@pytest.mark.requirement("CB8")
@pytest.mark.parametrize(
    ("header", "change"),
    [
        ({}, {}),
        ({"typ": "JWT"}, {}),
        ({"typ": "application/jwt"}, {}),
        ({}, {"aud": ["bridge"]}),
        ({}, {"azp": "bridge"}),
        ({}, {"aud": ["other", "bridge"], "azp": "bridge"}),
        ({}, {"sub": "x" * 255}),
        ({}, {"sub": "x"}),
    ],
)
def test_a_good_id_token_names_the_person(
    header: dict[str, object], change: dict[str, object]
) -> None:
    claims = CLAIMS | change
    assert check(claims, header=HEADER | header) == Identity(
        str(claims["sub"]), "ann@example.org", "Ann"
    )


def test_an_id_token_need_not_say_what_it_is_for() -> None:
    claims = {k: v for k, v in CLAIMS.items() if k != "token_use"}
    assert check(claims).subject == "user-1"


@pytest.mark.parametrize(
    ("change", "identity"),
    [
        ({"email_verified": "true"}, Identity("user-1", "ann@example.org", "Ann")),
        ({"email_verified": False}, Identity("user-1", None, "Ann")),
        ({"email_verified": "false"}, Identity("user-1", None, "Ann")),
        ({"email_verified": ["true"]}, Identity("user-1", None, "Ann")),
        ({"email": ["a@b"]}, Identity("user-1", None, "Ann")),
        ({"email": "x" * 256}, Identity("user-1", None, "Ann")),
        ({"name": "", "preferred_username": "ann"}, Identity("user-1", "ann@example.org", "ann")),
        ({"name": 1}, Identity("user-1", "ann@example.org", None)),
    ],
)
def test_a_profile_is_only_what_can_be_shown(change: dict[str, object], identity: Identity) -> None:
    assert check(CLAIMS | change) == identity


def test_a_person_is_in_no_representation() -> None:
    assert "ann" not in repr(check(CLAIMS)).lower()


@given(
    st.dictionaries(
        st.sampled_from(list(CLAIMS)),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), st.lists
        ),
    )
)
def test_any_claims_give_an_identity_or_a_refusal(changed: dict[str, object]) -> None:
    with suppress(OAuthError):
        assert check(CLAIMS | changed).subject
