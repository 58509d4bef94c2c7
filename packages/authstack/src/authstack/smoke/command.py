"""`authstack smoke`: walk every flow of a deployment, three times, without a browser."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from authstack.errors import StackError
from authstack.layout import Layout
from authstack.options import AsJson, DataDir, PortOffset, named_stack
from authstack.progress import showing
from authstack.state import supervisor_is_alive

_EMBEDDED_REDIRECT_URI = "http://localhost:3000/callback"


def running_stack(port_offset: int | None, data_dir: Path | None) -> Layout:
    layout = named_stack(port_offset, data_dir)
    if not supervisor_is_alive(layout.lock_file):
        raise StackError(
            "nothing is running; `authstack up` starts it, --resource names another deployment, "
            "and `make smoke` walks the containers"
        )
    return layout


def smoke(
    as_json: AsJson = False,
    resource: Annotated[
        str | None, typer.Option(help="The MCP endpoint; the embedded stack's by default.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="Who logs in.")] = None,
    password: Annotated[
        str | None, typer.Option(help="The password.", envvar="AUTHSTACK_SMOKE_PASSWORD")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="The pre-registered client.")] = None,
    client_secret_file: Annotated[
        Path | None, typer.Option(help="A file that holds its secret.", exists=True)
    ] = None,
    redirect_uri: Annotated[
        str, typer.Option(help="A redirect URI of the pre-registered client.")
    ] = _EMBEDDED_REDIRECT_URI,
    client_metadata_url: Annotated[
        str | None, typer.Option(help="The client_id of a metadata document client.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Log in with a real browser, for other providers.")
    ] = False,
    ca_file: Annotated[
        Path | None,
        typer.Option(help="More certificate authorities.", envvar="OUTBOUND_CA_FILE", exists=True),
    ] = None,
    host_map: Annotated[
        str,
        typer.Option(help="Where names are found: host:port=host:port,…", envvar="HOST_MAP"),
    ] = "",
    port_offset: PortOffset = None,
    data_dir: DataDir = None,
) -> None:
    """Walk every flow as three clients do; exit with 1 if any step fails."""
    # Imported here, so that the other verbs start without an HTTP client.
    from authstack.smoke.deployment import Target, embedded_target, walk
    from authstack.smoke.report import all_passed, as_record, as_table
    from oauth_kit.outbound.host_map import HostMap

    try:
        HostMap.parse(host_map)
    except ValueError as error:
        raise StackError(f"--host-map: {error}") from error
    target = Target(
        resource or "",
        username,
        password,
        client_id,
        client_secret_file,
        redirect_uri,
        client_metadata_url,
        browser,
        ca_file,
        host_map,
    )
    if resource is None:
        target = embedded_target(running_stack(port_offset, data_dir), target)
    elif not browser and not (username and password):
        raise StackError("smoke needs --username and --password, or --browser")
    with showing([kind.kind for kind in target.kinds()], moving=not browser) as progress:
        reports = asyncio.run(walk(target, progress))
    if as_json:
        print(json.dumps(as_record(target.resource, reports), indent=2))
    else:
        print(as_table(reports))
    if not all_passed(reports):
        raise typer.Exit(1)
