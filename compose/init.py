"""What must be there before the services start: keys, secrets, Redis users, the provider's choice.

Run by the one-shot services `init` and `check`; the standard library is all that it needs.

  init.py                     make what is missing in the volume of each service
  init.py check               does the provider run that COMPOSE_PROFILES names, and no other?
  init.py secret NAME         keep a secret of the operator's, read from standard input
  init.py rotate NAME         a new key in front of a ring; any other secret is new at the next `up`
  init.py retire NAME         forget all keys of a ring but the newest
"""

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from provider_choice import (
    ADMIN_SECRET,
    BY_PROVIDER,
    OPERATOR_SECRETS,
    PROVIDER_SECRET,
    Refusal,
    check_provider,
    chosen_profile,
    host_is_there,
    require_provider,
    secrets_used,
    settings_of,
    welcome,
)
from reach import (
    BRIDGE,
    BY_REACH,
    CLIENTS,
    REGISTRAR,
    RESOURCE,
    clients_toml,
    environment_of,
    settings_by_reach,
)

VOLUMES = Path("/volumes")
ACL_TEMPLATE = Path(__file__).with_name("users.acl")

SERVICES = (BRIDGE, REGISTRAR, RESOURCE, *CLIENTS)
REDIS, KEYCLOAK, PROVIDER, OPERATOR = "redis", "keycloak", "provider", "operator"
SERVICE_GROUP = 10001
GROUPS = {REDIS: 999, KEYCLOAK: 0, OPERATOR: 0}
"""Who reads a volume, where it is not one of our services."""

REDIS_COMMANDS = (
    "+@read +@write +@connection +@transaction +eval +evalsha +script|load +time -@dangerous"
    " -scan -randomkey -dbsize"
)
"""Without those that look at everybody's keys: patterns do not bind a command that names none."""

KEY_RINGS = {
    "master_keys": ((BRIDGE,),),
    "upstream_keys": ((BRIDGE, REGISTRAR),),
    "session_keys": tuple((client,) for client in CLIENTS),
}
"""Which services hold the same ring."""
OWN_SECRETS = {
    "internal_token": (BRIDGE, REGISTRAR),
    "preregistered_client_secret": (CLIENTS[0],),
    "resource_server_secret": (OPERATOR,),
    "redis_url": SERVICES,
}


def main(arguments: list[str]) -> None:
    environment = os.environ
    match arguments:
        case []:
            profile = chosen_profile(environment)
            prepare_volumes()
            make_secrets(environment)
            tell_reach(environment)
            choose_provider(profile, environment)
        case ["check"]:
            profile = chosen_profile(environment)
            check_provider(profile, host_is_there)
            print(welcome(profile, environment["RESOURCE"]))
        case ["secret", name]:
            keep_operator_secret(name, sys.stdin.read())
        case ["rotate", name]:
            rotate(name)
        case ["retire", name]:
            retire(name)
        case _:
            raise Refusal(f"usage: {(__doc__ or '').partition('needs.')[2].strip()}")


def prepare_volumes() -> None:
    """Root owns the folders, a service may read its own; the emulator writes provider.json."""
    for name in (*SERVICES, REDIS, KEYCLOAK, PROVIDER, OPERATOR):
        folder = VOLUMES / name
        os.chown(folder, -1, GROUPS.get(name, SERVICE_GROUP))
        folder.chmod(0o770 if name == PROVIDER else 0o750)


def make_secrets(environment: Mapping[str, str]) -> None:
    """Make what is missing; never change a secret that is there."""
    for name, groups in KEY_RINGS.items():
        for services in groups:
            share(name, new_key, *services)
    share("internal_token", new_secret, BRIDGE, REGISTRAR)
    client_secret = share("preregistered_client_secret", new_secret, CLIENTS[0])
    resource_server_secret = share("resource_server_secret", new_secret, OPERATOR)
    for name in ("admin_password", "bridge_secret", "registrar_secret"):
        share(name, new_secret, KEYCLOAK)
    hashes = {
        "client_secret_hash": sha256(client_secret),
        "resource_server_secret_hash": sha256(resource_server_secret),
    }
    write(VOLUMES / BRIDGE / "clients.toml", clients_toml(environment, hashes))
    passwords = {service: redis_password(service) for service in SERVICES}
    acl = render_acl(ACL_TEMPLATE.read_text(), environment_of(environment), passwords)
    write(VOLUMES / REDIS / "users.acl", acl)


def redis_password(service: str) -> str:
    """The password in the URL that a service has, made when there is none yet."""
    url = share("redis_url", lambda: f"redis://{service}:{new_secret()}@redis:6379/0", service)
    return urlsplit(url).password or ""


def render_acl(template: str, environment: str, passwords: Mapping[str, str]) -> str:
    lines = (line for line in template.splitlines() if line and not line.startswith("#"))
    hashed = {name.replace("-", "_"): sha256(password) for name, password in passwords.items()}
    return Template("".join(f"{line}\n" for line in lines)).substitute(
        hashed, commands=REDIS_COMMANDS, prefix=f"~mcp:{environment}"
    )


def tell_reach(environment: Mapping[str, str]) -> None:
    for service in SERVICES:
        give(service, BY_REACH, settings_by_reach(service, environment))


def choose_provider(profile: str, environment: Mapping[str, str]) -> None:
    """Give bridge and registrar what follows from the profile, and the operator's secrets."""
    kept = {name for name in OPERATOR_SECRETS if (VOLUMES / OPERATOR / name).exists()}
    require_provider(profile, environment, kept)
    plain = environment.get("PROVIDER") == "oidc"
    settings = settings_of(profile, environment)
    secrets_of: dict[str, dict[str, str]] = {BRIDGE: {}, REGISTRAR: {}}
    for name in kept & secrets_used(profile, environment):
        secrets_of[OPERATOR_SECRETS[name]][name] = (VOLUMES / OPERATOR / name).read_text()
    if profile == KEYCLOAK:
        secrets_of[BRIDGE][PROVIDER_SECRET] = (VOLUMES / KEYCLOAK / "bridge_secret").read_text()
    if profile == KEYCLOAK and not plain:
        secrets_of[REGISTRAR][ADMIN_SECRET] = (VOLUMES / KEYCLOAK / "registrar_secret").read_text()
    for service, held in secrets_of.items():
        give(service, BY_PROVIDER | OPERATOR_SECRETS.keys(), settings | held)


def give(service: str, names: Iterable[str], values: Mapping[str, str]) -> None:
    """Settings as files; those of the names that have no value any more are taken back."""
    for name in names:
        if name in values:
            write(VOLUMES / service / name, values[name])
        else:
            (VOLUMES / service / name).unlink(missing_ok=True)


def keep_operator_secret(name: str, value: str) -> None:
    """Standard input, so that a secret is neither in an environment nor in a list of processes."""
    if name not in OPERATOR_SECRETS:
        raise Refusal(f"there is no such secret, but {', '.join(OPERATOR_SECRETS)}")
    if not value.strip():
        raise Refusal("standard input is empty")
    prepare_volumes()
    write(VOLUMES / OPERATOR / name, value.strip() + "\n")


def rotate(name: str) -> None:
    """Older keys still open what they sealed. Raises Refusal for a name that is not ours."""
    if name in KEY_RINGS:
        change_rings(name, lambda keys: [new_key(f"k{newest_number(keys) + 1}"), *keys])
    elif name in OWN_SECRETS:
        for service in OWN_SECRETS[name]:
            (VOLUMES / service / name).unlink(missing_ok=True)
    else:
        raise Refusal(f"there is no such secret, but {', '.join([*KEY_RINGS, *OWN_SECRETS])}")


def retire(name: str) -> None:
    """What only the older keys open is lost: wait until nothing of it lives."""
    if name not in KEY_RINGS:
        raise Refusal(f"there is no such key ring, but {', '.join(KEY_RINGS)}")
    change_rings(name, lambda keys: keys[:1])


def change_rings(name: str, change: Callable[[list[str]], list[str]]) -> None:
    for services in KEY_RINGS[name]:
        held = VOLUMES / services[0] / name
        if not held.exists():
            raise Refusal(f"{services[0]} has no {name} yet: `make up` makes it")
        keys = [key.strip() for key in held.read_text().split(",")]
        ring = ",".join(change(keys))
        for service in services:
            write(VOLUMES / service / name, ring)


def newest_number(keys: list[str]) -> int:
    return max(int(key.partition(":")[0].removeprefix("k")) for key in keys)


def share(name: str, make: Callable[[], str], *services: str) -> str:
    """One secret in the volume of each service that needs it; the first one's file decides."""
    first = VOLUMES / services[0] / name
    if not first.exists():
        write(first, make())
    value = first.read_text()
    for service in services[1:]:
        write(VOLUMES / service / name, value)
    return value


def write(path: Path, text: str) -> None:
    """Whole or not at all, readable by its service's group only."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.chown(unfinished, -1, GROUPS.get(path.parent.name, SERVICE_GROUP))
    unfinished.chmod(0o440)
    unfinished.replace(path)


def new_key(kid: str = "k1") -> str:
    material = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=")
    return f"{kid}:{material.decode()}"


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refusal as refusal:
        sys.exit(f"mcp-authstack: {refusal}")
