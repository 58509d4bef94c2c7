"""The one-shot that makes what the services need: what it refuses, and what it makes."""

import importlib.util
import os
import re
import stat
from pathlib import Path
from types import ModuleType

import pytest
from compose.containers import PROJECT

from cimd_bridge.preregistered import load_preregistered
from oauth_kit.crypto.key_ring import KeyRing
from oauth_kit.rules.client_authentication import secret_matches
from oauth_kit.rules.client_metadata import MetadataPolicy

ENVIRONMENT = {
    "COMPOSE_PROFILES": "localstack",
    "ISSUER": "http://localhost:3004",
    "RESOURCE": "http://localhost:3001/mcp",
    "PREREGISTERED_CLIENT_ID": "demo-preregistered",
    "PREREGISTERED_REDIRECT_URI": "http://localhost:3000/callback",
}


@pytest.fixture
def init(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The program, with volumes in a folder of ours and groups that are ours."""
    spec = importlib.util.spec_from_file_location("compose_init", PROJECT / "compose" / "init.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VOLUMES", tmp_path)
    monkeypatch.setattr(module, "SERVICE_GROUP", os.getgid())
    monkeypatch.setattr(module, "GROUPS", dict.fromkeys(module.GROUPS, os.getgid()))
    for name in (*module.SERVICES, *module.GROUPS, module.PROVIDER):
        (tmp_path / name).mkdir()
    module.prepare_volumes()
    return module


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize(
    ("profiles", "provider", "complaint"),
    [
        ("", "", "COMPOSE_PROFILES is not set: write one of keycloak, localstack, cognito"),
        (" , ", "", "COMPOSE_PROFILES is not set"),
        ("", "cognito", "COMPOSE_PROFILES is not set"),
        ("dynamo", "", "names dynamo, which is no profile"),
        ("keycloak,*", "", r"names \*, which is no profile"),
        ("keycloak,localstack", "", "keycloak and localstack: choose one"),
        ("localstack", "keycloak", "PROVIDER=keycloak contradicts COMPOSE_PROFILES=localstack"),
        ("cognito", "oidc", "PROVIDER=oidc contradicts COMPOSE_PROFILES=cognito"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(
    init: ModuleType, profiles: str, provider: str, complaint: str
) -> None:
    with pytest.raises(init.Refusal, match=complaint):
        init.chosen_profile({"COMPOSE_PROFILES": profiles, "PROVIDER": provider})


@pytest.mark.parametrize(
    ("profiles", "provider", "profile"),
    [
        ("keycloak", "", "keycloak"),
        (" localstack ", "cognito", "localstack"),
        ("keycloak", "oidc", "keycloak"),
        ("cognito", "", "cognito"),
        ("", "oidc", ""),
        ("", "keycloak", ""),
    ],
)
def test_one_profile_is_chosen(
    init: ModuleType, profiles: str, provider: str, profile: str
) -> None:
    chosen = {"COMPOSE_PROFILES": profiles, "PROVIDER": provider}
    assert init.chosen_profile(chosen) == profile


@pytest.mark.parametrize(
    ("profile", "running", "complaint"),
    [
        ("keycloak", {"localstack"}, "COMPOSE_PROFILES is keycloak, but localstack is running"),
        ("localstack", set(), "COMPOSE_PROFILES is localstack, but no provider is running"),
        ("localstack", {"keycloak", "localstack"}, "but keycloak and localstack is running"),
        ("cognito", {"localstack"}, "COMPOSE_PROFILES is cognito, but localstack is running"),
        ("", {"keycloak"}, "COMPOSE_PROFILES is empty, but keycloak is running"),
    ],
)
def test_another_provider_than_the_chosen_one_is_refused(
    init: ModuleType, profile: str, running: set[str], complaint: str
) -> None:
    with pytest.raises(init.Refusal, match=complaint):
        init.check_provider(profile, running.__contains__)


@pytest.mark.parametrize(
    ("profile", "running"),
    [("keycloak", {"keycloak"}), ("localstack", {"localstack"}), ("cognito", set()), ("", set())],
)
def test_the_chosen_provider_is_all_that_may_run(
    init: ModuleType, profile: str, running: set[str]
) -> None:
    init.check_provider(profile, running.__contains__)


def test_what_it_makes_is_what_the_services_read(init: ModuleType, tmp_path: Path) -> None:
    init.make_secrets(ENVIRONMENT)
    made = contents(tmp_path)
    for name, text in made.items():
        if name.endswith("_keys"):
            KeyRing.parse(text)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o440
    assert made["cimd-bridge/upstream_keys"] == made["registrar/upstream_keys"]
    assert made["cimd-bridge/internal_token"] == made["registrar/internal_token"]
    assert len({made[f"{client}/session_keys"] for client in init.CLIENTS}) == 3
    known = load_preregistered(
        tmp_path / "cimd-bridge" / "clients.toml",
        MetadataPolicy(native_schemes=frozenset()),
        loopback_issuer=True,
    )
    secret_hash = known.clients["demo-preregistered"].secret_hash
    assert secret_hash is not None
    assert secret_matches(made["client-preregistered/preregistered_client_secret"], secret_hash)
    server = known.resource_servers["demo-resource-server"]
    assert secret_matches(made["operator/resource_server_secret"], server.secret_hash)


def test_a_second_run_changes_nothing(init: ModuleType, tmp_path: Path) -> None:
    init.make_secrets(ENVIRONMENT)
    init.choose_provider("localstack", ENVIRONMENT)
    made = contents(tmp_path)
    init.make_secrets(ENVIRONMENT)
    init.choose_provider("localstack", ENVIRONMENT)
    assert contents(tmp_path) == made


def test_no_password_is_in_the_list_of_redis_users(init: ModuleType, tmp_path: Path) -> None:
    init.make_secrets(ENVIRONMENT)
    made = contents(tmp_path)
    users = made["redis/users.acl"]
    assert users.startswith("user default off resetpass ")
    assert "$" not in users.replace("%R~", "")
    for service in init.SERVICES:
        password = init.redis_password(service)
        assert len(password) >= 40
        assert password not in users
        assert f"user {service} on #{init.sha256(password)} -@all" in users


def test_another_profile_takes_back_what_the_one_before_gave(
    init: ModuleType, tmp_path: Path
) -> None:
    init.make_secrets(ENVIRONMENT)
    init.choose_provider("keycloak", ENVIRONMENT)
    bridge = contents(tmp_path / "cimd-bridge")
    assert bridge["provider"] == "keycloak"
    assert bridge["provider_client_secret"] == contents(tmp_path)["keycloak/bridge_secret"]
    registrar = contents(tmp_path / "registrar")
    admin_secret = registrar["provider_admin_client_secret"]
    assert admin_secret == contents(tmp_path)["keycloak/registrar_secret"]
    assert "provider_admin_client_secret" not in bridge
    assert "provider_client_secret" not in registrar
    init.choose_provider("localstack", ENVIRONMENT)
    bridge = contents(tmp_path / "cimd-bridge")
    assert contents(tmp_path / "registrar")["registration_store"] == "dynamodb"
    assert bridge["provider"] == "cognito"
    assert bridge["provider_file"] == "/run/provider/provider.json"
    assert bridge.keys().isdisjoint({"provider_issuer", "provider_client_secret"})


ON_HTTPS = {**ENVIRONMENT, "KEYCLOAK_URL": "https://idp.example"}
"""As compose.tls.yml tells it."""


def test_a_name_that_everybody_knows_is_where_keycloak_is(init: ModuleType, tmp_path: Path) -> None:
    init.make_secrets(ON_HTTPS)
    init.choose_provider("keycloak", ON_HTTPS)
    addresses = {
        name: text
        for name, text in contents(tmp_path / "registrar").items()
        if re.fullmatch("provider_(issuer|[a-z]+_url)", name)
    }
    # the administrator's has no public name
    assert addresses.pop("provider_admin_url").startswith("http://keycloak:8080/")
    assert len(addresses) == 6
    for address in addresses.values():
        assert address.startswith("https://idp.example/realms/mcp")


@pytest.mark.parametrize("profile", ["localstack", "cognito", ""])
def test_on_https_there_is_keycloak_only(init: ModuleType, profile: str) -> None:
    init.make_secrets(ON_HTTPS)
    with pytest.raises(init.Refusal, match="is for COMPOSE_PROFILES=keycloak"):
        init.choose_provider(profile, {**ON_HTTPS, "PROVIDER": "oidc"})


def test_a_user_pool_of_the_operators_wants_its_settings(init: ModuleType) -> None:
    init.make_secrets(ENVIRONMENT)
    with pytest.raises(init.Refusal) as refusal:
        init.choose_provider("cognito", ENVIRONMENT)
    told = str(refusal.value)
    assert "PROVIDER_ISSUER in .env" in told
    assert "PROVIDER_CLIENT_ID in .env" in told
    assert "ClientSecret --output text | docker compose run --rm -T init secret" in told


@pytest.mark.parametrize(
    "issuer",
    [
        "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcDEF123",
        "https://cognito-idp.eu-west-1.amazonaws.com/us-east-1_abcDEF123",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcDEF123/",
        "https://cognito-idp.eu-west-1.amazonaws.com.example/eu-west-1_abcDEF123",
        "https://my-pool.auth.eu-west-1.amazoncognito.com",
        "eu-west-1_abcDEF123",
    ],
)
def test_an_issuer_that_is_no_user_pools_is_refused(init: ModuleType, issuer: str) -> None:
    init.make_secrets(ENVIRONMENT)
    init.keep_operator_secret("provider_client_secret", "the pool's\n")
    settings = {"PROVIDER_ISSUER": issuer, "PROVIDER_CLIENT_ID": "bridge"}
    with pytest.raises(init.Refusal, match="PROVIDER_ISSUER is not that of a user pool"):
        init.choose_provider("cognito", {**ENVIRONMENT, **settings})


@pytest.mark.parametrize("profile", ["keycloak", ""])
def test_any_openid_provider_gets_one_client_and_no_rights(
    init: ModuleType, tmp_path: Path, profile: str
) -> None:
    init.make_secrets(ENVIRONMENT)
    init.keep_operator_secret("provider_client_secret", "the client's\n")
    settings = {"PROVIDER": "oidc", "PROVIDER_ISSUER": "https://issuer.example"}
    init.choose_provider(profile, {**ENVIRONMENT, **settings, "PROVIDER_CLIENT_ID": "bridge"})
    for service in ("cimd-bridge", "registrar"):
        assert contents(tmp_path / service)["upstream_clients"] == "shared"
    assert "provider_admin_client_secret" not in contents(tmp_path / "registrar")


POOL = {
    **ENVIRONMENT,
    "PROVIDER_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcDEF123",
    "PROVIDER_CLIENT_ID": "bridge",
}
REALM = {
    **ENVIRONMENT,
    "PROVIDER": "keycloak",
    "PROVIDER_ISSUER": "https://idp.example/realms/company",
    "PROVIDER_CLIENT_ID": "bridge",
}
OIDC = {**REALM, "PROVIDER": "oidc", "PROVIDER_ISSUER": "https://idp.example"}
SHARED = {**REALM, "UPSTREAM_CLIENTS": "shared"}
IN_AWS = {"REGISTRATION_STORE": "dynamodb"}
LOGIN = "cimd-bridge/provider_client_secret"
ADMIN = "registrar/provider_admin_client_secret"
AWS = "registrar/aws_credentials"
ACCESS = "registrar/initial_access_token"


@pytest.mark.parametrize(
    ("profile", "environment", "given"),
    [
        ("cognito", POOL, {LOGIN, AWS, ACCESS}),
        ("localstack", ENVIRONMENT, {ACCESS}),
        ("localstack", ENVIRONMENT | IN_AWS, {ACCESS}),
        ("keycloak", ENVIRONMENT, {ACCESS}),
        ("keycloak", ENVIRONMENT | IN_AWS, {ACCESS, AWS}),
        ("", OIDC, {LOGIN, ACCESS}),
        ("", REALM, {LOGIN, ADMIN, ACCESS}),
        ("", SHARED, {LOGIN, ACCESS}),
    ],
)
def test_the_operators_secrets_reach_those_who_need_them_for_this_provider(
    init: ModuleType,
    tmp_path: Path,
    profile: str,
    environment: dict[str, str],
    given: set[str],
) -> None:
    """What another choice was given before is taken back."""
    init.make_secrets(ENVIRONMENT)
    for name in init.OPERATOR_SECRETS:
        init.keep_operator_secret(name, "the operator's\n")
    for before in (("cognito", POOL), ("", REALM), (profile, environment)):
        init.choose_provider(*before)
    holders = {name for name, text in contents(tmp_path).items() if text == "the operator's\n"}
    assert holders == given | {f"operator/{name}" for name in init.OPERATOR_SECRETS}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, ["the secret provider_admin_client_secret: of a service account"]),
        ({"UPSTREAM_CLIENTS": "shared"}, []),
        ({"PROVIDER_CLIENT_ID": ""}, ["PROVIDER_CLIENT_ID in .env", "admin_client_secret"]),
        ({"PROVIDER_ISSUER": "https://idp.example"}, ["admin_client_secret", "PROVIDER_ADMIN_URL"]),
        (
            {"PROVIDER_ISSUER": "https://idp.example", "PROVIDER_ADMIN_URL": "https://a.example"},
            ["admin_client_secret"],
        ),
    ],
)
def test_what_a_realm_of_the_operators_wants_is_listed(
    init: ModuleType, tmp_path: Path, changes: dict[str, str], missing: list[str]
) -> None:
    init.make_secrets(ENVIRONMENT)
    init.keep_operator_secret("provider_client_secret", "the client's\n")
    if not missing:
        init.choose_provider("", REALM | changes)
        assert contents(tmp_path)[LOGIN] == "the client's\n"
        return
    with pytest.raises(init.Refusal) as refusal:
        init.choose_provider("", REALM | changes)
    told = str(refusal.value).splitlines()[1:]
    assert len(told) == len(missing)
    assert all(name in line for name, line in zip(missing, told, strict=True))


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("master_keys", "k1:abc", "there is no such secret"),
        ("../redis/users.acl", "user default on", "there is no such secret"),
        ("provider_client_secret", " \n", "standard input is empty"),
    ],
)
def test_other_secrets_are_not_taken(
    init: ModuleType, name: str, value: str, complaint: str
) -> None:
    with pytest.raises(init.Refusal, match=complaint):
        init.keep_operator_secret(name, value)


@pytest.mark.parametrize("ring", ["master_keys", "upstream_keys", "session_keys"])
def test_a_new_key_of_a_ring_stands_before_the_older_ones(
    init: ModuleType, tmp_path: Path, ring: str
) -> None:
    init.make_secrets(ENVIRONMENT)
    before = contents(tmp_path)
    init.rotate(ring)
    init.rotate(ring)
    holders = [name for name in before if name.endswith(f"/{ring}")]
    for name in holders:
        third, second, first = contents(tmp_path)[name].split(",")
        assert first == before[name]
        assert (third[:3], second[:3]) == ("k3:", "k2:")
        KeyRing.parse(contents(tmp_path)[name])
    init.retire(ring)
    assert all(contents(tmp_path)[name].startswith("k3:") for name in holders)
    assert all("," not in contents(tmp_path)[name] for name in holders)
    after = contents(tmp_path)
    assert {name for name in before if before[name] != after[name]} == set(holders)
    assert after.get("cimd-bridge/upstream_keys") == after.get("registrar/upstream_keys")


@pytest.mark.parametrize(
    ("secret", "changed"),
    [
        ("internal_token", {"cimd-bridge/internal_token", "registrar/internal_token"}),
        (
            "preregistered_client_secret",
            {"client-preregistered/preregistered_client_secret", "cimd-bridge/clients.toml"},
        ),
        (
            "resource_server_secret",
            {"operator/resource_server_secret", "cimd-bridge/clients.toml"},
        ),
    ],
)
def test_another_secret_is_made_anew_for_all_who_hold_it(
    init: ModuleType, tmp_path: Path, secret: str, changed: set[str]
) -> None:
    init.make_secrets(ENVIRONMENT)
    before = contents(tmp_path)
    init.rotate(secret)
    init.make_secrets(ENVIRONMENT)
    after = contents(tmp_path)
    assert {name for name in before if before[name] != after[name]} == changed
    assert before.keys() == after.keys()


def test_redis_passwords_are_made_anew_with_the_list_of_users(
    init: ModuleType, tmp_path: Path
) -> None:
    init.make_secrets(ENVIRONMENT)
    before = {service: init.redis_password(service) for service in init.SERVICES}
    init.rotate("redis_url")
    init.make_secrets(ENVIRONMENT)
    users = contents(tmp_path)["redis/users.acl"]
    for service, password in before.items():
        assert init.redis_password(service) != password
        assert f"user {service} on #{init.sha256(init.redis_password(service))}" in users


@pytest.mark.parametrize(
    ("change", "name", "complaint"),
    [
        ("rotate", "../redis/users.acl", "there is no such secret"),
        ("rotate", "provider_client_secret", "there is no such secret"),
        ("retire", "internal_token", "there is no such key ring"),
        ("rotate", "master_keys", "cimd-bridge has no master_keys yet"),
    ],
)
def test_what_is_not_there_is_not_rotated(
    init: ModuleType, change: str, name: str, complaint: str
) -> None:
    with pytest.raises(init.Refusal, match=complaint):
        getattr(init, change)(name)


@pytest.mark.parametrize(("profile", "may_sign_up"), [("keycloak", True), ("cognito", False)])
def test_people_are_told_where_to_go(init: ModuleType, profile: str, may_sign_up: bool) -> None:
    text = init.welcome(profile, "https://mcp.example/mcp")
    assert f"\nWELCOME_LINES := {len(text.splitlines())}\n" in (PROJECT / "Makefile").read_text()
    assert "Start page   https://mcp.example/ " in text
    assert ("demo@example.com" in text) is may_sign_up
