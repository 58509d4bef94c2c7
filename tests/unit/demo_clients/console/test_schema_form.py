"""Schemas to forms: whatever a server writes, there is a form, and it is a bounded one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_clients.console.schema_form import MAX_FIELDS, MAX_OPTIONS, RAW, Bounds, Field, form_of


def fields(**properties: Any) -> dict[str, Field]:
    form = form_of(json.dumps({"type": "object", "properties": properties}))
    assert form.fields is not None
    return {field.name: field for field in form.fields}


def field(schema: Any) -> Field:
    return fields(one=schema)["one"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "true",
        "[]",
        '"object"',
        "{",
        '{"a": 1, "a": 2}',
        '{"type": "object", "properties": null}',
        '{"type": "object", "properties": []}',
        '{"type": "object", "properties": {}, "required": "a"}',
        '{"type": "object", "properties": {}, "required": ["a"]}',
        '{"type": "object", "properties": {}, "required": [{}]}',
        '{"type": ["object"], "properties": {}}',
        '{"type": "string"}',
        '{"type": "object"}',
        "{}",
        '{"$ref": "#/$defs/a", "properties": {}}',
        '{"oneOf": [], "properties": {}}',
        '{"properties": {"": {}}}',
        '{"properties": {"a b": {}}}',
        '{"properties": {"a\\n": {}}}',
        '{"properties": {"\\u202eevil": {}}}',
        '{"properties": {"%s": {}}}' % ("a" * 65),
        '{"properties": ' + '{"a":' * 5000 + "1" + "}" * 5001,
        json.dumps({"properties": {f"p{number}": {} for number in range(MAX_FIELDS + 1)}}),
    ],
)
def test_what_cannot_be_drawn_is_written_as_json(text: str) -> None:
    assert form_of(text) is RAW


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        7,
        "string",
        [],
        {},
        {"type": None},
        {"type": {}},
        {"type": ["string", "null"]},
        {"type": "nothing"},
        {"$ref": "#/$defs/loop"},
        {"anyOf": [{"type": "string"}]},
        {"type": "string", "enum": "ab"},
        {"type": "string", "enum": []},
        {"type": "string", "enum": [{}]},
        {"type": "string", "enum": ["x" * 300]},
        {"type": "string", "enum": [str(n) for n in range(MAX_OPTIONS + 1)]},
    ],
)
def test_a_property_of_no_plain_type_takes_any_json(schema: Any) -> None:
    assert (field(schema).kind, field(schema).control) == ("json", "json")


@pytest.mark.parametrize(
    ("schema", "bounds"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 50}, Bounds(1, 50)),
        ({"type": "number", "minimum": -0.5}, Bounds(-0.5, None)),
        ({"type": "string", "minLength": 1, "maxLength": 9}, Bounds(1, 9)),
        ({"type": "array", "minItems": 0, "maxItems": 9}, Bounds(0, 9)),
        ({"type": "integer", "minimum": "1", "maximum": True}, Bounds()),
        ({"type": "integer", "minimum": 10**300, "maximum": -(10**300)}, Bounds()),
        ({"type": "integer", "minimum": 10**300}, Bounds()),
        ({"type": "integer", "maximum": 2**53}, Bounds(None, 2**53)),
        ({"type": "integer", "minimum": 2, "maximum": 1}, Bounds()),
        ({"type": "integer", "minimum": 2, "maximum": 2}, Bounds(2, 2)),
        ({"type": "boolean", "minimum": 2}, Bounds()),
    ],
)
def test_bounds_are_numbers_that_can_be_met(schema: Any, bounds: Bounds) -> None:
    assert field(schema).bounds == bounds


def test_a_long_list_of_choices_is_the_last_that_is_drawn() -> None:
    one = field({"enum": [str(n) for n in range(MAX_OPTIONS)]})
    assert (one.kind, len(one.options)) == ("choice", MAX_OPTIONS)


def test_as_many_fields_as_allowed_are_drawn() -> None:
    assert len(fields(**{f"p{number}": {} for number in range(MAX_FIELDS)})) == MAX_FIELDS


def test_choices_tell_a_number_from_its_digits() -> None:
    one = field({"enum": [1, "1", "", None, True, "1"]})
    assert [(option.text, option.label) for option in one.options] == [
        ("1", "1"),
        ('"1"', "1"),
        ('""', '""'),
        ("null", "null"),
        ("true", "true"),
    ]


@pytest.mark.parametrize(
    ("schema", "default"),
    [
        ({"type": "integer", "default": 20}, "20"),
        ({"type": "boolean", "default": False}, "false"),
        ({"type": "string", "default": "a\nb"}, "a\nb"),
        ({"type": "string", "default": 7}, ""),
        ({"type": "string", "default": "x" * 3000}, ""),
        ({"enum": ["a", "b"], "default": "b"}, '"b"'),
        ({"type": "array", "default": []}, "[]"),
        ({"default": None}, "null"),
        ({"type": "integer"}, ""),
    ],
)
def test_a_default_is_what_would_be_typed(schema: Any, default: str) -> None:
    assert field(schema).default == default


@pytest.mark.parametrize(
    ("schema", "control"),
    [
        ({"type": "string", "maxLength": 200}, "line"),
        ({"type": "string", "maxLength": 201}, "text"),
        ({"type": "string"}, "text"),
        ({"type": "integer"}, "line"),
        ({"type": "boolean"}, "choice"),
        ({"const": 4}, "choice"),
        ({"type": "array"}, "json"),
        ({"type": "object"}, "json"),
    ],
)
def test_each_type_has_its_control(schema: Any, control: str) -> None:
    assert field(schema).control == control


def test_what_the_schema_says_is_told_in_words() -> None:
    described = {"type": "string", "maxLength": 9, "format": "date", "description": "When"}
    assert field(described).hint == "Text, at most 9 characters, format date"
    assert field(described).description == "When"
    assert field({"type": "integer", "minimum": 1, "maximum": 50}).hint == (
        "A whole number, 1 to 50"
    )


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        ({"type": "string", "minLength": 1}, "Text, at least 1 character"),
        ({"type": "array", "minItems": 1, "maxItems": 2}, "A JSON array, 1 to 2 items"),
        ({"type": "number", "minimum": 0.5}, "A number, at least 0.5"),
        ({"type": "boolean"}, ""),
    ],
)
def test_bounds_are_told_with_what_they_count(schema: Any, hint: str) -> None:
    assert field(schema).hint == hint


def test_a_description_is_bounded_and_shows_what_is_invisible() -> None:
    one = field({"type": "string", "description": "\u202e" + "x" * 5000, "format": "\x00" * 900})
    assert one.description.startswith("\\u202e")
    assert len(one.description) < 700
    assert len(one.hint) < 300


def test_required_is_told_by_the_schema_around_it() -> None:
    form = form_of('{"properties": {"a": {}, "b": {}}, "required": ["b"]}')
    assert form.fields is not None
    assert [one.required for one in form.fields] == [False, True]


def test_a_tool_without_arguments_has_an_empty_form() -> None:
    assert form_of('{"type": "object", "properties": {}}').fields == ()
    assert form_of('{"type": "object", "additionalProperties": false}').fields == ()


_words = st.sampled_from(
    [
        *("type", "enum", "const", "default", "minimum", "maximum", "minLength", "maxLength"),
        *("items", "minItems", "description", "format", "properties", "required", "string"),
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=5),
    max_leaves=12,
)
_types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object"])
property_schemas = st.dictionaries(_words, json_values | _types, max_size=6) | json_values


@given(property_schemas)
def test_no_schema_of_a_property_is_a_crash(schema: Any) -> None:
    text = json.dumps({"properties": {"one": schema}})
    drawn = [field.name for field in form_of(text).fields or ()]
    assert drawn == ([] if "Infinity" in text else ["one"])  # which is no JSON


@given(st.dictionaries(_words, json_values, max_size=6))
def test_no_schema_is_a_crash(schema: Any) -> None:
    form = form_of(json.dumps(schema))
    drawn = [field.name for field in form.fields or ()]
    assert form == RAW or drawn == list(schema.get("properties", {}))
