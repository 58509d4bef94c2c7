"""`.env.example` names every variable, once, with its true default."""

import json
import re
from collections import Counter

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from authstack.layout import PROJECT
from cimd_bridge.settings import Settings as BridgeSettings
from demo_clients.settings import ClientSettings
from registrar.settings import Settings as RegistrarSettings
from resource_server.settings import ResourceSettings

MODELS: list[type[BaseSettings]] = [
    BridgeSettings,
    RegistrarSettings,
    ResourceSettings,
    ClientSettings,
]
ENTRIES = re.findall(
    r"^#([A-Z][A-Z_]*)=(.*)$", (PROJECT / ".env.example").read_text(), re.MULTILINE
)
WRITTEN = dict(ENTRIES)
COMPOSE_FILES = [
    PROJECT / name for name in ("docker-compose.yml", "compose.scale.yml", "compose.tls.yml")
]
EMULATOR_SETTINGS = PROJECT / "localstack/src/cognito_emulator/settings.py"

# A variable that two services read differently: .env.example gives the bridge's default.
SPECIAL = {"PORT": "", "REDIS_URL": "", "UPSTREAM_CLIENTS": "shared"}


def as_text(default: object) -> str:
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return " ".join(default)
        case dict():
            return json.dumps(default)
        case SecretStr():
            return default.get_secret_value()
        case _:
            return str(default)


def test_no_variable_is_listed_twice() -> None:
    assert [name for name, count in Counter(name for name, _ in ENTRIES).items() if count > 1] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__module__)
def test_every_variable_of_a_service_is_listed_with_its_default(model: type[BaseSettings]) -> None:
    expected = {}
    for name, field in model.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        expected[name.upper()] = SPECIAL.get(name.upper(), as_text(default))
    assert {name: WRITTEN.get(name) for name in expected} == expected


def test_every_variable_of_the_emulator_is_listed() -> None:
    read = set(re.findall(r'reader\.\w+\(\s*"([A-Z_]+)"', EMULATOR_SETTINGS.read_text()))
    assert read
    assert read - WRITTEN.keys() == set()


def test_nothing_is_listed_that_nobody_reads() -> None:
    known = {name.upper() for model in MODELS for name in model.model_fields}
    known |= set(re.findall(r'"([A-Z_]+)"', EMULATOR_SETTINGS.read_text())) | {"SECRETS_DIR"}
    for file in COMPOSE_FILES:
        known |= set(re.findall(r"\$\{([A-Z_]+)\b", file.read_text()))
    assert WRITTEN.keys() - known == set()
