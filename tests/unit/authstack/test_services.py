"""The table of the embedded stack."""

import pytest

from authstack.credentials import make_credentials
from authstack.layout import Layout
from authstack.services import FIXED, Service, embedded_services


def services(layout: Layout, **inherited: str) -> dict[str, Service]:
    return {service.name: service for service in embedded_services(layout, inherited)}


def test_real_aws_credentials_do_not_reach_any_service(layout: Layout) -> None:
    found = services(layout, AWS_ACCESS_KEY_ID="AKIAREAL", AWS_PROFILE="company", AWS_REGION="x")
    for service in found.values():
        assert "AKIAREAL" not in service.environment.values()
        assert "AWS_PROFILE" not in service.environment
    assert found["registrar"].environment["AWS_ACCESS_KEY_ID"] == "emulator"
    assert "AWS_ACCESS_KEY_ID" not in found["bridge"].environment


@pytest.mark.parametrize(
    "name", ["HTTP_PROXY", "https_proxy", "PYTHONPATH", "PYTHONHOME", "PROMETHEUS_MULTIPROC_DIR"]
)
def test_what_would_lead_a_service_astray_is_not_inherited(layout: Layout, name: str) -> None:
    for service in services(layout, **{name: "elsewhere"}).values():
        assert name not in service.environment


def test_no_secret_is_in_an_environment_or_on_a_command_line(layout: Layout) -> None:
    make_credentials(layout)
    secrets = [path.read_text() for path in layout.secrets.rglob("*") if path.is_file()]
    for service in embedded_services(layout, {}):
        visible = "\n".join([*service.environment.values(), *service.command])
        assert not [secret for secret in secrets if secret in visible]


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_says_which_process_this_is_cannot_be_overridden(layout: Layout, name: str) -> None:
    for service in services(layout, **{name: "overridden"}).values():
        assert service.environment.get(name) != "overridden"


@pytest.mark.parametrize(
    ("name", "value"),
    [("RATE_LIMITS", "off"), ("OUTBOUND_CA_FILE", "/ca.pem"), ("UPSTREAM_CLIENTS", "shared")],
)
def test_a_variable_of_the_caller_overrides_a_setting(
    layout: Layout, name: str, value: str
) -> None:
    for service in services(layout, **{name: value}).values():
        if service.name != "valkey":
            assert service.environment[name] == value


def test_every_service_listens_on_loopback_only(layout: Layout) -> None:
    for service in embedded_services(layout, {}):
        if service.ports:
            assert service.environment["BIND_HOST"] == "127.0.0.1"
            assert service.ready_address.startswith("http://127.0.0.1:")
        else:
            assert "--port 0" in " ".join(service.command)


def test_ports_and_public_urls_move_together(layout: Layout) -> None:
    moved = services(Layout(layout.data, 3000))
    bridge = moved["bridge"].environment
    assert (bridge["PORT"], bridge["ISSUER"]) == ("6004", "http://localhost:6004")
    assert moved["client-dynamic"].environment["PUBLIC_URL"] == "http://localhost:6002"
    assert moved["emulator"].environment["BRIDGE_CALLBACK_URL"] == "http://localhost:6004/callback"
    base = {port for service in embedded_services(layout, {}) for port in service.ports}
    assert base.isdisjoint(port for service in moved.values() for port in service.ports)


def test_registrations_are_in_the_emulators_dynamodb_unless_the_caller_wants_redis(
    layout: Layout,
) -> None:
    moved = services(Layout(layout.data, 3000), AWS_ENDPOINT_URL_DYNAMODB="https://aws.example")
    registrar = moved["registrar"].environment
    assert registrar["REGISTRATION_STORE"] == "dynamodb"
    assert registrar["AWS_ENDPOINT_URL_DYNAMODB"] == "http://127.0.0.1:7566"
    chosen = services(layout, REGISTRATION_STORE="redis")["registrar"].environment
    assert chosen["REGISTRATION_STORE"] == "redis"


def test_dependencies_are_services_of_the_stack(layout: Layout) -> None:
    found = services(layout)
    assert len(found) == 8
    assert all(service.after <= found.keys() for service in found.values())
