"""The lock files: what they are made from, how they are made, and whether they are still fresh.

Run as a script with nothing but the standard library: `locks.py check`, or `locks.py write UV …`.
Each lock begins with a hash of its inputs, so that a stale one is found without a network.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[4]
MARK = "# inputs sha256:"
DEVELOPMENT_GROUP = "dev"

_UV_OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-header", "--quiet"),
)
_RELEVANT_PROJECT_MEMBERS = ("requires-python", "dependencies", "optional-dependencies")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file. Paths are relative to the project."""

    path: str
    projects: tuple[str, ...]
    """Folders of the `pyproject.toml`s whose requirements it pins."""
    constraint: str | None = None
    members: tuple[str, ...] = ()
    """Packages of ours: never pinned, installed from their folders."""


def all_locks(project: Path) -> tuple[Lock, ...]:
    """The workspace's lock first: the services' locks are held to its versions."""
    packages, services = _folders(project, "packages"), _folders(project, "services")
    members = tuple(_name(project / folder) for folder in (*packages, *services))
    kit = "packages/oauth-kit"
    return (
        Lock("requirements.lock", (".", *packages, *services), members=members),
        *(
            Lock(
                f"{service}/requirements.lock",
                (service, kit),
                constraint="requirements.lock",
                members=members,
            )
            for service in services
        ),
        Lock("localstack/requirements.lock", ("localstack",)),
    )


def _folders(project: Path, parent: str) -> tuple[str, ...]:
    found = (project / parent).glob("*/pyproject.toml")
    return tuple(sorted(path.parent.relative_to(project).as_posix() for path in found))


def _read(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def _name(folder: Path) -> str:
    return str(_read(folder)["project"]["name"])


def hash_of_inputs(project: Path, lock: Lock) -> str:
    """Changes with what the resolution depends on, not with a linter's settings."""
    digest = hashlib.sha256()
    for folder in lock.projects:
        document = _read(project / folder)
        table = document.get("project", {})
        inputs = {
            "project": {name: table[name] for name in _RELEVANT_PROJECT_MEMBERS if name in table},
            "groups": document.get("dependency-groups", {}),
        }
        digest.update(json.dumps([folder, inputs], sort_keys=True).encode())
    if lock.constraint:
        digest.update((project / lock.constraint).read_bytes())
    return digest.hexdigest()


def stale_locks(project: Path) -> list[str]:
    """The paths of the locks that are missing or made from other inputs than today's."""
    return [
        lock.path
        for lock in all_locks(project)
        if recorded_hash(project / lock.path) != hash_of_inputs(project, lock)
    ]


def recorded_hash(lock_file: Path) -> str | None:
    try:
        first, _, _ = lock_file.read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return None
    return first.removeprefix(MARK) if first.startswith(MARK) else None


def write_locks(project: Path, uv: str, options: Sequence[str]) -> None:
    """Resolve anew, keeping the pins that still fit. `options` go to uv, `--upgrade` for one."""
    for lock in all_locks(project):
        _compile(project, uv, lock, options)
        target = project / lock.path
        resolved = target.read_text(encoding="utf-8")
        body = resolved.partition("\n")[2] if resolved.startswith(MARK) else resolved
        target.write_text(f"{MARK}{hash_of_inputs(project, lock)}\n{body}", encoding="utf-8")


def _compile(project: Path, uv: str, lock: Lock, options: Sequence[str]) -> None:
    command = [uv, "pip", "compile", *_UV_OPTIONS, *options, "--output-file", lock.path]
    for member in lock.members:
        command += ["--no-emit-package", member]
    if lock.constraint:
        command += ["--constraint", lock.constraint]
    for folder in lock.projects:
        if DEVELOPMENT_GROUP in _read(project / folder).get("dependency-groups", {}):
            command += ["--group", f"{folder}/pyproject.toml:{DEVELOPMENT_GROUP}"]
    command += [f"{folder}/pyproject.toml" for folder in lock.projects]
    subprocess.run(command, cwd=project, check=True)  # noqa: S603 -- the uv that make names


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["check"]:
            stale = stale_locks(PROJECT)
            for path in stale:
                print(f"{path} is stale: run `make lock`", file=sys.stderr)
            return 1 if stale else 0
        case ["write", uv, *options]:
            write_locks(PROJECT, uv, options)
            return 0
        case _:
            print("usage: locks.py check | write UV [OPTION …]", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
