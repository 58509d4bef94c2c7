"""docs/operations.md names every variable once, with its true default and those who read it."""

import re
from collections.abc import Mapping

import pytest
from pydantic_settings import BaseSettings

from authstack.layout import PROJECT
from cimd_bridge.settings import Settings as BridgeSettings
from demo_clients.settings import ClientSettings
from oauth_kit.settings import ServiceSettings
from registrar.settings import Settings as RegistrarSettings
from resource_server.settings import ResourceSettings

MODELS: Mapping[str, type[BaseSettings]] = {
    "B": BridgeSettings,
    "G": RegistrarSettings,
    "R": ResourceSettings,
    "C": ClientSettings,
}
ROWS = re.findall(
    r"^\| `([A-Z][A-Z_]+)` \| (.*?) \| ([BGRC]+) \| (.+) \|$",
    (PROJECT / "docs/operations.md").read_text(),
    re.MULTILINE,
)
EXAMPLE = dict(
    re.findall(r"^#?([A-Z][A-Z_]*)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE)
)
OTHER_ROWS = re.findall(
    r"^\| `([A-Z][A-Z_]+)` \|(?: `([^`|]*)`)? \|[^|]*\|$",
    (PROJECT / "docs/operations.md").read_text().partition("### Compose\n")[2],
    re.MULTILINE,
)
COMPOSE_FILES = (*PROJECT.glob("compose*.yml"), PROJECT / "docker-compose.yml")


def test_every_variable_is_there_once_with_who_reads_it() -> None:
    readers: dict[str, str] = {}
    for service, model in MODELS.items():
        for name in model.model_fields:
            readers[name.upper()] = readers.get(name.upper(), "") + service
    assert sorted(name for name, *_ in ROWS) == sorted(readers)
    assert {name: who for name, _, who, _ in ROWS} == readers


def test_every_default_is_that_of_the_example() -> None:
    told = {name: default.strip().strip("`") for name, default, _, _ in ROWS}
    assert told == {name: EXAMPLE[name] for name in told}


def test_what_the_services_do_not_read_is_there_too() -> None:
    """Variables of the compose files, of gunicorn.conf.py and of the emulator."""
    compose = "".join(file.read_text() for file in COMPOSE_FILES)
    gunicorn = (PROJECT / "gunicorn.conf.py").read_text()
    read = {
        *re.findall(r"\$\{([A-Z][A-Z_]*)", compose),
        *re.findall(r"os\.environ(?:\.get\(|\[)[\"']([A-Z_]+)", gunicorn),
        *EXAMPLE,
    }
    of_services = {name.upper() for model in MODELS.values() for name in model.model_fields}
    assert sorted(name for name, _ in OTHER_ROWS) == sorted(read - of_services)
    interpolated = dict(re.findall(r"\$\{([A-Z][A-Z_]*):-([^}]+)\}", compose))
    for name, default in OTHER_ROWS:
        assert default == EXAMPLE.get(name, "")
        assert default == interpolated.get(name, default)


@pytest.mark.parametrize("service", MODELS)
def test_every_service_reads_its_variables_by_the_same_rules(service: str) -> None:
    """An empty one counts as unset; what stands in a wrong one is not shown."""
    assert MODELS[service].model_config == ServiceSettings.model_config


def test_secrets_are_marked() -> None:
    marked = {name for name, *_, meaning in ROWS if "🔒" in meaning}
    assert marked == {
        name.upper()
        for model in MODELS.values()
        for name, field in model.model_fields.items()
        if "SecretStr" in str(field.annotation) or name == "redis_url"
    }
