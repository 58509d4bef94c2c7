"""Documentation that can be followed: links, the store's keys, and no traces of any machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

# In pieces, so that this file does not contain what it looks for.
FOREIGN = re.compile(
    "|".join(
        (
            *(rf"(?<![\w.])/{folder}/" for folder in ("work", "home/[a-z]+", "root")),
            "/opt/" + "wheels",
            "files" + r"\.pythonhosted\.org",
            "pypi" + r"\.org",
            "registry" + r"\.npmjs\.org",
        )
    )
)


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, also those that are about to be added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


def links_of(path: Path) -> Iterator[str]:
    prose = FENCE.sub("", path.read_text("utf-8"))
    for target in LINK.findall(prose):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors_of(path: Path) -> set[str]:
    """Headings as forges make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_relative_links_lead_somewhere() -> None:
    documents = tracked("*.md")
    assert len(documents) > 10
    broken = []
    for document in documents:
        for target in links_of(document):
            file, _, anchor = target.partition("#")
            path = document.parent / file if file else document
            if not path.exists() or (anchor and anchor not in anchors_of(path)):
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert broken == []


def nouns_in(path: Path) -> Iterator[str]:
    """Nouns spelt out in place: `keyspace.key("noun", …)`, `store.key(…)`, `self._key(…)`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("key", "_key")
            and re.search(r"(keyspace|store|self)$", ast.unparse(node.func.value))
            and node.args
        ):
            noun = node.args[0]
            if isinstance(noun, ast.Constant):
                yield str(noun.value)


def test_every_key_of_the_store_is_documented() -> None:
    nouns = {
        noun: path.relative_to(ROOT)
        for path in tracked("packages/*.py", "services/*.py")
        for noun in nouns_in(path)
    }
    assert {"client", "grant", "rate", "session"} <= nouns.keys()
    table = re.findall(
        r"^\| (`.*?) \|", (ROOT / "docs/storage.md").read_text("utf-8"), re.MULTILINE
    )
    documented = {noun for cell in table for noun in re.findall(r"`([\w{}-]+)[:`]", cell)}
    assert [f"{noun} of {path}" for noun, path in nouns.items() if noun not in documented] == []


def test_the_rights_at_dynamodb_are_those_that_are_used() -> None:
    """In the documented policy, in the code, and in what the emulator lets through."""
    documented = re.findall(r'"dynamodb:(\w+)"', (ROOT / "docs/storage.md").read_text("utf-8"))
    table = ROOT / "services/registrar/src/registrar/registrations/table.py"
    called = re.findall(r'(?:_call|_succeeds)\(\s*"(\w+)"', table.read_text("utf-8"))
    rule = ROOT / "localstack/src/cognito_emulator/api/registration_table.py"
    (allowed,) = re.findall(
        r"^REGISTRARS = frozenset\((.*)\)$", rule.read_text("utf-8"), re.MULTILINE
    )
    assert len(documented) == 5
    assert sorted(documented) == sorted(name.title().replace("_", "") for name in called)
    assert sorted(documented) == sorted(ast.literal_eval(allowed))


def test_every_decision_has_a_number_of_its_own() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("section", ["## Context", "## Decision", "## Consequences"])
def test_a_decision_says_why_what_and_what_follows(section: str) -> None:
    decisions = sorted((ROOT / "docs/adr").glob("*.md"))
    assert [path.name for path in decisions if section not in path.read_text("utf-8")] == []


def test_no_file_tells_of_a_machine_or_a_mirror() -> None:
    told = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if FOREIGN.search(line):
                told.append(f"{path.relative_to(ROOT)}:{number}")
    assert told == []
