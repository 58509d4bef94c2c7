"""From what was typed into a tool's form to its arguments, or to what is wrong with each field."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from demo_clients.console.schema_form import Bounds, Field, Kind, ToolForm, counted
from oauth_kit.rules.json_object import parse_json_object

RAW_FIELD: Final = "arguments"
_PREFIX: Final = "argument."
MAX_CHARACTERS: Final = 8000
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?")

_TYPES: Final[Mapping[Kind, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What came of a form.

    texts:     what stands in each control, for the form to be shown again
    arguments: what to send, good only when there are no problems
    problems:  sentences by the name of the control
    """

    texts: dict[str, str]
    arguments: dict[str, object] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class _Wrong(Exception):
    """The sentence that the page shows beside the field."""


def control_name(argument: str) -> str:
    return _PREFIX + argument


def read_typed(form: ToolForm, sent: Mapping[str, str]) -> Typed:
    """sent: the form as it came; an empty control is an argument that is left out"""
    if form.fields is None:
        return _read_raw(sent)
    typed = Typed({})
    for one in form.fields:
        # browsers send line ends as CRLF, whatever was typed
        text = sent.get(control_name(one.name), "").replace("\r\n", "\n")
        typed.texts[one.name] = text
        try:
            if text if one.kind == "string" else text.strip():
                typed.arguments[one.name] = _read(one, text)
            elif one.required:
                raise _Wrong("This is required.")
        except _Wrong as wrong:
            typed.problems[one.name] = str(wrong)
    if not typed.problems and len(_pretty(typed.arguments)) > MAX_CHARACTERS:
        typed.problems[form.fields[0].name] = "All arguments together are too long."
    return typed


def fill(form: ToolForm, arguments: Mapping[str, object]) -> dict[str, str]:
    """What to type for these arguments: the way back from `read_typed`."""
    if form.fields is None:
        return {RAW_FIELD: _pretty(dict(arguments))}
    return {
        one.name: _text(one, arguments[one.name]) for one in form.fields if one.name in arguments
    }


def defaults(form: ToolForm, example: str) -> dict[str, str]:
    if form.fields is None:
        return {RAW_FIELD: example}
    return {one.name: one.default for one in form.fields}


def _read_raw(sent: Mapping[str, str]) -> Typed:
    text = sent.get(RAW_FIELD, "")
    typed = Typed({RAW_FIELD: text})
    try:
        if len(text) > MAX_CHARACTERS:
            raise _Wrong(f"At most {MAX_CHARACTERS} characters.")
        typed.arguments.update(parse_json_object((text.strip() or "{}").encode()))
    except _Wrong as wrong:
        typed.problems[RAW_FIELD] = str(wrong)
    except ValueError:
        typed.problems[RAW_FIELD] = 'The arguments must be one JSON object, such as {"name": 1}.'
    return typed


def _read(one: Field, text: str) -> object:
    if len(text) > MAX_CHARACTERS:
        raise _Wrong(f"At most {MAX_CHARACTERS} characters.")
    value = _READERS[one.kind](one, text)
    match value:
        case str() if one.kind == "string":
            _check(one.bounds, len(value), "character")
        case list() if one.kind == "array":
            _check(one.bounds, len(value), "item")
        case int() | float() if one.kind in ("integer", "number"):
            _check(one.bounds, value, "")
    return value


def _check(bounds: Bounds, size: float, unit: str) -> None:
    least, most = bounds.least, bounds.most
    if least is not None and size < least:
        raise _Wrong(f"At least {counted(least, unit)}.")
    if most is not None and size > most:
        raise _Wrong(f"At most {counted(most, unit)}.")


def _read_integer(one: Field, text: str) -> object:
    if not _INTEGER.fullmatch(text.strip()):
        raise _Wrong("This must be a whole number.")
    return int(text)


def _read_number(one: Field, text: str) -> object:
    stripped = text.strip()
    if _INTEGER.fullmatch(stripped):
        return int(stripped)
    if not _NUMBER.fullmatch(stripped):
        raise _Wrong("This must be a number, such as 1.5.")
    return float(stripped)


def _read_choice(one: Field, text: str) -> object:
    if text not in {option.text for option in one.options}:
        raise _Wrong("Choose one of the values.")
    return _parse(text)


def _read_json(one: Field, text: str) -> object:
    try:
        value = _parse(text)
    except ValueError:
        raise _Wrong("This must be JSON.") from None
    if one.kind == "array":
        _check_items(one, value)
    if one.kind == "object" and not isinstance(value, dict):
        raise _Wrong('This must be a JSON object, such as {"name": 1}.')
    return value


def _check_items(one: Field, value: object) -> None:
    if not isinstance(value, list):
        raise _Wrong('This must be a JSON array, such as ["one", "two"].')
    types = _TYPES.get(one.items) if one.items is not None else None
    for number, item in enumerate(value, 1):
        if types is not None and not _is_of(types, item):
            raise _Wrong(f"Item {number} must be of type {one.items}.")


def _is_of(types: tuple[type, ...], value: object) -> bool:
    # in Python, not in JSON, true is a number
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _parse(text: str) -> object:
    """Any JSON value, read as strictly as an object is: as the only member of one."""
    document = parse_json_object(b'{"value":%s}' % text.encode())
    if len(document) != 1:
        raise ValueError("is not one JSON value")
    return document["value"]


_READERS: Final[Mapping[Kind, Callable[[Field, str], object]]] = {
    "string": lambda one, text: text,
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_choice,
    "choice": _read_choice,
    "array": _read_json,
    "object": _read_json,
    "json": _read_json,
}


def _text(one: Field, value: object) -> str:
    if one.kind == "string" and isinstance(value, str):
        return value
    return _pretty(value) if one.control == "json" else json.dumps(value, ensure_ascii=False)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
