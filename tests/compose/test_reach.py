"""Wherever the issuer is, every service takes exactly what compose and `init` give it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from compose.containers import CLIENTS, SERVICES, System
from compose.test_compose_file import MODELS, config
from compose.test_init import contents, init

from oauth_kit.settings import ServiceSettings

__all__ = ["init"]

POOL = {
    "PROVIDER_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcDEF123",
    "PROVIDER_CLIENT_ID": "bridge",
}
REALM = {
    "PROVIDER": "keycloak",
    "PROVIDER_ISSUER": "https://idp.example/realms/company",
    "PROVIDER_CLIENT_ID": "bridge",
}
OIDC = {**REALM, "PROVIDER": "oidc", "PROVIDER_ISSUER": "https://idp.example"}
WORLD = {
    "ISSUER": "https://auth.example",
    "RESOURCE": "https://mcp.example/mcp",
    "REGISTRAR_URL": "https://auth.example",
}
PRODUCTION = {**WORLD, "ENVIRONMENT": "production"}
CHOICES = {
    "a laptop before Keycloak": ("keycloak", {}),
    "a laptop before the emulator": ("localstack", {}),
    "a laptop before a user pool": ("cognito", POOL),
    "a laptop in production": ("cognito", {**POOL, "ENVIRONMENT": "production"}),
    "the world before a user pool": ("cognito", PRODUCTION | POOL),
    "the world before a realm": ("", PRODUCTION | REALM),
    "the world before any provider": ("", PRODUCTION | OIDC),
    "the world without more": ("cognito", WORLD | POOL),
}
Told = Callable[[str, str, Mapping[str, str]], ServiceSettings]


@pytest.fixture
def told(engine: None, init: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A service's settings, read from its container's environment and what `init` left for it."""

    def read(service: str, profile: str, variables: Mapping[str, str]) -> ServiceSettings:
        services = config(System(profile), **variables)["services"]
        given = environment_in(services["init"], tmp_path)
        init.make_secrets(given)
        for name in init.OPERATOR_SECRETS:
            init.keep_operator_secret(name, "0123456789abcdef0123456789abcdef")
        init.tell_reach(given)
        init.choose_provider(init.chosen_profile(given), given)
        for name, value in environment_in(services[service], tmp_path / service).items():
            monkeypatch.setenv(name, value)
        return MODELS[service](_secrets_dir=str(tmp_path / service))

    for name in {name.upper() for model in MODELS.values() for name in model.model_fields}:
        monkeypatch.delenv(name, raising=False)
    return read


def environment_in(service: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """As the container sees it, with its volume in a folder of ours."""
    found = {name: value for name, value in service["environment"].items() if value is not None}
    return {name: value.replace("/run/authstack", str(folder)) for name, value in found.items()}


@pytest.mark.parametrize("service", [*SERVICES, *CLIENTS])
@pytest.mark.parametrize("choice", CHOICES)
def test_a_service_takes_what_it_is_given(told: Told, choice: str, service: str) -> None:
    settings = told(service, *CHOICES[choice])
    local = choice.startswith("a laptop")
    assert settings.issuer_is_loopback == local
    developing = local and not choice.endswith("production")
    assert settings.environment == ("development" if developing else "production")
    assert bool(settings.host_map) == (local and service != "registrar")
    found = settings.model_dump()
    assert found.get("cimd_allow_loopback", developing) == developing
    assert bool(found.get("demo_clients", developing)) == developing


def test_a_variable_overrides_what_follows(told: Told) -> None:
    hosts = "localhost:3003=elsewhere:3003"
    chosen = {"BRIDGE_HOST_MAP": hosts, "CIMD_ALLOW_LOOPBACK": "false"}
    settings = told("cimd-bridge", "keycloak", chosen).model_dump()
    assert (settings["host_map"], settings["cimd_allow_loopback"]) == (hosts, False)


def test_where_the_world_logs_in_no_demo_client_is_known(told: Told) -> None:
    for choice, known in {
        "a laptop before a user pool": 1,
        "the world before a user pool": 0,
    }.items():
        settings = told("cimd-bridge", *CHOICES[choice])
        assert len(settings.preregistered().clients) == known
        assert len(settings.preregistered().resource_servers) == 1


def test_redis_lets_the_services_at_the_keys_of_their_environment(
    init: ModuleType, tmp_path: Path
) -> None:
    world = {**WORLD, "PREREGISTERED_CLIENT_ID": "a", "PREREGISTERED_REDIRECT_URI": "https://b"}
    for environment, name in (
        (world, "production"),
        ({**world, "ENVIRONMENT": "development"}, "development"),
    ):
        init.make_secrets(environment)
        assert f"~mcp:{name}:grant:*" in contents(tmp_path)["redis/users.acl"]


def test_without_the_demo_clients_nothing_on_localhost_is_left(engine: None) -> None:
    system = System("cognito", files=("docker-compose.yml", "compose.production.yml"))
    services = config(system, **WORLD, **POOL)["services"]
    assert services.keys() == {*SERVICES, "redis", "init", "check"}
