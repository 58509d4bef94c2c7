"""The maps of promises and attacks are complete, and point at code and tests that exist."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# How many rows each family has; a row's id is the family and a number from 1 on.
REQUIREMENTS = {
    **{"RS": 38, "ASM": 16, "REG": 25, "AU": 24, "CI": 18},
    **{"CB": 14, "TK": 32, "RV": 8, "CL": 21, "OP": 11},
}
ATTACKS = {"A": 22, "B": 20, "C": 15, "D": 10}

MAPS = {
    "docs/requirements.md": REQUIREMENTS,
    "docs/threat-model.md": ATTACKS,
}
# In `code` spans: a test is `path::name`, a module is dotted and begins with a package of ours.
TEST = re.compile(r"`([\w/.-]+\.py)::([\w:]+)`")
MODULE = re.compile(
    r"`((?:oauth_kit|authstack|cimd_bridge|registrar|resource_server|demo_clients)\.[\w.]+)`"
)
NOT_YET = re.compile(r"not yet: \S")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a map, with what it names."""

    id: str
    text: str
    tests: tuple[tuple[str, str], ...]
    is_open: bool


def rows_of(families: dict[str, int]) -> list[str]:
    return [f"{family}{n + 1}" for family, count in families.items() for n in range(count)]


@cache
def read_map(document: str) -> tuple[Row, ...]:
    return tuple(
        Row(match[1], line, tuple(TEST.findall(line)), bool(NOT_YET.search(line)))
        for line in (ROOT / document).read_text("utf-8").splitlines()
        if (match := re.match(r"\| ([A-Z]+\d+) \|", line))
    )


@cache
def defined_in(path: Path) -> frozenset[str]:
    """The tests of a file: `name`, or `Class::name`."""
    return frozenset(names_in(ast.parse(path.read_text("utf-8")), ""))


def names_in(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from names_in(child, f"{prefix}{child.name}::")


def marked_rows(path: Path) -> Iterator[tuple[str, str]]:
    """Every row that a mark in the file names, with the test or class that carries the mark."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(".requirement"):
                for value in ast.walk(mark):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value, f"{path.relative_to(ROOT)}::{node.name}"


@cache
def all_marks() -> tuple[tuple[str, str], ...]:
    suites = (ROOT / "tests", ROOT / "localstack/tests")
    files = [path for suite in suites for path in sorted(suite.rglob("test_*.py"))]
    return tuple(mark for path in files for mark in marked_rows(path))


@pytest.mark.parametrize("document", MAPS)
def test_every_row_is_in_its_map_once_and_in_order(document: str) -> None:
    assert [row.id for row in read_map(document)] == rows_of(MAPS[document])


@pytest.mark.parametrize("document", MAPS)
def test_a_row_has_a_test_or_says_why_not_yet(document: str) -> None:
    assert [row.id for row in read_map(document) if not row.tests and not row.is_open] == []


@pytest.mark.parametrize("document", MAPS)
def test_the_tests_that_a_row_names_exist(document: str) -> None:
    missing = []
    for row in read_map(document):
        for file, name in row.tests:
            path = ROOT / "tests" / file
            if not path.is_file() or name not in defined_in(path):
                missing.append(f"{row.id}: {file}::{name}")
    assert missing == []


def test_the_modules_that_a_row_names_exist() -> None:
    sources = [*ROOT.glob("packages/*/src"), *ROOT.glob("services/*/src")]
    missing = []
    for row in read_map("docs/requirements.md"):
        for module in MODULE.findall(row.text):
            path = module.replace(".", "/")
            files = (f"{path}.py", f"{path}/__init__.py")
            if not any((source / file).is_file() for source in sources for file in files):
                missing.append(f"{row.id}: {module}")
        if row.tests and not MODULE.search(row.text):
            missing.append(f"{row.id}: no module")
    assert missing == []


def test_marks_name_rows_that_exist() -> None:
    known = {*rows_of(REQUIREMENTS), *rows_of(ATTACKS)}
    assert all_marks()
    assert [f"{row}: {where}" for row, where in all_marks() if row not in known] == []


def test_what_a_test_proves_is_not_called_open() -> None:
    """A row without any test in its map, though one carries its mark: the map is out of date."""
    open_rows = {row.id for document in MAPS for row in read_map(document) if not row.tests}
    assert [f"{row}: {where}" for row, where in all_marks() if row in open_rows] == []
