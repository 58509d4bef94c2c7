"""`authstack status`: every process, its address, and whether it is ready."""

import asyncio
import json
from dataclasses import dataclass

import typer

from authstack.layout import CLIENT_KINDS, Layout
from authstack.options import AsJson, DataDir, PortOffset, named_stack
from authstack.readiness import why_not_ready
from authstack.services import DEMO_PASSWORD, DEMO_USERNAME, Service, embedded_services
from authstack.state import StackState, supervisor_is_alive


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    name: str
    url: str
    pid: int | None
    not_ready: str | None
    """None when ready, else the reason."""


def status(
    as_json: AsJson = False, port_offset: PortOffset = None, data_dir: DataDir = None
) -> None:
    """Show every process of the stack; exit with 1 when there is none."""
    layout = named_stack(port_offset, data_dir)
    running = supervisor_is_alive(layout.lock_file)
    found = asyncio.run(service_statuses(layout))
    if as_json:
        print(json.dumps(as_record(layout, found), indent=2))
    elif running:
        print(as_table(found))
    if not running:
        typer.echo("authstack: nothing is running; `authstack up` starts it", err=True)
        raise typer.Exit(1)


async def service_statuses(layout: Layout) -> list[ServiceStatus]:
    state = StackState.read(layout.state_file)

    async def look(service: Service) -> ServiceStatus:
        identity = state.services.get(service.name) if state else None
        if state is None or identity is None or not identity.is_alive():
            how = state.ended.get(service.name) if state else None
            return ServiceStatus(service.name, service.url, None, how or "is not running")
        reason = await why_not_ready(service.ready_address)
        return ServiceStatus(service.name, service.url, identity.pid, reason)

    return await asyncio.gather(*(look(each) for each in embedded_services(layout, {})))


def as_record(layout: Layout, found: list[ServiceStatus]) -> dict[str, object]:
    return {
        "issuer": layout.url("bridge"),
        "resource": layout.resource,
        "registrar": layout.url("registrar"),
        "clients": {kind: layout.url(kind) for kind in CLIENT_KINDS},
        "demo_user": {"username": DEMO_USERNAME, "password": DEMO_PASSWORD},
        "services": {
            each.name: {"url": each.url, "pid": each.pid, "ready": each.not_ready is None}
            for each in found
        },
    }


def as_table(found: list[ServiceStatus]) -> str:
    width = max(len(each.name) for each in found)
    lines = [
        f"{each.name:{width}}  {each.pid or '-':>8}  "
        + (f"ready  {each.url}" if each.not_ready is None else each.not_ready)
        for each in found
    ]
    dead = [each.name for each in found if each.pid is None]
    if dead:
        lines.append(f"{', '.join(dead)} not running: `authstack up` starts what is missing")
    return "\n".join(lines)
