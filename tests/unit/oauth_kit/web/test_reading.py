"""Bytes of requests to values: whatever a stranger sends is read once, bounded, or refused."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from aiohttp import web
from fakes.kit_service import Answer, send, serving

from oauth_kit.rules.errors import OAuthError
from oauth_kit.web.answering import json_answer
from oauth_kit.web.reading import (
    Form,
    query_parameters,
    read_form,
    read_json_object,
)

FORM = "application/x-www-form-urlencoded"


async def echo_form(request: web.Request) -> web.Response:
    form = await read_form(request)
    return json_answer({name: form.all(name) for name in form})


async def echo_json(request: web.Request) -> web.Response:
    return json_answer(await read_json_object(request))


async def echo_query(request: web.Request) -> web.Response:
    return json_answer(query_parameters(request))


@pytest.fixture
async def port() -> AsyncIterator[int]:
    routes = (
        web.post("/form", echo_form),
        web.post("/json", echo_json),
        web.get("/query", echo_query),
    )
    async with serving(*routes) as ports:
        yield ports.public


async def post_form(
    port: int, body: bytes, content_type: str = FORM, *headers: tuple[str, str]
) -> Answer:
    sent = [("Content-Type", content_type), *headers]
    return await send(port, "/form", method="POST", headers=sent, body=body)


def assert_refused(answer: Answer, status: int = 400) -> str:
    assert answer.status == status
    document = answer.json()
    assert document["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"
    return str(document["error_description"])


@pytest.mark.requirement("TK4", "A16")
@pytest.mark.parametrize(
    "body",
    [
        b"code=a&code=a",
        b"code=a&code=b",
        b"code=a&code=",
        b"code=&code=a",
        b"code&code=a",
        b"code=a&c%6fde=b",
        b"a+b=1&a%20b=2",
        b"=1&=2",
    ],
)
async def test_a_parameter_sent_twice_is_refused(port: int, body: bytes) -> None:
    assert assert_refused(await post_form(port, body)) == "A parameter is repeated"


@pytest.mark.requirement("B20", "TK4")
@pytest.mark.parametrize(
    "body", [b"a=%ff", b"%ff=a", b"a=\xff", b"a=%c3", b"a=%ed%a0%80", b"a=%c0%80", b"a=%f5%80%80"]
)
async def test_a_form_that_is_not_utf8_is_refused(port: int, body: bytes) -> None:
    assert assert_refused(await post_form(port, body)) == "A parameter is not UTF-8"


@pytest.mark.requirement("B20")
@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"a", {}),
        (b"a=", {}),
        (b"a=b=c", {"a": ["b=c"]}),
        (b"a=1+2%2B3", {"a": ["1 2+3"]}),
        (b"a=%zz%", {"a": ["%zz%"]}),
        (b"a=%00", {"a": ["\x00"]}),
        (b"a=b;c=d", {"a": ["b;c=d"]}),
        (b"a=%EF%BB%BFb", {"a": ["\ufeffb"]}),
        ("a=ü".encode(), {"a": ["ü"]}),
        (b"resource=x&resource=&resource=y", {"resource": ["x", "y"]}),
    ],
)
async def test_a_form_is_read_as_browsers_write_it(
    port: int, body: bytes, read: dict[str, list[str]]
) -> None:
    answer = await post_form(port, body)
    assert (answer.status, answer.json()) == (200, read)


@pytest.mark.requirement("B20", "TK3")
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded2",
        "application/x-www-form-urlencoded, application/json",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        "application/x-www-form-urlencoded; boundary=x",
    ],
)
async def test_another_media_type_is_refused(port: int, content_type: str) -> None:
    assert_refused(await post_form(port, b"a=b", content_type))


@pytest.mark.requirement("TK3")
async def test_no_media_type_and_two_are_refused(port: int) -> None:
    assert_refused(await send(port, "/form", method="POST", body=b"a=b"))
    assert (await post_form(port, b"a=b", FORM, ("Content-Type", FORM))).status == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "APPLICATION/X-WWW-Form-Urlencoded ;Charset=UTF-8",
        'application/x-www-form-urlencoded; charset="utf-8"',
    ],
)
async def test_the_media_type_may_name_utf8(port: int, content_type: str) -> None:
    assert (await post_form(port, b"a=b", content_type)).json() == {"a": ["b"]}


@pytest.mark.requirement("TK3")
async def test_the_query_is_no_part_of_the_form(port: int) -> None:
    headers = [("Content-Type", FORM)]
    answer = await send(port, "/form?a=1&b=2", method="POST", headers=headers, body=b"a=3")
    assert answer.json() == {"a": ["3"]}


@pytest.mark.requirement("B20")
@pytest.mark.parametrize(("parameters", "status"), [(100, 200), (101, 400), (9_000, 400)])
async def test_a_form_has_a_hundred_parameters_at_most(
    port: int, parameters: int, status: int
) -> None:
    body = b"&".join(b"%x=" % n for n in range(parameters))
    assert (await post_form(port, body)).status == status


@pytest.mark.requirement("B20", "REG14")
@pytest.mark.parametrize(("size", "status"), [(65_536, 200), (65_537, 413), (3_000_000, 413)])
async def test_a_body_has_64_kib_at_most(port: int, size: int, status: int) -> None:
    answer = await post_form(port, b"a=" + b"x" * (size - 2))
    assert answer.status == status
    if status == 413:
        assert_refused(answer, 413)


@pytest.mark.requirement("B20", "REG14")
async def test_a_chunked_body_is_measured_as_it_comes(port: int) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    chunked = ("Transfer-Encoding", "chunked")
    assert_refused(await post_form(port, chunk * 3 + b"0\r\n\r\n", FORM, chunked), 413)
    whole = await post_form(port, b"2\r\na=\r\n3\r\nb%2\r\n1\r\n6\r\n0\r\n\r\n", FORM, chunked)
    assert whole.json() == {"a": ["b&"]}


@pytest.mark.requirement("B20", "REG14")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b"a=" + b"x" * 30_000_000), 413),
        (b"a=b", 400),
        (gzip.compress(b"a=b")[:-8] + b"\xff" * 8, 400),
        (gzip.compress(b"a=b"), 200),
    ],
    ids=["bomb", "not gzip", "wrong checksum", "honest"],
)
async def test_a_compressed_body_is_measured_after_decompression(
    port: int, body: bytes, status: int
) -> None:
    answer = await post_form(port, body, FORM, ("Content-Encoding", "gzip"))
    assert answer.status == status
    if status != 200:
        assert_refused(answer, status)


@pytest.mark.requirement("B20")
async def test_a_sender_who_leaves_in_the_middle_is_no_bug_of_ours() -> None:
    refused: asyncio.Future[OAuthError] = asyncio.get_running_loop().create_future()

    async def read(request: web.Request) -> web.Response:
        try:
            await read_form(request)
        except OAuthError as error:
            refused.set_result(error)
            raise
        return json_answer({})

    async with serving(web.post("/form", read)) as ports:
        _, writer = await asyncio.open_connection("127.0.0.1", ports.public)
        writer.write(f"POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n".encode())
        writer.write(b"Content-Length: 30\r\n\r\na=b")
        await writer.drain()
        writer.close()
        async with asyncio.timeout(5):
            error = await refused
    assert (error.code, error.status) == ("invalid_request", 400)


@pytest.mark.requirement("B20")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b"{",
        b"{}{}",
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": ' * 5000,
        b'{"a": ' + b"9" * 5000 + b"}",
        '{"a": 1}'.encode("utf-16"),
    ],
    ids=lambda body: str(body[:20]),
)
async def test_a_body_that_is_not_one_plain_json_object_is_refused(port: int, body: bytes) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    sent = [*headers] if not body else headers[:1]
    answer = await send(port, "/json", method="POST", headers=sent, body=body)
    assert assert_refused(answer) == "The body is not a JSON object"


@pytest.mark.requirement("B20", "REG5")
@pytest.mark.parametrize(
    "content_type", ["", "text/json", "application/x-www-form-urlencoded", "application/ld+json"]
)
async def test_json_is_declared(port: int, content_type: str) -> None:
    headers = [("Content-Type", content_type)]
    assert_refused(await send(port, "/json", method="POST", headers=headers, body=b"{}"))


async def test_a_json_object_is_read(port: int) -> None:
    headers = [("Content-Type", "application/json; charset=utf-8")]
    body = json.dumps({"a": [1, None, "ü"]}).encode()
    answer = await send(port, "/json", method="POST", headers=headers, body=body)
    assert answer.json() == {"a": [1, None, "ü"]}


@pytest.mark.requirement("REG14")
async def test_a_json_body_is_bounded_too(port: int) -> None:
    body = b'{"a": "' + b"x" * 65_536 + b'"}'
    headers = [("Content-Type", "application/json")]
    assert_refused(await send(port, "/json", method="POST", headers=headers, body=body), 413)


@pytest.mark.requirement("A16")
@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", []),
        ("?", []),
        ("?a=1&a=2&b", [["a", "1"], ["a", "2"], ["b", ""]]),
        ("?a=1+2%2B&&=x", [["a", "1 2+"], ["", "x"]]),
        ("?a=b?c=d", [["a", "b?c=d"]]),
        ("?a=%00%zz", [["a", "\x00%zz"]]),
        ("?a=1#b?c=2", [["a", "1"]]),
        ("?a=" + quote("http://h/?x=ü"), [["a", "http://h/?x=ü"]]),
    ],
)
async def test_the_query_is_read_raw_and_in_order(
    port: int, query: str, read: list[list[str]]
) -> None:
    assert (await send(port, f"/query{query}")).json() == read
    assert (await send(port, f"http://elsewhere.example/query{query}")).json() == read


@pytest.mark.requirement("B20")
@pytest.mark.parametrize("query", ["?a=%ff", "?%ff", "?a=%ed%b0%80", "?" + "a=1&" * 101])
async def test_a_query_that_cannot_be_meant_is_refused(port: int, query: str) -> None:
    assert_refused(await send(port, f"/query{query}"))


def test_a_form_leaves_out_what_is_empty() -> None:
    form = Form([("a", ""), ("b", "1"), ("resource", "x"), ("resource", "y")])
    assert dict(form) == {"b": "1", "resource": "x"}
    assert (len(form), "a" in form, form.get("a")) == (2, False, None)
    assert (form.all("resource"), form.all("a")) == (["x", "y"], [])
