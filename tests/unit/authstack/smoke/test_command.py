"""The options of `authstack smoke`."""

from pathlib import Path

from typer.testing import CliRunner

from authstack.__main__ import app
from authstack.credentials import preregistered_secret_file
from authstack.layout import Layout
from authstack.smoke.deployment import Target, embedded_target
from authstack.smoke.identity import Dynamic, MetadataDocument, Preregistered
from authstack.smoke.report import ClientReport

NO_OPTIONS = Target("", None, None, None, None, "http://localhost:3000/callback", None, False, None)


def test_without_options_all_three_clients_of_the_embedded_stack_are_walked() -> None:
    layout = Layout(Path("/srv/stack"), 1000)
    target = embedded_target(layout, NO_OPTIONS)
    assert target.resource == "http://localhost:4001/mcp"
    assert target.kinds() == [
        Preregistered(
            "demo-preregistered",
            preregistered_secret_file(layout),
            "http://localhost:4000/callback",
        ),
        Dynamic(),
        MetadataDocument("http://localhost:4003/client-metadata.json"),
    ]


def test_another_deployment_skips_what_it_was_not_told_and_says_so() -> None:
    first, second, third = NO_OPTIONS.kinds()
    assert isinstance(first, ClientReport)
    assert first.steps[0].detail == "needs --client-id and --client-secret-file"
    assert second == Dynamic()
    assert isinstance(third, ClientReport)
    assert third.steps[0].detail == "needs --client-metadata-url"


def test_another_deployment_needs_somebody_who_logs_in() -> None:
    result = CliRunner().invoke(app, ["smoke", "--resource", "https://mcp.example/mcp"])
    assert str(result.exception) == "smoke needs --username and --password, or --browser"


def test_a_host_map_that_cannot_be_read_is_told() -> None:
    result = CliRunner().invoke(app, ["smoke", "--host-map", "auth.example=127.0.0.1"])
    assert str(result.exception) == "--host-map: each pair is written host:port=host:port"


def test_without_a_running_stack_there_is_nothing_to_walk(layout: Layout) -> None:
    result = CliRunner().invoke(app, ["smoke", "--data-dir", str(layout.data)])
    assert str(result.exception).startswith("nothing is running; `authstack up` starts it")


def test_a_deployment_that_is_not_there_fails() -> None:
    arguments = ["smoke", "--json", "--resource", "http://localhost:59001/mcp"]
    person = ["--username", "somebody", "--password", "anything"]
    result = CliRunner().invoke(app, arguments + person)
    assert result.exit_code == 1
    assert '"ok": false' in result.stdout
