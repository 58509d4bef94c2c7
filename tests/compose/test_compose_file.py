"""The compose files by themselves: valid, and handing on exactly what the services read."""

import json
import re
from typing import Any

import pytest
from compose.containers import CLIENTS, PROJECT, SERVICES, System
from pydantic_settings import BaseSettings

from cimd_bridge.settings import Settings as BridgeSettings
from demo_clients.settings import ClientSettings
from registrar.settings import Settings as RegistrarSettings
from resource_server.settings import ResourceSettings

PROFILES = ("keycloak", "localstack", "cognito")
MODELS: dict[str, type[BaseSettings]] = {
    "registrar": RegistrarSettings,
    "cimd-bridge": BridgeSettings,
    "resource": ResourceSettings,
    **dict.fromkeys(CLIENTS, ClientSettings),
}
OF_GUNICORN = {"WEB_CONCURRENCY", "INTERNAL_HOST"}
OF_THE_AWS_SDK = {"AWS_SHARED_CREDENTIALS_FILE"}
SET_BY_NOBODY = {
    "bind_host",  # gunicorn.conf.py says where each socket is bound
    "outbound_ca_file",  # a file that has to be mounted first
    "bridge_callback_url",  # follows from ISSUER
    "client_name",
    "contexts_url",
    "preregistered_issuer",
}
FROM_FILES = {"redis_url", "provider_file"}


def secret_settings(model: type[BaseSettings]) -> set[str]:
    return {
        name for name, field in model.model_fields.items() if "SecretStr" in str(field.annotation)
    }


def config(system: System, **environment: str) -> dict[str, Any]:
    shown = system.compose("config", "--format", "json", environment=environment).stdout
    read: dict[str, Any] = json.loads(shown)
    return read


def test_the_variant_on_https_is_valid_and_has_one_client(engine: None) -> None:
    system = System("keycloak").on_https()
    services = config(system)["services"]
    one_shots = {"init", "check", "certificates"}
    assert services.keys() == {*SERVICES, *system.clients, *one_shots, "redis", "caddy", "keycloak"}
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"caddy"}


@pytest.mark.parametrize("service", [*SERVICES, "client-metadata", "init", "keycloak"])
def test_the_variant_on_https_names_nothing_on_localhost(engine: None, service: str) -> None:
    found = config(System("keycloak").on_https())["services"][service]["environment"]
    on_localhost = {name for name, value in found.items() if "localhost" in (value or "")}
    assert on_localhost - {"PREREGISTERED_REDIRECT_URI"} == set()


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_valid_for_each_profile(engine: None, profile: str, scaled: bool) -> None:
    system = System(profile).scaled() if scaled else System(profile)
    services = config(system)["services"]
    assert {*SERVICES, *CLIENTS, "redis", "init", "check"} <= services.keys()
    assert services.keys() & {"keycloak", "localstack"} == {profile} - {"cognito"}
    assert ("caddy" in services) == scaled


@pytest.mark.requirement("OP3")
def test_scaled_bridges_believe_their_proxy_and_nobody_else(engine: None) -> None:
    """One address, on a network that nobody but Caddy and the bridges is on."""
    services = config(System("keycloak").scaled())["services"]
    (address,) = services["caddy"]["networks"].values()
    believed = services["cimd-bridge"]["environment"]["TRUSTED_PROXIES"]
    assert address == {"ipv4_address": believed}
    (shared,) = services["caddy"]["networks"]
    assert {n for n, s in services.items() if shared in (s.get("networks") or {})} == {
        "caddy",
        "cimd-bridge",
    }


@pytest.mark.parametrize("system", [System("keycloak").scaled(), System("keycloak").on_https()])
def test_every_log_is_bounded(engine: None, system: System) -> None:
    for service in config(system)["services"].values():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


def test_the_example_chooses_keycloak() -> None:
    example = (PROJECT / ".env.example").read_text()
    assert re.findall(r"^[A-Z].*", example, re.MULTILINE) == ["COMPOSE_PROFILES=keycloak"]


@pytest.mark.parametrize("service", MODELS)
def test_every_setting_of_a_service_is_handed_on(engine: None, service: str) -> None:
    """All but secrets; `set` gives each variable a value, so that those without one show."""
    fields = MODELS[service].model_fields
    given = {name.upper(): "1" for name in fields}
    found = config(System("localstack"), **given)["services"][service]["environment"]
    secrets = secret_settings(MODELS[service])
    fixed = {"client_kind", "public_url", "preregistered_clients_file"}
    wanted = {name.upper() for name in fields.keys() - secrets - SET_BY_NOBODY - FROM_FILES - fixed}
    optional = {"INTERNAL_PORT", "HOST_MAP", "PREREGISTERED_CLIENT_ID"}
    assert wanted - found.keys() - optional == set()
    known = {name.upper() for name in fields} | OF_GUNICORN | OF_THE_AWS_SDK | {"SECRETS_DIR"}
    assert found.keys() - known == set()


@pytest.mark.parametrize("profile", PROFILES)
def test_no_variable_of_any_container_is_a_secrets(engine: None, profile: str) -> None:
    names = {name for model in MODELS.values() for name in secret_settings(model)}
    secrets = {name.upper(): "a-secret-value" for name in names}
    assert len(secrets) >= 7
    assert "a-secret-value" not in json.dumps(config(System(profile), **secrets))
