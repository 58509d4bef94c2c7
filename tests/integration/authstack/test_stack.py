"""The whole stack under its supervisor: what `up`, `status`, `restart`, `down` and `smoke` promise.

One stack is shared; a test that kills something starts it again.
"""

import json
import signal
import stat
from pathlib import Path

import pytest
from fakes.stack_command import Command

from authstack.leftovers import all_gone

SERVICES = {
    "valkey",
    "emulator",
    "registrar",
    "bridge",
    "resource",
    "client-preregistered",
    "client-dynamic",
    "client-metadata-document",
}


def assert_smoke_passes(stack: Command) -> None:
    walked = stack.run("smoke", "--json")
    assert walked.returncode == 0, walked.stdout + walked.stderr
    report = json.loads(walked.stdout)
    outcomes = {step["outcome"] for steps in report["clients"].values() for step in steps}
    assert report["ok"] is True
    assert outcomes == {"passed"}
    assert set(report["clients"]) == {"preregistered", "dynamic", "metadata_document"}


def test_status_describes_a_stack_that_is_ready(stack: Command) -> None:
    found = stack.status()
    assert found["issuer"] == "http://localhost:13004"
    assert found["resource"] == "http://localhost:13001/mcp"
    assert found["registrar"] == "http://localhost:13005"
    assert set(found["services"]) == SERVICES
    assert all(service["ready"] and service["pid"] for service in found["services"].values())


def test_every_flow_passes_without_a_browser(stack: Command) -> None:
    assert_smoke_passes(stack)


def test_a_second_up_says_that_there_is_nothing_to_do(stack: Command) -> None:
    before = stack.identities()
    for verb in (("up",), ("up", "--detach")):
        again = stack.run(*verb)
        assert again.returncode == 0
        assert "nothing to do" in again.stdout
    assert stack.identities() == before


def test_nobody_else_can_read_what_the_stack_keeps(stack: Command) -> None:
    folders = [stack.data, *(path for path in stack.data.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders if path.parent == stack.data} == {
        0o700
    }
    files = [path for path in stack.data.rglob("*") if path.is_file()]
    assert [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_killed_service_is_named_and_up_starts_it_again(stack: Command, name: str) -> None:
    before = stack.identities()
    before[name].send(signal.SIGKILL)
    assert all_gone([before[name]], 10)

    assert f"{name} not running" in stack.run("status").stdout
    shown = stack.status()["services"][name]
    assert (shown["pid"], shown["ready"]) == (None, False)
    others = {each: identity for each, identity in before.items() if each != name}
    assert {each: stack.identities()[each] for each in others} == others

    started = stack.run("up")
    assert (started.returncode, started.stdout.strip()) == (0, f"authstack: started {name}")
    assert {each: stack.identities()[each] for each in others} == others
    assert "killed by SIGKILL; the others go on" in (stack.data / "logs/supervisor.log").read_text()


def test_every_flow_passes_after_each_service_was_killed_once(stack: Command) -> None:
    assert_smoke_passes(stack)


def test_restart_changes_one_process_only(stack: Command) -> None:
    before = stack.identities()
    restarted = stack.run("restart", "registrar")
    assert (restarted.returncode, restarted.stdout.strip()) == (0, "authstack: started registrar")
    after = stack.identities()
    assert after.pop("registrar") != before.pop("registrar")
    assert after == before


def test_a_service_that_nobody_knows_is_refused_in_one_line(stack: Command) -> None:
    refused = stack.run("restart", "nonsense")
    assert refused.returncode == 1
    assert refused.stderr.startswith("authstack: there is no service 'nonsense'; there are valkey")
    assert refused.stderr.count("\n") == 1


def test_the_same_folder_cannot_run_twice_with_other_ports(stack: Command) -> None:
    refused = Command(stack.data, 11_000).run("up", "--detach")
    assert refused.returncode == 1
    assert "a stack with --port-offset 10000 is running" in refused.stderr


def test_a_port_in_use_is_one_line_and_leaves_nothing_running(
    stack: Command, new_folder: Path
) -> None:
    second = Command(new_folder, stack.port_offset)
    for verb in (("up",), ("up", "--detach")):
        refused = second.run(*verb)
        assert refused.returncode == 1
        assert refused.stderr.startswith("authstack: port 14566 (emulator) is in use")
        assert refused.stderr.count("\n") == 1
    assert not (second.data / "state.json").exists()
    assert not list((second.data / "logs").glob("valkey.log"))


def test_logs_are_those_of_one_service_or_of_all(stack: Command) -> None:
    one = stack.run("logs", "bridge")
    assert '"event": "serving"' in one.stdout
    assert "bridge " not in one.stdout.partition("\n")[0]
    everything = stack.run("logs").stdout
    for name in SERVICES:
        assert f"\n{name:24} | " in "\n" + everything
