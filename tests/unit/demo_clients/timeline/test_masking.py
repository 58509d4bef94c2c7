"""Canaries in every place where a secret can stand: none is ever kept."""

import base64
import json
from dataclasses import asdict
from typing import Any, get_args
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_clients.timeline.exchange import Exchange, Step
from demo_clients.timeline.masked_json import OPEN, mask_body
from demo_clients.timeline.masking import RawAnswer, RawRequest, mask, mask_url
from demo_clients.timeline.secrets import Known

CANARY = "canary-7Zt1qPz0/+x9"
STEPS = get_args(Step)
JSON = ("Content-Type", "application/json")
URL = "https://server.example/endpoint"


def masked(
    step: Step = "mcp", request: RawRequest | None = None, answer: RawAnswer | None = None
) -> Exchange:
    return mask(step, request or RawRequest("POST", URL), answer, started_at_ms=0, known=Known())


def kept(exchange: Exchange) -> str:
    return json.dumps(asdict(exchange), ensure_ascii=False)


def spellings(secret: str) -> set[str]:
    raw = secret.encode()
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


def assert_nothing_is_left(exchange: Exchange, secret: str = CANARY) -> None:
    text = kept(exchange)
    assert [one for one in spellings(secret) if one in text] == []
    assert secret[:12] not in text


def json_answer(document: object, *headers: tuple[str, str], status: int = 200) -> RawAnswer:
    return RawAnswer(status, (JSON, *headers), json.dumps(document).encode())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "name",
    ["code", "code_verifier", "refresh_token", "client_secret", "token", "state", "assertion", "x"],
)
def test_a_secret_parameter_is_masked_in_forms_and_urls(step: Step, name: str) -> None:
    url = f"{URL}?{name}={quote(CANARY, safe='')}#{CANARY}"
    exchange = masked(step, RawRequest("POST", url, form={name: CANARY}))
    assert_nothing_is_left(exchange)
    (pair,) = exchange.request.form
    assert pair[0] == name
    assert pair[1].startswith("$")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {CANARY}"),
        ("authorization", f"Bearer   {CANARY}"),
        ("Authorization", "Basic " + base64.b64encode(f"id:{CANARY}".encode()).decode()),
        ("Authorization", f"DPoP {CANARY}"),
        ("Authorization", f"Digest username={CANARY}"),
        ("Cookie", f"client-3000={CANARY}"),
        ("Mcp-Session-Id", CANARY),
        ("X-Api-Key", CANARY),
        ("Proxy-Authorization", f"Basic {CANARY}"),
        ("DPoP", CANARY),
    ],
)
@pytest.mark.parametrize("step", ["rest", "token", "attack"])
def test_a_header_that_says_who_asks_is_masked(step: Step, name: str, value: str) -> None:
    assert_nothing_is_left(masked(step, RawRequest("GET", URL, {name: value})))


@pytest.mark.parametrize(
    "header",
    [
        ("Set-Cookie", f"session={CANARY}; HttpOnly"),
        ("set-cookie", CANARY),
        ("Mcp-Session-Id", CANARY),
        ("Location", f"https://client.example/cb?code={quote(CANARY, safe='')}&state=s"),
        ("Location", f"https://user:{CANARY}@client.example/"),
        ("X-Token", CANARY),
        ("DPoP-Nonce", CANARY),
        ("ETag", CANARY),
    ],
)
@pytest.mark.parametrize("step", ["rest", "registration"])
def test_a_header_of_an_answer_is_masked(step: Step, header: tuple[str, str]) -> None:
    assert_nothing_is_left(masked(step, answer=RawAnswer(200, (header,))))


@pytest.mark.parametrize(
    ("step", "name"),
    [
        *(("token", name) for name in ("refresh_token", "id_token", "surprise")),
        *(("refresh", name) for name in ("refresh_token", "session_state")),
        *(("registration", name) for name in ("client_secret", "registration_access_token")),
        ("registration", "registration_client_uri"),
        *(("revocation", name) for name in ("token", "anything")),
        *((step, "access_token") for step in STEPS),
        *((step, "Client-Secret") for step in STEPS),
    ],
)
def test_a_member_of_an_answer_that_nobody_chose_is_masked(step: Step, name: str) -> None:
    assert_nothing_is_left(masked(step, answer=json_answer({name: CANARY, "scope": "a b"})))


@pytest.mark.parametrize("step", ["token", "refresh", "registration", "revocation"])
@pytest.mark.parametrize(
    "body",
    [
        CANARY,
        f"access_token={CANARY}",
        json.dumps([{"access_token": CANARY}]),
        json.dumps(CANARY),
        f"<html>{CANARY}</html>",
        '{"access_token": "' + CANARY,
        '{"a":1}\n{"access_token":"' + CANARY + '"}',
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/event-stream", ""])
def test_a_closed_answer_in_a_strange_shape_is_not_shown(
    step: Step, body: str, content_type: str
) -> None:
    answer = RawAnswer(200, (("Content-Type", content_type),), body.encode())
    assert_nothing_is_left(masked(step, answer=answer))


ECHOES: dict[str, Any] = {
    "a member": lambda secret: json_answer({"echo": secret}),
    "a member's name": lambda secret: json_answer({secret: 1}),
    "deep inside": lambda secret: json_answer({"a": [{"b": [f"so: {secret}!"]}]}),
    "an encoded member": lambda secret: json_answer({"url": f"https://x/?q={quote(secret)}"}),
    "base64": lambda secret: json_answer({"b": base64.b64encode(secret.encode()).decode()}),
    "text": lambda secret: RawAnswer(500, (("Content-Type", "text/plain"),), secret.encode()),
    "an event": lambda secret: RawAnswer(
        200,
        (("Content-Type", "text/event-stream"),),
        b"data: " + json.dumps({"echo": secret}).encode() + b"\n\n",
    ),
    "the challenge": lambda secret: RawAnswer(
        401, (("WWW-Authenticate", f'Bearer error_description="{secret}"'),)
    ),
    "the content type": lambda secret: RawAnswer(200, (("Content-Type", f"text/{secret}"),)),
    "the location": lambda secret: RawAnswer(302, (("Location", f"/{secret}?iss={secret}"),)),
    "a member beside it": lambda secret: json_answer({"token": secret, "other": secret}),
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_echoes_the_token_does_not_show_it(step: Step, echo: str) -> None:
    request = RawRequest("POST", URL, {"Authorization": f"Bearer {CANARY}"}, json={"q": CANARY})
    assert_nothing_is_left(masked(step, request, ECHOES[echo](CANARY)))


@pytest.mark.parametrize("echo", ECHOES)
def test_a_server_that_echoes_the_code_does_not_show_it(echo: str) -> None:
    request = RawRequest("POST", URL, form={"code": CANARY, "scope": CANARY})
    assert_nothing_is_left(masked("token", request, ECHOES[echo](CANARY)))


def test_an_over_encoded_secret_in_a_url_is_found() -> None:
    encoded = "".join(f"%{byte:02x}" for byte in CANARY.encode())
    url = f"{URL}/{encoded}?state={quote(CANARY, safe='')}&iss={encoded}"
    text = mask_url(url, _knowing("state", CANARY))
    assert encoded not in text
    assert "$STATE" in text


def _knowing(name: str, value: str) -> Known:
    known = Known()
    known.learn([(name, value)])
    return known


def test_what_one_exchange_taught_is_masked_in_the_next() -> None:
    known = Known()
    answer = json_answer({"access_token": CANARY, "token_type": "Bearer"})
    mask("token", RawRequest("POST", URL), answer, started_at_ms=0, known=known)
    later = json_answer({"resource": f"https://r.example/{CANARY}"})
    exchange = mask(
        "resource_metadata", RawRequest("GET", URL), later, started_at_ms=0, known=known
    )
    assert_nothing_is_left(exchange)


def test_a_stranger_cannot_drown_our_secrets_in_his() -> None:
    flood = {f"token{i}": {"token": f"{i:040d}"} for i in range(2000)}
    known = Known()
    mask("rest", RawRequest("GET", URL), json_answer(flood), started_at_ms=0, known=known)
    request = RawRequest("GET", URL, {"Authorization": f"Bearer {CANARY}"})
    answer = json_answer({**flood, "echo": CANARY})
    exchange = mask("rest", request, answer, started_at_ms=0, known=known)
    assert_nothing_is_left(exchange)


def test_what_is_worth_reading_is_shown() -> None:
    request = RawRequest(
        "POST",
        URL,
        {"Accept": "application/json", "User-Agent": "x"},
        form={
            "grant_type": "authorization_code",
            "code": CANARY,
            "redirect_uri": "http://localhost/cb",
            "client_id": "https://c.example/c.json",
            "resource": "http://r/mcp",
        },
    )
    document = {
        "access_token": CANARY,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "a b",
        "refresh_token": CANARY,
        "error": "e",
    }
    exchange = masked("token", request, json_answer(document, ("Cache-Control", "no-store")))
    assert exchange.request.headers == (("Accept", "application/json"),)
    assert dict(exchange.request.form) == {
        "grant_type": "authorization_code",
        "code": "$CODE",
        "redirect_uri": "http://localhost/cb",
        "client_id": "https://c.example/c.json",
        "resource": "http://r/mcp",
    }
    assert json.loads(exchange.response.body) == {
        **document,
        "access_token": "$ACCESS_TOKEN",
        "refresh_token": "$REFRESH_TOKEN",
    }
    assert ("Cache-Control", "no-store") in exchange.response.headers
    assert exchange.status == 200


@pytest.mark.parametrize("step", ["resource_metadata", "server_metadata", "document"])
def test_public_documents_are_shown_whole(step: Step) -> None:
    document = {
        "issuer": "https://as.example",
        "token_endpoint": "https://as.example/token",
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "authorization_servers": ["https://as.example"],
        "nested": {"code": 1, "state": "open"},
    }
    exchange = masked(step, answer=json_answer(document))
    assert json.loads(exchange.response.body) == document


def test_a_challenge_survives_unharmed() -> None:
    challenge = (
        'Bearer resource_metadata="https://r.example/.well-known/oauth-protected-resource/mcp", '
        'scope="mcp-api/read mcp-api/write", error="insufficient_scope"'
    )
    exchange = masked(answer=RawAnswer(401, (("WWW-Authenticate", challenge),)))
    assert exchange.response.headers == (("WWW-Authenticate", challenge),)


def jwt(header: object, claims: object) -> str:
    parts = (
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, claims)
    )
    return b".".join([*parts, b"c2lnbmF0dXJlLWNhbmFyeQ"]).decode()


def test_a_jwt_is_decoded_and_not_kept() -> None:
    token = jwt({"alg": "RS256"}, {"iss": "https://as.example", "aud": ["a", "b"], "jti": "j"})
    exchange = masked("token", answer=json_answer({"access_token": token, "id_token": token}))
    assert [one.name for one in exchange.tokens] == ["access_token", "id_token"]
    assert exchange.tokens[0].header == (("alg", "RS256"),)
    assert dict(exchange.tokens[0].claims) == {
        "iss": "https://as.example",
        "aud": '["a", "b"]',
        "jti": "j",
    }
    text = kept(exchange)
    assert [part for part in token.split(".") if part in text] == []


def test_a_secret_in_a_claim_is_masked() -> None:
    token = jwt({"alg": "none"}, {"sub": CANARY, CANARY: 1, "nested": {"x": CANARY}})
    answer = json_answer({"access_token": token, "refresh_token": CANARY})
    assert_nothing_is_left(masked("token", answer=answer))


@pytest.mark.parametrize(
    "token", ["opaque", "a.b.c", "..", ".e30.", "e30." + base64.b64encode(b"[1]").decode() + ".x"]
)
def test_a_token_that_is_no_jwt_is_not_decoded(token: str) -> None:
    exchange = masked("token", answer=json_answer({"access_token": token}))
    assert all(not one.header for one in exchange.tokens)


def test_a_jwt_anywhere_else_is_masked_as_a_whole() -> None:
    token = jwt({"alg": "RS256"}, {"sub": "u"})
    exchange = masked("rest", answer=json_answer({"content": [{"text": f"look: {token}, ok"}]}))
    assert "look: $JWT, ok" in exchange.response.body


@pytest.mark.parametrize(
    "character", ["\x00", "\r", "\x1b", "\u202e", "\u200b", "\ud800", "\u2028", "\x7f", "\ufeff"]
)
def test_what_cannot_be_seen_is_written_out(character: str) -> None:
    hostile = f"a{character}b"
    body = json.dumps({hostile: hostile}).encode()
    request = RawRequest("POST", f"{URL}/{hostile}?iss={hostile}", {"Mcp-Name": hostile})
    answer = RawAnswer(200, (JSON, ("Allow", hostile)), body)
    text = kept(masked("rest", request, answer))
    assert character not in text
    text.encode()


def test_bodies_are_cut_and_it_is_said() -> None:
    exchange = masked("rest", answer=json_answer({str(i): "x" * 5000 for i in range(100)}))
    assert len(exchange.response.body) == 3000
    assert exchange.response.left_out.startswith("the first 3000 of ")


@pytest.mark.parametrize(("length", "is_whole"), [(3000, True), (3001, False)])
def test_a_body_that_just_fits_is_whole(length: int, is_whole: bool) -> None:
    answer = RawAnswer(200, (("Content-Type", "text/plain"),), b"x" * length)
    response = masked("rest", answer=answer).response
    assert response.body == "x" * 3000
    assert (response.left_out == "") is is_whole


@pytest.mark.parametrize(("number", "more"), [(80, []), (81, ["1 more"])])
def test_lists_and_objects_show_so_many(number: int, more: list[str]) -> None:
    numbers = json.loads(masked("rest", answer=json_answer([1] * number)).response.body)
    assert numbers == [1] * 80 + more
    members = dict.fromkeys(map(str, range(number)), 1)
    shown = json.loads(masked("rest", answer=json_answer(members)).response.body)
    assert [*shown][:80] == [*members][:80]
    assert [*shown.values()][80:] == more


@pytest.mark.parametrize(("depth", "is_cut"), [(10, False), (11, True)])
def test_what_is_nested_is_shown_so_deep(depth: int, is_cut: bool) -> None:
    nested: object = "bottom"
    for _ in range(depth):
        nested = [nested]
    body = masked("rest", answer=json_answer(nested)).response.body
    assert ("…" in body, "bottom" in body) == (is_cut, not is_cut)


def test_the_1501st_value_is_looked_into_no_more() -> None:
    before = [[1] * 80] * 18 + [[1] * 39]
    assert 1 + sum(1 + len(inner) for inner in before) == 1499
    answer = json_answer([*before, ["in"], ["out"]])
    laid_out, _ = mask_body(answer.body, "application/json", OPEN, Known(), 10**6)
    assert '"in"' in laid_out
    assert '"out"' not in laid_out


def test_a_wide_and_deep_document_is_shown_in_part() -> None:
    answer = json_answer([[[1] * 79] * 79] * 79)
    laid_out, _ = mask_body(answer.body, "application/json", OPEN, Known(), 10**6)
    assert "…" in laid_out
    assert len(laid_out) < 100_000


@pytest.mark.parametrize("number", [10, 11])
def test_so_many_events_are_shown(number: int) -> None:
    body = b"".join(b'data: {"n": %d}\n\n' % n for n in range(number))
    answer = RawAnswer(200, (("Content-Type", "text/event-stream"),), body)
    assert masked("mcp", answer=answer).response.body.count('"n"') == 10


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"[[[[[[[1,2,3]]]]]]]," * 20_000 + b"1]",
        b"9" * 5000,
        b"\xff\xfe" * 1000,
        b'{"a": NaN, "b": Infinity, "a": 1}',
        b"eyJ" * 170_000,
        b"eyJa." * 100_000,
        b"bearer " * 70_000,
        b'"' * 500_000,
        "\u202e".encode() * 170_000,
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
def test_a_body_made_to_hurt_is_bounded(body: bytes, content_type: str) -> None:
    answer = RawAnswer(200, (("Content-Type", content_type),), body)
    exchange = masked("rest", answer=answer)
    assert len(exchange.response.body) <= 6100


def test_many_headers_parameters_and_claims_are_bounded() -> None:
    token = jwt({"alg": "x"}, {str(i): "y" * 900 for i in range(500)})
    headers = tuple(("WWW-Authenticate", "z" * 8000) for _ in range(200))
    query = "&".join(f"iss={'i' * 900}" for _ in range(500))
    exchange = masked(
        "token",
        RawRequest("POST", f"{URL}?{query}"),
        json_answer({"access_token": token}, *headers),
    )
    assert len(exchange.url) < 2100
    assert len(exchange.response.headers) == 12
    assert len(exchange.tokens[0].claims) == 40
    assert max(len(value) for _, value in exchange.tokens[0].claims) < 520


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h.example/p?a=1", "https://$MASKED@h.example/p?a=$MASKED"),
        ("https://h.example/a?code=x&state=y&iss=https%3A%2F%2Fi", None),
        ("https://h.example/a?error=access_denied", None),
        ("https://h.example/a?error_description=no+%3Cb%3E&error_uri=https://h/e", None),
        ("/relative?resource=http://r/mcp#frag", "/relative?resource=http://r/mcp"),
        ("?", "?"),
        ("", ""),
        ("https://h/?flag&&=&x", "https://h/?flag&&=$MASKED&x"),
    ],
)
def test_a_url_shows_what_is_chosen(url: str, shown: str | None) -> None:
    expected = shown or url.replace("code=x", "code=$CODE").replace("state=y", "state=$STATE")
    assert mask_url(url, Known()).endswith(expected)


def test_a_secret_in_what_a_server_says_of_an_error_is_masked() -> None:
    said = f"?error=invalid_request&error_description=not+{quote(CANARY, safe='')}"
    exchange = masked(
        "attack",
        RawRequest("GET", f"{URL}?state={quote(CANARY, safe='')}"),
        RawAnswer(303, (("Location", f"https://client.example/cb{said}"),)),
    )
    assert_nothing_is_left(exchange)
    (location,) = [value for name, value in exchange.response.headers if name == "Location"]
    assert "error=invalid_request&error_description=not%20$STATE" in location


def test_what_is_hidden_is_neither_shown_nor_taken_for_a_secret() -> None:
    words = frozenset({"error", "error_description"})
    url = f"{URL}?error=access_denied_by_nobody&error_description=call+555&iss=i"
    answer = json_answer({"x": "access_denied_by_nobody"})
    exchange = masked("rest", RawRequest("GET", url, hidden=words), answer)
    assert exchange.url == f"{URL}?error=$MASKED&error_description=$MASKED&iss=i"
    assert "access_denied_by_nobody" in exchange.response.body


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ({"method": "tools/list"}, "tools/list"),
        ({"method": "tools/call", "params": {"name": "whoami"}}, "tools/call whoami"),
        ({"method": "tools/call", "params": []}, "tools/call"),
        ({"method": "x", "params": {"name": 1}}, "x"),
        ({"method": 1}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_operation_is_named(document: object, detail: str) -> None:
    assert masked("mcp", RawRequest("POST", URL, json=document)).detail == detail


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(
    step=st.sampled_from(STEPS),
    url=st.text(),
    header=st.text(),
    body=st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    content_type=st.sampled_from(["application/json", "text/event-stream", "text/plain", ""]),
    document=JSON_VALUES,
    status=st.integers(100, 599),
)
def test_masking_is_total_and_what_it_keeps_can_be_stored(
    step: Step,
    url: str,
    header: str,
    body: bytes,
    content_type: str,
    document: object,
    status: int,
) -> None:
    request = RawRequest("GET", url, {"Authorization": header, header: header}, json=document)
    answer = RawAnswer(
        status, (("Content-Type", content_type), ("Location", url), ("Allow", header)), body
    )
    exchange = masked(step, request, answer)
    stored = kept(exchange).encode()
    assert (json.loads(stored)["step"], exchange.status) == (step, status)


@given(
    secret=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=20),
    before=st.text(),
    after=st.text(),
    step=st.sampled_from(STEPS),
)
def test_a_token_is_masked_whatever_stands_around_it(
    secret: str, before: str, after: str, step: Step
) -> None:
    request = RawRequest("POST", URL, {"Authorization": f"Bearer {secret}"})
    answer = json_answer({"text": f"{before}{secret}{after}"})
    exchange = masked(step, request, answer)
    assert json.dumps(secret)[1:-1] not in exchange.response.body
