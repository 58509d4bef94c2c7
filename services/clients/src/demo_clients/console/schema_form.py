"""From a tool's JSON Schema, written by a stranger, to the fields of a form (JSON Schema 2020-12).

Whatever cannot be drawn is a field for JSON, and what cannot be read at all one for all arguments:
a form never promises more than the server will check again.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from demo_clients.timeline.text import fit
from oauth_kit.rules.json_object import parse_json_object

Kind = Literal["string", "integer", "number", "boolean", "choice", "array", "object", "json"]

MAX_FIELDS: Final = 30
MAX_OPTIONS: Final = 50
_MAX_OPTION_CHARACTERS: Final = 200
_MAX_DESCRIPTION_CHARACTERS: Final = 300
_MAX_DEFAULT_CHARACTERS: Final = 2000
_MAX_LINE_CHARACTERS: Final = 200
_MAX_BOUND: Final = 2**53
_KINDS: Final[Mapping[object, Kind]] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}
# it becomes the name of a form's field, which browsers must send as it is
_PROPERTY: Final = re.compile(r"[\x21-\x7e]{1,64}")
# what these say about a value is more than a field of one type can
_BEYOND_A_FIELD: Final = frozenset({"$ref", "$dynamicRef", "anyOf", "oneOf", "allOf", "not", "if"})


@dataclass(frozen=True, slots=True)
class Option:
    """text: the value in JSON, which tells 1 from "1"; label: as people read it"""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a number's value, a string's characters or an array's items."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One argument.

    default: what stands in the control at first
    items:   what an array's items are, None for anything
    """

    name: str
    kind: Kind
    required: bool = False
    description: str = ""
    default: str = ""
    options: tuple[Option, ...] = ()
    bounds: Bounds = Bounds()
    items: Kind | None = None
    hint: str = ""

    @property
    def control(self) -> Literal["line", "text", "choice", "json"]:
        match self.kind:
            case "integer" | "number":
                return "line"
            case "boolean" | "choice":
                return "choice"
            case "string":
                most = self.bounds.most
                return "line" if most is not None and most <= _MAX_LINE_CHARACTERS else "text"
            case _:
                return "json"


@dataclass(frozen=True, slots=True)
class ToolForm:
    """fields: None when the arguments can only be written as one JSON object"""

    fields: tuple[Field, ...] | None


RAW: Final = ToolForm(None)


def form_of(schema_text: str) -> ToolForm:
    """schema_text: an `inputSchema` as JSON, "" for one that is not known"""
    try:
        schema = parse_json_object(schema_text.encode())
    except ValueError:
        return RAW
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return RAW
    if schema.get("type", "object") != "object" or _BEYOND_A_FIELD & schema.keys():
        return RAW
    if len(properties) > MAX_FIELDS or not all(map(_PROPERTY.fullmatch, properties)):
        return RAW
    # a property that is required but not described could not be typed
    if not all(isinstance(name, str) and name in properties for name in required):
        return RAW
    # no properties: nothing is taken, or nothing is told
    if "properties" not in schema and schema.get("additionalProperties") is not False:
        return RAW
    return ToolForm(
        tuple(_field(name, schema, name in required) for name, schema in properties.items())
    )


def _field(name: str, schema: object, required: bool) -> Field:
    if not isinstance(schema, dict):
        return Field(name, "json", required)
    options = _options(schema)
    kind: Kind = "choice" if options else _kind(schema)
    bounds = _bounds(schema, kind)
    items = schema.get("items")
    return Field(
        name=name,
        kind=kind,
        required=required,
        description=_described(schema),
        default=_default(schema, kind),
        options=options or (_BOOLEANS if kind == "boolean" else ()),
        bounds=bounds,
        items=_kind(items) if kind == "array" and isinstance(items, dict) else None,
        hint=_hint(schema, kind, bounds),
    )


def _kind(schema: Mapping[str, object]) -> Kind:
    if _BEYOND_A_FIELD & schema.keys() or "enum" in schema or "const" in schema:
        return "json"
    declared = schema.get("type")
    return _KINDS.get(declared, "json") if isinstance(declared, str) else "json"


def _options(schema: Mapping[str, object]) -> tuple[Option, ...]:
    """The values of an enum, where a list of them is short and each is a scalar."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list) or not 0 < len(values) <= MAX_OPTIONS:
        return ()
    if not all(value is None or isinstance(value, str | int | float) for value in values):
        return ()
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    if max(map(len, texts)) > _MAX_OPTION_CHARACTERS:
        return ()
    labels = [
        value if isinstance(value, str) and value else text
        for value, text in zip(values, texts, strict=True)
    ]
    return tuple(
        Option(text, fit(str(label), _MAX_OPTION_CHARACTERS))
        for text, label in dict(zip(texts, labels, strict=True)).items()
    )


_BOOLEANS: Final = (Option("true", "true"), Option("false", "false"))

_BOUND_NAMES: Final[Mapping[Kind, tuple[str, str]]] = {
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
}


def _bounds(schema: Mapping[str, object], kind: Kind) -> Bounds:
    """Bounds that contradict each other bind nobody here: the server has the last word."""
    if kind not in _BOUND_NAMES:
        return Bounds()
    least, most = (_number(schema.get(name)) for name in _BOUND_NAMES[kind])
    if least is not None and most is not None and least > most:
        return Bounds()
    return Bounds(least, most)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= _MAX_BOUND else None


def _described(schema: Mapping[str, object]) -> str:
    description = schema.get("description")
    return fit(description, _MAX_DESCRIPTION_CHARACTERS) if isinstance(description, str) else ""


def _default(schema: Mapping[str, object], kind: Kind) -> str:
    """The default as it is typed into the control of its kind."""
    if "default" not in schema:
        return ""
    value = schema["default"]
    if kind == "string":
        text = value if isinstance(value, str) else ""
    else:
        text = json.dumps(
            value, ensure_ascii=False, indent=2 if kind in ("array", "object") else None
        )
    return text if len(text) <= _MAX_DEFAULT_CHARACTERS else ""


_UNITS: Final[Mapping[Kind, str]] = {"string": "character", "array": "item"}


def _hint(schema: Mapping[str, object], kind: Kind, bounds: Bounds) -> str:
    """What the schema asks for, in words."""
    what = {
        "string": "Text",
        "integer": "A whole number",
        "number": "A number",
        "array": "A JSON array",
        "object": "A JSON object",
        "json": "Any JSON value",
    }.get(kind, "")
    written = schema.get("format")
    parts = [
        what,
        _range(bounds, _UNITS.get(kind, "")),
        f"format {fit(written, 40)}" if isinstance(written, str) and kind == "string" else "",
    ]
    return ", ".join(part for part in parts if part)


def _range(bounds: Bounds, unit: str) -> str:
    least, most = bounds.least, bounds.most
    if least is not None and most is not None:
        return f"{least:g} to {counted(most, unit)}"
    if least is not None:
        return f"at least {counted(least, unit)}"
    return f"at most {counted(most, unit)}" if most is not None else ""


def counted(number: float, unit: str) -> str:
    """ "1 item", "2 items", or the number alone where it counts nothing."""
    return f"{number:g} {unit}{'' if number == 1 else 's'}" if unit else f"{number:g}"
