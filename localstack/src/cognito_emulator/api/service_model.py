"""Requests judged by the service models that AWS publishes (the JSON files inside botocore).

Required members, types, lengths, ranges, patterns and enumerations of every operation come from
there, with the wording of AWS: "1 validation error detected: Value … at …".
"""

import gzip
import importlib.resources
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cognito_emulator.rules.errors import ApiError

# Deeper than anything the models describe; DynamoDB documents end at 32 levels of two objects each.
MAX_DEPTH = 80

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}
_KEPT = ("type", "required", "members", "member", "key", "value", "sensitive", "document")
_CONSTRAINTS = ("min", "max", "pattern", "enum")

# Java's classes of letters, marks, symbols, numbers and punctuation: everything one can see.
_VISIBLE = r"!-~\u00a1-\U0010ffff"
_JAVA_CLASSES = (
    (r"\p{L}\p{M}\p{S}\p{N}\p{P}", _VISIBLE),
    (r"\p{Z}", r"\s"),
)


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """One service: its operations and the shapes they take."""

    inputs: Mapping[str, str | None]
    unsigned: frozenset[str]
    shapes: Mapping[str, Mapping[str, Any]]
    refusal: str

    @classmethod
    def load(cls, folder: str, *, refusal: str = "InvalidParameterException") -> "ServiceModel":
        """Read `botocore/data/<folder>/service-2.json.gz`, without its documentation.

        refusal: how this service calls a constraint that is not kept
        """
        source = importlib.resources.files("botocore") / "data" / folder / "service-2.json.gz"
        raw = json.loads(gzip.decompress(source.read_bytes()))
        operations = raw["operations"]
        inputs = {name: _input_shape(operation) for name, operation in operations.items()}
        shapes = _reachable(raw["shapes"], [name for name in inputs.values() if name])
        return cls(
            inputs=inputs,
            unsigned=frozenset(n for n, o in operations.items() if o.get("authtype") == "none"),
            shapes=shapes,
            refusal=refusal,
        )

    def check(self, operation: str, body: Mapping[str, Any]) -> None:
        """Raise UnknownOperation- or SerializationException, or this service's refusal."""
        if operation not in self.inputs:
            raise ApiError("UnknownOperationException", "The operation is not known.")
        shape = self.inputs[operation]
        if shape is None:
            return
        problems = list(self._problems(shape, body, "", 0))
        if problems:
            plural = "s" if len(problems) > 1 else ""
            listed = "; ".join(problems)
            raise ApiError(
                self.refusal, f"{len(problems)} validation error{plural} detected: {listed}"
            )

    def _problems(self, name: str, value: Any, path: str, depth: int) -> Iterator[str]:
        """What is wrong with `value` as a `name`; wrong JSON types are raised at once."""
        shape = self.shapes[name]
        if shape.get("document"):
            return
        _check_type(shape["type"], value, depth)
        yield from _constraint_problems(shape, value, path)
        match shape["type"]:
            case "structure":
                yield from self._structure_problems(shape, value, path, depth)
            case "list":
                for item in value:
                    yield from self._problems(shape["member"], item, f"{path}.member", depth + 1)
            case "map":
                for key, item in value.items():
                    yield from self._problems(shape["key"], key, f"{path}.key", depth + 1)
                    yield from self._problems(shape["value"], item, f"{path}.value", depth + 1)

    def _structure_problems(
        self, shape: Mapping[str, Any], value: Mapping[str, Any], path: str, depth: int
    ) -> Iterator[str]:
        for member in shape.get("required", ()):
            if value.get(member) is None:
                yield (
                    f"Value null at '{_join(path, member)}' failed to satisfy constraint: "
                    "Member must not be null"
                )
        for member, member_shape in shape["members"].items():
            if value.get(member) is not None:
                inner = _join(path, member)
                yield from self._problems(member_shape, value[member], inner, depth + 1)


def _input_shape(operation: Mapping[str, Any]) -> str | None:
    shape = operation.get("input")
    return None if shape is None else str(shape["shape"])


def _reachable(raw: Mapping[str, Any], names: list[str]) -> dict[str, dict[str, Any]]:
    """The shapes that requests can hold; answers and documentation are left behind."""
    found: dict[str, dict[str, Any]] = {}
    while names:
        name = names.pop()
        if name in found:
            continue
        shape = {key: raw[name][key] for key in (*_KEPT, *_CONSTRAINTS) if key in raw[name]}
        if "members" in shape:
            shape["members"] = {m: s["shape"] for m, s in shape["members"].items()}
            names.extend(shape["members"].values())
        for key in ("member", "key", "value"):
            if key in shape:
                shape[key] = shape[key]["shape"]
                names.append(shape[key])
        if "pattern" in shape:
            shape["compiled"] = _compile(shape["pattern"])
        found[name] = shape
    return found


def _compile(pattern: str) -> re.Pattern[str] | None:
    """Java's pattern as Python's; None when it uses what Python does not have."""
    for java, python in _JAVA_CLASSES:
        pattern = pattern.replace(java, python)
    try:
        # \w and \s are ASCII in Java.
        return None if r"\p{" in pattern else re.compile(pattern, re.ASCII)
    except re.error:
        return None


def _check_type(kind: str, value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ApiError("SerializationException", "The request is nested too deeply.")
    wrong = not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")
    if wrong:
        raise ApiError("SerializationException", f"A value cannot be converted to {kind}.")


def _constraint_problems(shape: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    kind = shape["type"]
    size = value if kind in {"integer", "long", "double", "float"} else None
    if kind in {"string", "list", "map"}:
        size = len(value)
    shown = "***" if shape.get("sensitive") else value
    if size is not None:
        what = "value" if size is value else "length"
        if "min" in shape and size < shape["min"]:
            yield _problem(shown, path, f"have {what} greater than or equal to {shape['min']}")
        if "max" in shape and size > shape["max"]:
            yield _problem(shown, path, f"have {what} less than or equal to {shape['max']}")
            return  # no pattern is tried on a text of any length
    compiled = shape.get("compiled")
    if compiled is not None and not compiled.fullmatch(value):
        yield _problem(shown, path, f"satisfy regular expression pattern: {shape['pattern']}")
    if "enum" in shape and value not in shape["enum"]:
        yield _problem(shown, path, f"satisfy enum value set: [{', '.join(shape['enum'])}]")


def _problem(value: Any, path: str, constraint: str) -> str:
    shown = str(value)[:200]
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def _join(path: str, member: str) -> str:
    name = member[:1].lower() + member[1:]
    return f"{path}.{name}" if path else name
