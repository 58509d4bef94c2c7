"""What `status` and `up` print."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from authstack.__main__ import app
from authstack.layout import Layout
from authstack.processes import ProcessIdentity
from authstack.state import StackState, SupervisorLock
from authstack.status import ServiceStatus, as_table
from authstack.welcome import welcome

run = CliRunner().invoke


def test_a_stack_that_is_not_running_is_described_all_the_same(tmp_path: Path) -> None:
    result = run(app, ["status", "--json", "--data-dir", str(tmp_path), "--port-offset", "2000"])
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert set(found) == {
        "issuer",
        "resource",
        "registrar",
        "clients",
        "demo_user",
        "services",
    }
    assert found["issuer"] == "http://localhost:5004"
    assert found["resource"] == "http://localhost:5001/mcp"
    assert found["clients"] == {
        "preregistered": "http://localhost:5000",
        "dynamic": "http://localhost:5002",
        "metadata_document": "http://localhost:5003",
    }
    assert found["demo_user"] == {"username": "demo@example.com", "password": "Demo-Passw0rd-1!"}
    assert found["services"]["bridge"] == {
        "url": "http://localhost:5004",
        "pid": None,
        "ready": False,
    }
    assert len(found["services"]) == 8


def test_looking_at_a_stack_makes_no_folder(tmp_path: Path) -> None:
    for verb in ("status", "down", "logs"):
        run(app, [verb, "--data-dir", str(tmp_path / "nowhere")])
    assert not (tmp_path / "nowhere").exists()


def test_a_running_stack_is_found_by_its_folder_and_knows_its_offset(layout: Layout) -> None:
    lock = SupervisorLock.acquire(layout.lock_file)
    assert lock is not None
    state = StackState(
        port_offset=20000,
        supervisor=ProcessIdentity.mine(),
        services={"valkey": ProcessIdentity.mine(), "bridge": ProcessIdentity(os.getpid(), "no")},
        ended={"bridge": "was killed by SIGKILL"},
    )
    state.write(layout.state_file)
    result = run(app, ["status", "--json", "--data-dir", str(layout.data)])
    lock.release()
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["issuer"] == "http://localhost:23004"
    assert found["services"]["valkey"]["pid"] == os.getpid()
    assert found["services"]["bridge"]["pid"] is None


def test_the_table_names_what_is_dead_and_how_it_ended() -> None:
    table = as_table(
        [
            ServiceStatus("bridge", "http://localhost:3004", None, "was killed by SIGKILL"),
            ServiceStatus("resource", "http://localhost:3001", 42, "no signing keys"),
            ServiceStatus("registrar", "http://localhost:3005", 43, None),
        ]
    )
    lines = table.splitlines()
    assert lines[0].split() == ["bridge", "-", "was", "killed", "by", "SIGKILL"]
    assert lines[1].split() == ["resource", "42", "no", "signing", "keys"]
    assert lines[2].split() == ["registrar", "43", "ready", "http://localhost:3005"]
    assert lines[3].startswith("bridge not running: `authstack up`")


@pytest.mark.parametrize("detached", [True, False])
def test_the_welcome_says_where_who_and_how_to_end(layout: Layout, detached: bool) -> None:
    text = welcome(Layout(layout.data, 1000), {}, 5, detached=detached)
    for port in (4000, 4001, 4002, 4003, 4004):
        assert f"http://localhost:{port}" in text
    assert "demo@example.com" in text
    assert ("down --port-offset 1000" in text) is detached
    assert ("Ctrl-C ends everything" in text) is not detached


def test_rate_limits_that_are_off_are_said_in_so_many_words(layout: Layout) -> None:
    off = welcome(layout, {"RATE_LIMITS": "off"}, 5, detached=False)
    assert "rate limits are off" in off
    assert "rate limits" not in welcome(layout, {"RATE_LIMITS": "on"}, 5, detached=False)


def test_the_log_of_a_service_that_nobody_knows_is_one_line(layout: Layout) -> None:
    result = run(app, ["logs", "nonsense", "--data-dir", str(layout.data)])
    assert str(result.exception).startswith("there is no log of 'nonsense'")


def test_a_stack_that_is_not_running_cannot_restart_a_service(layout: Layout) -> None:
    result = run(app, ["restart", "bridge", "--data-dir", str(layout.data)])
    assert str(result.exception) == "nothing is running; `authstack up` starts it"
