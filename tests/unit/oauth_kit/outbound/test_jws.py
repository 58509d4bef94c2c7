"""RFC 7515 §2, RFC 7517 §4, RFC 8725 §3."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from oauth_kit.outbound.jws import MAX_KEYS, MAX_TOKEN_CHARACTERS, read_jws, read_signing_keys
from oauth_kit.rules.errors import OAuthError

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_JWK = {
    **RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True),
    "kid": "r1",
    "alg": "RS256",
    "use": "sig",
}
EC_JWK = {
    **ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True),
    "kid": "e1",
    "alg": "ES256",
    "use": "sig",
}


def part(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


HEADER = part(b'{"alg":"RS256","kid":"r1"}')
CLAIMS = part(b'{"sub":"u"}')


@pytest.mark.requirement("RS8", "RS9")
@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "garbage",
        f"{HEADER}.{CLAIMS}",
        f"{HEADER}.{CLAIMS}.AA.AA",
        f"{HEADER}.{CLAIMS}.AA.AA.AA",
        f".{CLAIMS}.AA",
        f"{HEADER}..AA",
        f"{HEADER}=.{CLAIMS}.AA",
        f"{HEADER}.{CLAIMS}.AA==",
        f"{HEADER}.{CLAIMS}.AB",
        f"{HEADER}.{CLAIMS}.AAA+",
        f"{HEADER}.{CLAIMS}.AA/A",
        f"{HEADER}.{CLAIMS}.A",
        f"{HEADER}.{CLAIMS}.AA\n",
        f" {HEADER}.{CLAIMS}.AA",
        f"{HEADER}.{CLAIMS}.\u0661\u0661",
        f"{HEADER}.{CLAIMS}.\u00e9",
        f"{HEADER}.{CLAIMS}.{'A' * MAX_TOKEN_CHARACTERS}",
    ],
)
def test_a_malformed_token_is_an_invalid_token(token: str) -> None:
    with pytest.raises(OAuthError) as refused:
        read_jws(token)
    assert (refused.value.code, refused.value.status) == ("invalid_token", 401)


@pytest.mark.requirement("RS8", "RS9")
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"true",
        json.dumps({"sub": "u"}).encode("utf-16"),
        json.dumps({"sub": "u"}).encode("utf-32-le"),
        json.dumps({"sub": "u"}).encode("utf-8-sig"),
        b'{"sub":"a","sub":"b"}',
        b'{"alg":"RS256","alg":"none","kid":"r1"}',
        b'{"exp":1e400}',
        b'{"exp":NaN}',
        b'{"exp":' + b"9" * 5000 + b"}",
        b'{"a":"\xff"}',
        rb'{"a":"\ud800"}',
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_part_that_is_no_plain_object_is_an_invalid_token(content: bytes) -> None:
    for token in (f"{part(content)}.{CLAIMS}.AA", f"{HEADER}.{part(content)}.AA"):
        with pytest.raises(OAuthError) as refused:
            read_jws(token)
        assert refused.value.code == "invalid_token"


def test_a_token_is_taken_apart() -> None:
    token = read_jws(f"{HEADER}.{CLAIMS}.AAA")
    assert token.unverified_header == {"alg": "RS256", "kid": "r1"}
    assert token.unverified_claims == {"sub": "u"}
    assert token.signing_input == f"{HEADER}.{CLAIMS}".encode()
    assert token.signature == b"\x00\x00"


@given(
    st.one_of(st.text(), st.lists(st.binary(), max_size=4).map(lambda p: ".".join(map(part, p))))
)
def test_any_text_is_read_or_an_invalid_token(token: str) -> None:
    with suppress(OAuthError):
        assert read_jws(token).signing_input == token.rpartition(".")[0].encode()


def rsa_jwk(bits: int, exponent: int = 65537) -> dict[str, object]:
    key = rsa.generate_private_key(public_exponent=exponent, key_size=bits)
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "r1"}


def ec_jwk(curve: ec.EllipticCurve) -> dict[str, object]:
    key = ec.generate_private_key(curve)
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "e1"}


@pytest.mark.requirement("RS9")
@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "key",
        {},
        {"kid": "a"},
        {"kid": "a", "kty": "oct", "k": "AAAA"},
        {"kid": "a", "kty": "oct", "k": "AAAA", "alg": "RS256"},
        {"kid": "a", "kty": ["RSA"]},
        RSA_JWK | {"kid": ""},
        RSA_JWK | {"kid": 1},
        RSA_JWK | {"kid": None},
        RSA_JWK | {"use": "enc"},
        RSA_JWK | {"use": None},
        RSA_JWK | {"key_ops": ["encrypt"]},
        RSA_JWK | {"key_ops": []},
        RSA_JWK | {"key_ops": "verify"},
        RSA_JWK | {"alg": "RS512"},
        RSA_JWK | {"alg": "RSA-OAEP"},
        RSA_JWK | {"alg": "HS256"},
        RSA_JWK | {"alg": "none"},
        RSA_JWK | {"alg": None},
        RSA_JWK | {"d": "AAAA"},
        RSA_JWK | {"k": "AAAA"},
        RSA_JWK | {"n": "!"},
        RSA_JWK | {"n": ""},
        RSA_JWK | {"n": 1},
        RSA_JWK | {"n": None},
        RSA_JWK | {"e": ""},
        {name: value for name, value in RSA_JWK.items() if name != "n"},
        {name: value for name, value in RSA_JWK.items() if name != "kid"},
        rsa_jwk(1024),
        EC_JWK | {"x": EC_JWK["y"], "y": EC_JWK["x"]},
        EC_JWK | {"x": "AA"},
        EC_JWK | {"crv": "P-999"},
        EC_JWK | {"crv": "P-384"},
        EC_JWK | {"alg": "RS256"},
        ec_jwk(ec.SECP384R1()),
        ec_jwk(ec.SECP256K1()),
        {"kid": "o", "kty": "OKP", "crv": "Ed25519", "x": part(b"\x01" * 32)},
    ],
)
def test_a_key_that_should_not_verify_is_left_out(jwk: object) -> None:
    assert read_signing_keys({"keys": [jwk, RSA_JWK | {"kid": "good"}]}).keys() == {"good"}


@pytest.mark.requirement("RS9")
def test_a_key_id_given_twice_names_no_key() -> None:
    same = EC_JWK | {"kid": "r1"}
    assert read_signing_keys({"keys": [RSA_JWK, same, EC_JWK]}).keys() == {"e1"}
    assert read_signing_keys({"keys": [RSA_JWK, RSA_JWK, same]}) == {}


@pytest.mark.parametrize(
    "document", [{}, {"keys": None}, {"keys": {}}, {"keys": "r1"}, {"keys": [{}] * (MAX_KEYS + 1)}]
)
def test_what_is_no_key_set_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="keys is not a list"):
        read_signing_keys(document)


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        (RSA_JWK, "RS256"),
        ({k: v for k, v in RSA_JWK.items() if k not in ("use", "alg")}, "RS256"),
        (RSA_JWK | {"key_ops": ["verify"]}, "RS256"),
        (EC_JWK, "ES256"),
        ({k: v for k, v in EC_JWK.items() if k not in ("use", "alg")}, "ES256"),
    ],
)
def test_a_signing_key_is_bound_to_one_algorithm(jwk: dict[str, object], algorithm: str) -> None:
    (key,) = read_signing_keys({"keys": [jwk]}).values()
    assert key.algorithm_name == algorithm
