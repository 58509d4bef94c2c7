"""POST /register: every refusal first, then what is accepted and how it is told."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registrar.handlers.register import new_client_id

GOOD = {"redirect_uris": ["http://localhost:3000/callback"]}
INTERNAL_BEARER = {"Authorization": "Bearer internal-token-of-the-tests-0123456789"}
INITIAL_TOKEN = "initial-access-token-of-the-tests"


def with_redirect(uri: object) -> dict[str, object]:
    return {"redirect_uris": [uri]}


REFUSED_REDIRECTS = [
    {},
    {"redirect_uris": None},
    {"redirect_uris": []},
    {"redirect_uris": "https://client.example/cb"},
    {"redirect_uris": {"0": "https://client.example/cb"}},
    {"redirect_uris": [f"https://client.example/{n}" for n in range(21)]},
    {"redirect_uris": ["https://client.example/cb", "http://evil.example/cb"]},
    *map(
        with_redirect,
        [
            7,
            None,
            "",
            "http://evil.example/cb",
            "ftp://client.example/cb",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://client.example/x",
            "about:blank",
            "view-source:https://client.example",
            "intent://x#Intent;end",
            "myapp:/cb",
            "/cb",
            "//client.example/cb",
            "client.example/cb",
            "https://client.example/cb#fragment",
            "https://client.example/cb#",
            "https://user@client.example/cb",
            "https://good.example@evil.example/cb",
            "https://*.example/cb",
            "https://client.example/*",
            " https://client.example/cb",
            "https://client.example/cb\n",
            "https://client.example/c\tb",
            "https://client.example/c\0b",
            "https://client.example\\@evil.example/cb",
            "https://client.example/a/../cb",
            "https://client.example/%2e%2e/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.2/cb",
            "http://0.0.0.0/cb",
            "http://[::ffff:127.0.0.1]/cb",
            "http://2130706433/cb",
            "https://client.example/cb?code=x",
            "https://client.example/cb?state=x",
            "https://client.example/cb?iss=x",
            "https://client.example/cb?error=x",
            "https://client.example/" + "a" * 2048,
        ],
    ),
]

RSA_PUBLIC = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}

REFUSED_METADATA = [
    {"grant_types": ["refresh_token"]},
    {"grant_types": []},
    {"grant_types": "authorization_code"},
    {"grant_types": [7]},
    {"grant_types": ["authorization_code", "implicit"]},
    {"grant_types": ["authorization_code", "password"]},
    {"grant_types": ["authorization_code", "client_credentials"]},
    {"response_types": ["token"]},
    {"response_types": ["code", "token"]},
    {"response_types": []},
    {"response_types": ["code"], "grant_types": ["refresh_token"]},
    {"token_endpoint_auth_method": "client_secret_jwt"},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"token_endpoint_auth_method": "tls_client_auth"},
    {"token_endpoint_auth_method": ["none"]},
    {"application_type": "desktop"},
    {"application_type": 1},
    {"jwks": {"keys": [RSA_PUBLIC]}, "jwks_uri": "https://client.example/jwks"},
    {"jwks": {"keys": [{**RSA_PUBLIC, "d": "AQAB"}]}},
    {"jwks": {"keys": [{"kty": "oct", "k": "AQAB"}]}},
    {"jwks": []},
    {"jwks_uri": "http://client.example/jwks"},
    {"jwks_uri": "https://127.0.0.1/jwks"},
    {"client_uri": "javascript:alert(1)"},
    {"logo_uri": "data:image/png;base64,AAAA"},
    {"tos_uri": "/terms"},
    {"policy_uri": "http://client.example/policy"},
    {"client_uri": 7},
    {"client_name": 7},
    {"client_name": "x" * 2049},
    {"scope": ["mcp-api/read"]},
    {"scope": 'mcp-api/read "x"'},
    {"scope": "mcp:admin"},
    {"scope": "openid profile"},
    {"software_id": {}},
]


async def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    document: dict[str, Any] = await answer.json()
    assert document.keys() == {"error", "error_description"}
    assert document["error"] == code
    return document


@pytest.mark.requirement("REG6", "REG7", "REG14")
@pytest.mark.parametrize("body", REFUSED_REDIRECTS, ids=lambda body: json.dumps(body)[:70])
async def test_a_redirect_uri_that_is_unsafe_is_refused(registrar: Any, body: Any) -> None:
    answer = await registrar.http.post("/register", json=body)
    await refused(answer, 400, "invalid_redirect_uri")
    assert await registrar.redis.keys() == []


@pytest.mark.requirement("REG8", "REG9", "REG10", "REG11", "REG12", "REG14", "REG16")
@pytest.mark.parametrize("metadata", REFUSED_METADATA, ids=lambda body: json.dumps(body)[:70])
async def test_metadata_that_we_cannot_honour_is_refused(registrar: Any, metadata: Any) -> None:
    answer = await registrar.http.post("/register", json={**GOOD, **metadata})
    await refused(answer, 400, "invalid_client_metadata")
    assert await registrar.redis.keys() == []


@pytest.mark.requirement("REG5")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b'{"redirect_uris": ["https://a.example/"], "redirect_uris": ["https://b.example/"]}',
        b'{"redirect_uris": NaN}',
        b'{"redirect_uris": 1e400}',
        b'\xef\xbb\xbf{"redirect_uris": ["https://a.example/"]}',
        '{"redirect_uris": ["https://a.example/"]}'.encode("utf-16"),
        b'{"client_name": "\xff", "redirect_uris": ["https://a.example/"]}',
        b'{"client_name": "\\ud800", "redirect_uris": ["https://a.example/"]}',
        b'{"x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
    ids=repr,
)
async def test_a_body_that_is_no_plain_json_object_is_refused(registrar: Any, body: bytes) -> None:
    answer = await registrar.http.post(
        "/register", data=body, headers={"Content-Type": "application/json"}
    )
    await refused(answer, 400, "invalid_client_metadata")


@pytest.mark.requirement("REG5")
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/jsonp",
        "",
    ],
)
async def test_another_content_type_is_refused(registrar: Any, content_type: str) -> None:
    answer = await registrar.http.post(
        "/register", data=json.dumps(GOOD), headers={"Content-Type": content_type}
    )
    await refused(answer, 400, "invalid_client_metadata")


@pytest.mark.requirement("REG14")
@pytest.mark.parametrize(("padding", "status"), [(65_536, 201), (65_537, 413)])
async def test_a_body_has_64_kib_at_most(registrar: Any, padding: int, status: int) -> None:
    body = json.dumps(GOOD).encode()
    answer = await registrar.http.post(
        "/register",
        data=body + b" " * (padding - len(body)),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status == status
    if status == 413:
        await refused(answer, 413, "invalid_request")


@pytest.mark.requirement("REG14")
async def test_a_compressed_body_is_measured_after_decompression(registrar: Any) -> None:
    answer = await registrar.http.post(
        "/register",
        data=gzip.compress(b"{" + b" " * 1_000_000),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    await refused(answer, 413, "invalid_request")


@pytest.mark.requirement("REG17")
@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, "Bearer"),
        ("Basic " + base64.b64encode(b"a:b").decode(), "Bearer"),
        ("Bearer", 'Bearer error="invalid_token"'),
        ("Bearer ", 'Bearer error="invalid_token"'),
        ("Bearer wrong-token-of-the-right-shape", 'Bearer error="invalid_token"'),
        (f"Bearer {INITIAL_TOKEN}x", 'Bearer error="invalid_token"'),
        (f"Bearer {INITIAL_TOKEN[:-1]}", 'Bearer error="invalid_token"'),
        (f"Bearer {INITIAL_TOKEN.upper()}", 'Bearer error="invalid_token"'),
        ("Bearer \u00e9", 'Bearer error="invalid_token"'),
    ],
)
async def test_an_initial_access_token_is_asked_for_when_one_is_set(
    start_registrar: Any, authorization: str | None, challenge: str
) -> None:
    registrar = await start_registrar(initial_access_token=INITIAL_TOKEN)
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await registrar.http.post("/register", json=GOOD, headers=headers)
    await refused(answer, 401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == challenge
    assert await registrar.redis.keys() == []


@pytest.mark.requirement("REG17")
async def test_the_initial_access_token_opens_registration(start_registrar: Any) -> None:
    registrar = await start_registrar(initial_access_token=INITIAL_TOKEN)
    answer = await registrar.http.post(
        "/register", json=GOOD, headers={"Authorization": f"bearer {INITIAL_TOKEN}"}
    )
    assert answer.status == 201


@pytest.mark.requirement("REG18")
async def test_a_caller_has_twenty_attempts_a_minute(start_registrar: Any) -> None:
    registrar = await start_registrar(rate_limits="on")
    statuses = [(await registrar.http.post("/register", json=GOOD)).status for _ in range(20)]
    assert statuses == [201] * 20
    answer = await registrar.http.post("/register", json=GOOD)
    await refused(answer, 429, "temporarily_unavailable")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert (
        await registrar.redis.zcard(registrar.settings.keyspace.key("registrations", "unused"))
        == 20
    )


@pytest.mark.requirement("REG18")
async def test_refused_attempts_count_against_the_caller(start_registrar: Any) -> None:
    registrar = await start_registrar(rate_limits="on", registration_limit="2/minute")
    statuses = [(await registrar.http.post("/register", json={})).status for _ in range(3)]
    assert statuses == [400, 400, 429]


@pytest.mark.requirement("REG18")
async def test_all_callers_together_have_a_limit(start_registrar: Any) -> None:
    registrar = await start_registrar(
        rate_limits="on", registration_limit_global="3/minute", trusted_proxies="127.0.0.0/8"
    )
    statuses = []
    for n in range(4):
        headers = {"X-Forwarded-For": f"203.0.{n}.1"}
        answer = await registrar.http.post("/register", json=GOOD, headers=headers)
        statuses.append(answer.status)
    assert statuses == [201, 201, 201, 429]


@pytest.mark.requirement("REG18", "C1")
@pytest.mark.parametrize("fault", ["no metadata", "no initial access token"])
async def test_what_is_not_kept_does_not_use_up_everybodys_limit(
    start_registrar: Any, fault: str
) -> None:
    registrar = await start_registrar(
        rate_limits="on",
        registration_limit_global="1/minute",
        trusted_proxies="127.0.0.0/8",
        initial_access_token=INITIAL_TOKEN,
    )
    good = {"Authorization": f"Bearer {INITIAL_TOKEN}"}
    document, headers = ({}, good) if fault == "no metadata" else (GOOD, {})
    for n in range(3):
        caller = {"X-Forwarded-For": f"203.0.{n}.1"}
        answer = await registrar.http.post("/register", json=document, headers=headers | caller)
        assert answer.status in (400, 401)
    assert (await registrar.http.post("/register", json=GOOD, headers=good)).status == 201
    assert (await registrar.http.post("/register", json=GOOD, headers=good)).status == 429


@pytest.mark.requirement("C1", "B20")
async def test_what_is_kept_of_a_registration_is_of_a_bearable_size(start_registrar: Any) -> None:
    registrar = await start_registrar()
    long = [f"http://localhost:{port}/{'a' * 2000}" for port in range(1, 21)]
    answer = await registrar.http.post("/register", json=GOOD | {"redirect_uris": long})
    await refused(answer, 400, "invalid_client_metadata")
    assert await registrar.redis.keys() == []
    answer = await registrar.http.post("/register", json=GOOD | {"redirect_uris": long[:7]})
    assert answer.status == 201


@pytest.mark.requirement("REG18")
async def test_a_caller_cannot_choose_its_block_by_a_header(start_registrar: Any) -> None:
    registrar = await start_registrar(rate_limits="on", registration_limit="1/minute")
    statuses = []
    for n in range(2):
        headers = {"X-Forwarded-For": f"203.0.{n}.1"}
        answer = await registrar.http.post("/register", json=GOOD, headers=headers)
        statuses.append(answer.status)
    assert statuses == [201, 429]


@pytest.mark.requirement("REG18")
async def test_neighbours_in_an_ipv6_network_share_a_limit(start_registrar: Any) -> None:
    registrar = await start_registrar(
        rate_limits="on", registration_limit="1/minute", trusted_proxies="127.0.0.0/8"
    )
    statuses = []
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:3::1"):
        headers = {"X-Forwarded-For": address}
        answer = await registrar.http.post("/register", json=GOOD, headers=headers)
        statuses.append(answer.status)
    assert statuses == [201, 429, 201]


@pytest.mark.requirement("REG18")
async def test_a_store_full_of_clients_in_use_refuses_more(start_registrar: Any) -> None:
    registrar = await start_registrar(registration_max_clients=2)
    for _ in range(2):
        document = await registrar.register()
        path = f"/internal/clients/{document['client_id']}/used"
        assert (await registrar.http.post(path, headers=INTERNAL_BEARER)).status == 204
    answer = await registrar.http.post("/register", json=GOOD)
    await refused(answer, 503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "3600"


@pytest.mark.requirement("REG18", "REG12")
async def test_registration_never_asks_the_identity_provider(registrar: Any) -> None:
    await registrar.register(client_uri="https://client.example/", logo_uri="https://x.example/l")
    assert registrar.directory.calls == []


@pytest.mark.requirement("REG24")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_served(registrar: Any, method: str) -> None:
    answer = await registrar.http.request(method, "/register")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.requirement("REG24")
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_registration_that_is_off_is_nowhere(start_registrar: Any, method: str) -> None:
    registrar = await start_registrar(dynamic_registration="off")
    answer = await registrar.http.request(method, "/register", json=GOOD)
    assert answer.status == 404


@pytest.mark.requirement("REG24")
async def test_a_browser_may_ask_before_it_registers(registrar: Any) -> None:
    answer = await registrar.http.options(
        "/register",
        headers={
            "Origin": "http://localhost:6274",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,mcp-protocol-version",
        },
    )
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert {"content-type", "authorization", "mcp-protocol-version"} <= set(allowed.split(", "))
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.requirement("REG21")
async def test_management_of_a_registration_is_not_promised(registrar: Any) -> None:
    document = await registrar.register()
    assert "registration_client_uri" not in document
    assert "registration_access_token" not in document


@pytest.mark.requirement("REG1", "REG2", "REG3")
async def test_a_client_that_says_nothing_else_gets_the_defaults(registrar: Any) -> None:
    answer = await registrar.http.post("/register", json=GOOD)
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    document = await answer.json()
    assert len(document.pop("client_secret")) == 43
    assert document.pop("client_id").startswith("mcp-")
    assert document == {
        **GOOD,
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "client_id_issued_at": 1_800_000_000,
        "client_secret_expires_at": 0,
    }


@pytest.mark.requirement("REG1")
async def test_all_that_is_registered_is_told(registrar: Any) -> None:
    metadata = {
        "redirect_uris": ["https://client.example/cb?tenant=a", "http://127.0.0.1:7777/cb"],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "mcp-api/write mcp-api/read",
        "client_name": "A client",
        "client_uri": "https://client.example/",
        "logo_uri": "https://client.example/logo.png",
        "tos_uri": "https://client.example/tos",
        "policy_uri": "https://client.example/policy",
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "1.2",
        "application_type": "native",
    }
    document = await registrar.register(**metadata)
    assert {name: document[name] for name in metadata} == metadata


@pytest.mark.requirement("REG2")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_confidential_client_gets_a_secret_that_never_expires(
    registrar: Any, method: str
) -> None:
    document = await registrar.register(token_endpoint_auth_method=method)
    assert len(document["client_secret"]) == 43
    assert document["client_secret_expires_at"] == 0


@pytest.mark.requirement("REG2")
async def test_a_public_client_gets_no_secret(registrar: Any) -> None:
    document = await registrar.register(token_endpoint_auth_method="none")
    assert "client_secret" not in document
    assert "client_secret_expires_at" not in document


@pytest.mark.requirement("REG4")
async def test_what_only_the_server_decides_is_not_taken_from_the_client(registrar: Any) -> None:
    chosen = {
        "client_id": "sharedclientid",
        "client_secret": "chosen",
        "client_id_issued_at": 1,
        "client_secret_expires_at": 1,
        "registration_access_token": "chosen",
        "trusted": True,
        "kind": "preregistered",
        "verified_host": "claude.ai",
        "foo": 1,
    }
    document = await registrar.register(**chosen)
    assert not {"trusted", "kind", "verified_host", "foo", "registration_access_token"} & set(
        document
    )
    assert document["client_id"] != "sharedclientid"
    assert document["client_secret"] != "chosen"
    stored = json.loads(await registrar.redis.get(f"mcp:production:client:{document['client_id']}"))
    assert stored["kind"] == "registered"
    assert stored["trusted"] is False
    assert stored["verified_host"] is None


@pytest.mark.requirement("REG7")
@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/cb",
        "https://client.example:8443/cb?tenant=a",
        "http://127.0.0.1/cb",
        "http://[::1]:1/cb",
        "http://localhost:3000/cb",
        "http://localhost/callback",
        "com.ex.app:/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ],
)
async def test_a_safe_redirect_uri_is_kept_as_it_is(registrar: Any, uri: str) -> None:
    document = await registrar.register(redirect_uris=[uri])
    assert document["redirect_uris"] == [uri]


@pytest.mark.requirement("REG8")
@pytest.mark.parametrize("application_type", [None, "native", "web"])
async def test_the_application_type_is_told_as_it_was_sent(
    registrar: Any, application_type: str | None
) -> None:
    document = await registrar.register(
        **({} if application_type is None else {"application_type": application_type})
    )
    assert document.get("application_type") == application_type


@pytest.mark.requirement("REG8")
@pytest.mark.parametrize(
    ("uri", "application_type", "status"),
    [
        ("http://localhost:6274/oauth/callback", "web", 400),
        ("http://127.0.0.1/cb", "web", 400),
        ("com.ex.app:/cb", "web", 400),
        ("https://client.example/cb", "web", 201),
        ("http://localhost:6274/oauth/callback", "native", 201),
        ("https://client.example/cb", "native", 201),
    ],
)
async def test_web_clients_may_be_kept_off_this_computer(
    start_registrar: Any, uri: str, application_type: str, status: int
) -> None:
    registrar = await start_registrar(web_clients_on_loopback="refuse")
    answer = await registrar.http.post(
        "/register", json={"redirect_uris": [uri], "application_type": application_type}
    )
    assert answer.status == status
    if status == 400:
        await refused(answer, 400, "invalid_redirect_uri")


@pytest.mark.requirement("REG13")
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("abc\u202edef", "abcdef"),
        ("a\u200bb\u2066c", "abc"),
        ("line\r\nbreak\x00\x1b[31m", "line break[31m"),
        ("x" * 500, "x" * 120),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
async def test_a_name_is_fit_to_be_shown(registrar: Any, asked: str, told: str) -> None:
    document = await registrar.register(client_name=asked)
    assert document["client_name"] == told


@pytest.mark.requirement("REG15")
async def test_ten_thousand_ids_are_unlike_each_other() -> None:
    ids = {new_client_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    for client_id in ids:
        assert len(base64.urlsafe_b64decode(client_id.removeprefix("mcp-"))) * 8 >= 128
        assert not client_id.startswith("http")


@pytest.mark.requirement("REG16")
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, None),
        ("", None),
        ("offline_access", None),
        ("mcp-api/read", "mcp-api/read"),
        ("mcp-api/read mcp:admin", "mcp-api/read"),
        ("mcp-api/write offline_access mcp-api/read", "mcp-api/write mcp-api/read"),
    ],
)
async def test_scopes_are_narrowed_to_those_we_have(
    registrar: Any, asked: str | None, told: str | None
) -> None:
    document = await registrar.register(scope=asked)
    assert document.get("scope") == told


@pytest.mark.requirement("REG23")
async def test_the_store_holds_no_secret(registrar: Any, capsys: Any) -> None:
    document = await registrar.register(contacts=["someone@client.example"])
    stored = await registrar.redis.get(f"mcp:production:client:{document['client_id']}")
    assert document["client_secret"] not in stored
    assert "someone@client.example" not in stored
    assert json.loads(stored)["secret_hash"].startswith("sha256:")
    logged = capsys.readouterr()
    assert document["client_secret"] not in logged.out + logged.err


@pytest.mark.requirement("REG19")
async def test_an_unused_registration_lives_for_thirty_days(registrar: Any) -> None:
    document = await registrar.register()
    key = f"mcp:production:client:{document['client_id']}"
    assert 30 * 86_400 - 10 <= await registrar.redis.ttl(key) <= 30 * 86_400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    [
        *("redirect_uris", "grant_types", "response_types", "scope", "client_name", "jwks"),
        *("jwks_uri", "client_uri", "application_type", "token_endpoint_auth_method"),
    ]
)


@given(document=st.dictionaries(MEMBERS, JSON, max_size=5) | JSON)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_document_makes_a_fault(registrar: Any, document: Any) -> None:
    answer = await registrar.http.post(
        "/register",
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status in (201, 400)


@given(body=st.binary(max_size=200))
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_bytes_make_a_fault(registrar: Any, body: bytes) -> None:
    answer = await registrar.http.post(
        "/register", data=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 400
