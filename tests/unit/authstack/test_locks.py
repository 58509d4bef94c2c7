"""The lock files: fresh, complete, and without addresses."""

import re
import shutil
from pathlib import Path

import pytest

from authstack.locks import PROJECT, all_locks, hash_of_inputs, main, stale_locks

LOCKS = {lock.path: lock for lock in all_locks(PROJECT)}


def test_no_lock_is_stale() -> None:
    assert stale_locks(PROJECT) == [], "run `make lock`"


def test_every_project_has_a_lock() -> None:
    services = {path.parent.name for path in (PROJECT / "services").glob("*/pyproject.toml")}
    assert set(LOCKS) == {
        "requirements.lock",
        "localstack/requirements.lock",
        *(f"services/{name}/requirements.lock" for name in services),
    }


@pytest.mark.parametrize("path", sorted(LOCKS))
def test_a_lock_names_no_address_and_every_pin_has_a_hash(path: str) -> None:
    text = (PROJECT / path).read_text()
    assert "://" not in text
    assert str(PROJECT) not in text
    pins = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert pins
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize("path", sorted(LOCKS))
def test_no_package_of_ours_is_pinned(path: str) -> None:
    text = (PROJECT / path).read_text()
    assert not [name for name in LOCKS[path].members if re.search(rf"^{name}\b", text, re.M)]


def test_the_bridge_gets_no_aws_library() -> None:
    assert "\nboto3==" not in (PROJECT / "services/cimd-bridge/requirements.lock").read_text()
    assert "\nboto3==" in (PROJECT / "services/registrar/requirements.lock").read_text()


def test_services_run_the_versions_that_were_tested() -> None:
    pin = re.compile(r"^([a-z0-9._-]+==[^ ;]+)", re.MULTILINE)
    tested = set(pin.findall((PROJECT / "requirements.lock").read_text()))
    for path, lock in LOCKS.items():
        if lock.constraint:
            assert set(pin.findall((PROJECT / path).read_text())) <= tested


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's metadata and locks, to be changed."""
    for pattern in ("*.toml", "*/*/pyproject.toml", "localstack/pyproject.toml", "**/*.lock"):
        for found in PROJECT.glob(pattern):
            if ".venv" not in found.parts and ".authstack" not in found.parts:
                target = tmp_path / found.relative_to(PROJECT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, target)
    return tmp_path


def test_a_new_requirement_makes_its_locks_stale(copy: Path) -> None:
    project = copy / "services/registrar/pyproject.toml"
    project.write_text(project.read_text().replace('"gunicorn"', '"gunicorn>=99"'))
    assert stale_locks(copy) == ["requirements.lock", "services/registrar/requirements.lock"]


def test_a_change_of_the_first_lock_makes_the_services_locks_stale(copy: Path) -> None:
    lock = copy / "requirements.lock"
    lock.write_text(lock.read_text() + "\n")
    services = {path for path, each in LOCKS.items() if each.constraint}
    assert set(stale_locks(copy)) == services


def test_a_change_of_a_tools_settings_does_not(copy: Path) -> None:
    project = copy / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 100", "line-length = 99"))
    assert stale_locks(copy) == []


def test_a_missing_lock_is_stale(copy: Path) -> None:
    (copy / "localstack/requirements.lock").unlink()
    assert stale_locks(copy) == ["localstack/requirements.lock"]


def test_the_hash_does_not_depend_on_where_the_project_is(copy: Path) -> None:
    lock = LOCKS["requirements.lock"]
    assert hash_of_inputs(copy, lock) == hash_of_inputs(PROJECT, lock)


def test_the_check_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert main(["nonsense"]) == 2
    assert "usage" in capsys.readouterr().err
