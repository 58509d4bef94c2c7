"""Strangers' JSON has one meaning or none (decision 18)."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_kit.rules.json_object import parse_json_object

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@pytest.mark.requirement("REG5", "CI4")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"client_id":"a","client_id":"b"}', id="name twice"),
        pytest.param(b'{"a":{"b":1,"b":1}}', id="name twice, nested"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="name twice, one escaped"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":Infinity}', id="Infinity"),
        pytest.param(b'{"a":-Infinity}', id="-Infinity"),
        pytest.param(b'{"a":1e400}', id="number beyond a double"),
        pytest.param(b'{"a":-1e400}', id="negative number beyond a double"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="number of 5,000 digits"),
        pytest.param('{"a":"b"}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"a":"b"}'.encode("utf-32"), id="UTF-32"),
        pytest.param('{"a":"b"}'.encode("utf-8-sig"), id="byte order mark"),
        pytest.param(b'{"a":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="surrogate in UTF-8"),
        pytest.param(b'{"a":"\xc0\xaf"}', id="overlong UTF-8"),
        pytest.param(b'{"a":"\\ud800"}', id="lone surrogate, escaped"),
        pytest.param(b'{"\\udfff":1}', id="lone surrogate, escaped, in a name"),
        pytest.param(b'{"a":["\\uD800x"]}', id="lone surrogate, escaped, in an array"),
        pytest.param(b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", id="33 levels"),
        pytest.param(b"[" * 5000, id="5,000 open arrays"),
        pytest.param(b'{"a":' * 5000, id="5,000 open objects"),
        pytest.param(b'{"a":"x\ny"}', id="line feed in a string"),
        pytest.param(b'{"a":"\x00"}', id="NUL in a string"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b'{"a":1,}', id="trailing comma"),
        pytest.param(b'{"a":01}', id="leading zero"),
        pytest.param(b'{"a":1}{"b":2}', id="two objects"),
        pytest.param(b'{"a":1} x', id="something after it"),
        pytest.param(b"[1]", id="array"),
        pytest.param(b'"a"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"1", id="number"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"   ", id="blanks"),
    ],
)
def test_what_is_not_one_plain_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any fault, and never another class
        parse_json_object(body)


def test_brackets_inside_strings_are_no_nesting() -> None:
    text = "[{" * 100 + '\\"['
    assert parse_json_object(json.dumps({"a": text}).encode()) == {"a": text}


def test_the_depth_bound_is_exact() -> None:
    nested = b'{"a":' + b"[" * 31 + b"]" * 31 + b',"b":[[],[],[]]}'
    assert parse_json_object(nested)["b"] == [[], [], []]
    assert parse_json_object(b'{"a":[]}', max_depth=2) == {"a": []}
    with pytest.raises(ValueError, match="deep"):
        parse_json_object(b'{"a":[]}', max_depth=1)


def test_the_depth_check_takes_one_pass_over_hostile_strings() -> None:
    body = b'"' + b'\\"' * 100_000 + b"[" * 40
    with pytest.raises(ValueError):  # noqa: PT011 - any fault will do
        parse_json_object(body)


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert parse_json_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@given(st.dictionaries(st.text(), json_values))
def test_every_object_that_json_can_write_is_read_back(value: dict[str, object]) -> None:
    assert parse_json_object(json.dumps(value).encode(), max_depth=sys.maxsize) == value


@given(st.binary() | st.text(alphabet='{}[]",:\\u0d8fe1.-+NaInfity ').map(str.encode))
def test_arbitrary_bytes_give_an_object_or_a_value_error(body: bytes) -> None:
    try:
        value = parse_json_object(body)
    except ValueError:
        return
    assert isinstance(value, dict)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
