"""What is typed into a form becomes arguments, or a sentence beside the field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_clients.console.arguments import (
    MAX_CHARACTERS,
    RAW_FIELD,
    control_name,
    defaults,
    fill,
    read_typed,
)
from demo_clients.console.schema_form import RAW, form_of

DEEP = "[" * 40 + "]" * 40


def read(schema: Any, text: str, *, required: bool = False) -> Any:
    """The argument, or the problem with it."""
    form = form_of(json.dumps({"properties": {"a": schema}, "required": ["a"] * required}))
    typed = read_typed(form, {control_name("a"): text})
    assert typed.texts == {"a": text.replace("\r\n", "\n")}
    if typed.problems:
        assert "a" not in typed.arguments
        return typed.problems["a"]
    return typed.arguments.get("a", "left out")


@pytest.mark.parametrize(
    ("schema", "text", "problem"),
    [
        ({"type": "integer"}, "1.5", "This must be a whole number."),
        ({"type": "integer"}, "one", "This must be a whole number."),
        ({"type": "integer"}, "١", "This must be a whole number."),
        ({"type": "integer"}, "1_000", "This must be a whole number."),
        ({"type": "integer"}, "9" * 5000, "This must be a whole number."),
        ({"type": "number"}, "NaN", "This must be a number, such as 1.5."),
        ({"type": "number"}, "Infinity", "This must be a number, such as 1.5."),
        ({"type": "number"}, "1e999", "This must be a number, such as 1.5."),
        ({"type": "number"}, "1,5", "This must be a number, such as 1.5."),
        ({"type": "integer", "minimum": 1}, "0", "At least 1."),
        ({"type": "integer", "maximum": 50}, "51", "At most 50."),
        ({"type": "number", "minimum": 0.5}, "0.4", "At least 0.5."),
        ({"type": "string", "minLength": 2}, "x", "At least 2 characters."),
        ({"type": "string", "maxLength": 2}, "xyz", "At most 2 characters."),
        ({"type": "string"}, "x" * (MAX_CHARACTERS + 1), f"At most {MAX_CHARACTERS} characters."),
        ({"type": "boolean"}, "yes", "Choose one of the values."),
        ({"enum": ["a", 1]}, "a", "Choose one of the values."),
        ({"enum": ["a", 1]}, '"1"', "Choose one of the values."),
        ({"type": "array"}, "{}", 'This must be a JSON array, such as ["one", "two"].'),
        ({"type": "array"}, "a, b", "This must be JSON."),
        ({"type": "array"}, '[1], "x": [2]', "This must be JSON."),
        ({"type": "array"}, '[1], "value": [2]', "This must be JSON."),
        ({"type": "array"}, "[1]}", "This must be JSON."),
        ({"type": "array"}, DEEP, "This must be JSON."),
        ({"type": "array"}, "[" * 7000, "This must be JSON."),
        ({"type": "array"}, "[NaN]", "This must be JSON."),
        ({"type": "array"}, '["\\ud800"]', "This must be JSON."),
        ({"type": "array", "maxItems": 1}, "[1, 2]", "At most 1 item."),
        (
            {"type": "array", "items": {"type": "string"}},
            '["a", 1]',
            "Item 2 must be of type string.",
        ),
        (
            {"type": "array", "items": {"type": "integer"}},
            "[true]",
            "Item 1 must be of type integer.",
        ),
        ({"type": "object"}, "[]", 'This must be a JSON object, such as {"name": 1}.'),
        ({"type": "object"}, '{"a":1,"a":2}', "This must be JSON."),
        ({}, "nothing", "This must be JSON."),
    ],
)
def test_what_the_schema_does_not_allow_is_not_sent(schema: Any, text: str, problem: str) -> None:
    assert read(schema, text) == problem


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, " -7 ", -7),
        ({"type": "integer", "minimum": 1, "maximum": 1}, "1", 1),
        ({"type": "number"}, "1", 1),
        ({"type": "number"}, "-1.5e3", -1500.0),
        ({"type": "string"}, "  two\r\nlines ", "  two\nlines "),
        ({"type": "string", "minLength": 1, "maxLength": 1}, "é", "é"),
        ({"type": "string"}, "<b>&amp;", "<b>&amp;"),
        ({"type": "boolean"}, "false", False),
        ({"enum": ["a", 1]}, "1", 1),
        ({"enum": ["a", 1]}, '"a"', "a"),
        ({"type": "array", "maxItems": 2}, '["a", {"b": []}]', ["a", {"b": []}]),
        ({"type": "array", "items": {"type": "boolean"}}, "[true]", [True]),
        ({"type": "array", "items": {"anyOf": []}}, '["a", 1]', ["a", 1]),
        ({"type": "object"}, "{}", {}),
        ({}, "null", None),
    ],
)
def test_what_is_typed_is_sent_as_its_type(schema: Any, text: str, value: Any) -> None:
    read_value = read(schema, text)
    assert (read_value, type(read_value)) == (value, type(value))


@pytest.mark.parametrize("kind", ["string", "integer", "boolean", "array", "object", None])
def test_an_empty_control_is_left_out_unless_it_is_required(kind: str | None) -> None:
    schema = {"type": kind} if kind else {}
    assert read(schema, "") == "left out"
    assert read(schema, "", required=True) == "This is required."


def test_spaces_are_a_text_and_nothing_else() -> None:
    assert read({"type": "string"}, "  ") == "  "
    assert read({"type": "integer"}, "  ") == "left out"


def test_every_field_has_its_own_problem_and_nothing_is_lost() -> None:
    form = form_of('{"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {}}}')
    sent = {control_name("a"): "x", control_name("b"): "7", "c": "1", "form_token": "x"}
    typed = read_typed(form, sent)
    assert typed.texts == {"a": "x", "b": "7", "c": ""}
    assert typed.problems == {"a": "This must be a whole number."}


def test_all_arguments_together_are_bounded() -> None:
    form = form_of('{"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}')
    sent = {control_name(name): "x" * 5000 for name in ("a", "b")}
    assert read_typed(form, sent).problems == {"a": "All arguments together are too long."}


@pytest.mark.parametrize("text", ["[", "[]", "1", '{"a":1,"a":2}', '{"a":' * 40 + "1" + "}" * 40])
def test_raw_arguments_are_one_json_object(text: str) -> None:
    typed = read_typed(RAW, {RAW_FIELD: text})
    assert "one JSON object" in typed.problems[RAW_FIELD]
    assert typed.texts == {RAW_FIELD: text}


def test_raw_arguments_are_bounded() -> None:
    text = json.dumps({"a": "x" * MAX_CHARACTERS})
    assert read_typed(RAW, {RAW_FIELD: text}).problems == {
        RAW_FIELD: f"At most {MAX_CHARACTERS} characters."
    }


def test_raw_arguments_may_be_left_out() -> None:
    assert read_typed(RAW, {}).arguments == {}
    assert read_typed(RAW, {RAW_FIELD: '{"a": [1]}'}).arguments == {"a": [1]}


def test_a_form_starts_with_its_defaults() -> None:
    form = form_of('{"properties": {"a": {"type": "integer", "default": 20}, "b": {}}}')
    assert defaults(form, "example") == {"a": "20", "b": ""}
    assert defaults(RAW, "example") == {RAW_FIELD: "example"}


FORM = form_of(
    json.dumps(
        {
            "properties": {
                "text": {"type": "string"},
                "count": {"type": "integer"},
                "yes": {"type": "boolean"},
                "choice": {"enum": ["a", 1, None]},
                "list": {"type": "array", "items": {"type": "string"}},
                "any": {},
            }
        }
    )
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            "count": st.integers(-(10**17), 10**17),
            "yes": st.booleans(),
            "choice": st.sampled_from(["a", 1, None]),
            "list": st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4),
            "any": st.none() | st.integers(0, 9) | st.lists(st.booleans(), max_size=2),
        },
    )
)
def test_arguments_survive_the_way_to_the_form_and_back(arguments: dict[str, Any]) -> None:
    texts = fill(FORM, arguments)
    sent = {control_name(name): text for name, text in texts.items()}
    typed = read_typed(FORM, sent)
    assert (typed.problems, typed.arguments) == ({}, arguments)
    raw = read_typed(RAW, fill(RAW, arguments))
    assert (raw.problems, raw.arguments) == ({}, arguments)
