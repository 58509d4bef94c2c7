"""Which identity provider COMPOSE_PROFILES chooses, what follows from it, and what it needs."""

import re
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import urljoin

KEYCLOAK, COGNITO = "keycloak", "cognito"
PROFILES = {
    "localstack": {
        "provider": "cognito",
        "provider_file": "/run/provider/provider.json",
        "upstream_clients": "per-client",
        "registration_store": "dynamodb",
        "aws_endpoint_url_dynamodb": "http://localstack:4566",
    },
    COGNITO: {"provider": "cognito", "upstream_clients": "shared"},
    "": {"upstream_clients": "shared"},
}
"""What follows from a profile, as settings; Keycloak's depend on where it is, see below."""

PROVIDERS = {"keycloak": ("keycloak", "oidc"), "localstack": ("cognito",), "cognito": ("cognito",)}
OWN_PROVIDERS = ("oidc", "keycloak")
PROVIDER_HOSTS = ("keycloak", "localstack")
DEMO_USER = "demo@example.com  Demo-Passw0rd-1!"
PROVIDER_SECRET = "provider_client_secret"
ADMIN_SECRET = "provider_admin_client_secret"
OPERATOR_SECRETS = {
    PROVIDER_SECRET: "cimd-bridge",
    ADMIN_SECRET: "registrar",
    "aws_credentials": "registrar",
    "initial_access_token": "registrar",
}
"""What the operator gives, and who holds it."""

USER_POOL_ISSUER = re.compile(
    r"https://cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P=region)_[0-9A-Za-z]+"
)
KEEP_SECRET = "docker compose run --rm -T init secret"
A_CLIENT = (
    "a client with a secret, whose callback is ISSUER + /callback, and which may return to "
    "ISSUER + /logout after a log-out"
)
HOW_TO_GET = {
    COGNITO: {
        "PROVIDER_ISSUER": "https://cognito-idp.<region>.amazonaws.com/<pool id>; "
        "aws cognito-idp list-user-pools --max-results 60 shows the ids. The pool needs a domain",
        "PROVIDER_CLIENT_ID": "an app client with a secret, the code flow, the scopes openid "
        "profile email, the callback ISSUER + /callback and the sign-out URL ISSUER + /logout; "
        "aws cognito-idp list-user-pool-clients --user-pool-id <pool id>",
        PROVIDER_SECRET: "aws cognito-idp describe-user-pool-client --user-pool-id <pool id> "
        "--client-id <client id> --query UserPoolClient.ClientSecret --output text | "
        f"{KEEP_SECRET} {PROVIDER_SECRET}",
    },
    "oidc": {
        "PROVIDER_ISSUER": "the issuer, as in its discovery document",
        "PROVIDER_CLIENT_ID": A_CLIENT,
        PROVIDER_SECRET: f"{KEEP_SECRET} {PROVIDER_SECRET} < FILE",
    },
    KEYCLOAK: {
        "PROVIDER_ISSUER": "https://<host>/realms/<realm>",
        "PROVIDER_CLIENT_ID": A_CLIENT,
        PROVIDER_SECRET: f"{KEEP_SECRET} {PROVIDER_SECRET} < FILE",
        ADMIN_SECRET: "of a service account that may manage-clients (PROVIDER_ADMIN_CLIENT_ID), or "
        f"UPSTREAM_CLIENTS=shared; {KEEP_SECRET} {ADMIN_SECRET} < FILE",
    },
}
"""What a provider of the operator's own needs, and where to find it."""


class Refusal(Exception):
    """Why nothing starts; the message says what to do."""


def settings_of(profile: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What bridge and registrar are told; a variable of the same name overrides it."""
    plain = {"upstream_clients": "shared"} if environment.get("PROVIDER") == "oidc" else {}
    if profile == KEYCLOAK:
        return keycloak_settings(environment.get("KEYCLOAK_URL", "")) | plain
    if is_own_keycloak(profile, environment):
        return {"upstream_clients": "per-client"}
    return PROFILES[profile] | plain


def is_own_keycloak(profile: str, environment: Mapping[str, str]) -> bool:
    return not profile and environment.get("PROVIDER") == KEYCLOAK


def secrets_used(profile: str, environment: Mapping[str, str]) -> set[str]:
    """The operator's secrets that this choice has a use for: no other provider's are handed out."""
    used = {"initial_access_token"}
    if profile not in PROVIDER_HOSTS:
        used.add(PROVIDER_SECRET)
    if is_own_keycloak(profile, environment) and environment.get("UPSTREAM_CLIENTS") != "shared":
        used.add(ADMIN_SECRET)
    in_aws = profile != "localstack" and environment.get("REGISTRATION_STORE") == "dynamodb"
    if profile == COGNITO or in_aws:
        used.add("aws_credentials")
    return used


def keycloak_settings(public_url: str) -> dict[str, str]:
    """public_url: where everybody finds it; without one browsers and services each have one"""
    realm = f"{public_url or 'http://localhost:8080'}/realms/mcp"
    inside = f"{public_url or 'http://keycloak:8080'}/realms/mcp"
    openid = "protocol/openid-connect"
    return {
        "provider": "keycloak",
        "provider_issuer": realm,
        "provider_client_id": "mcp-bridge",
        "provider_authorize_url": f"{realm}/{openid}/auth",
        "provider_logout_url": f"{realm}/{openid}/logout",
        "provider_token_url": f"{inside}/{openid}/token",
        "provider_jwks_url": f"{inside}/{openid}/certs",
        "provider_revoke_url": f"{inside}/{openid}/revoke",
        "provider_admin_url": "http://keycloak:8080/admin/realms/mcp",
        "upstream_clients": "per-client",
    }


BY_PROVIDER = frozenset(keycloak_settings("")).union(*PROFILES.values())
"""Every setting that some profile chooses."""


def chosen_profile(environment: Mapping[str, str]) -> str:
    """The one profile; "" for a provider of the operator's own. Raises Refusal."""
    text, provider = environment.get("COMPOSE_PROFILES", ""), environment.get("PROVIDER", "")
    names = {name.strip() for name in text.split(",") if name.strip()}
    known = ", ".join(PROVIDERS)
    if not names and provider in OWN_PROVIDERS:
        return ""
    if not names:
        raise Refusal(
            f"COMPOSE_PROFILES is not set: write one of {known} into .env "
            "(cp .env.example .env), or PROVIDER=oidc for another OpenID provider, or "
            "PROVIDER=keycloak for a realm of your own"
        )
    if unknown := ", ".join(sorted(names - PROVIDERS.keys())):
        raise Refusal(f"COMPOSE_PROFILES names {unknown}, which is no profile; choose of {known}")
    if len(names) > 1:
        raise Refusal(
            f"COMPOSE_PROFILES names {' and '.join(sorted(names))}: choose one, because there is "
            "one identity provider"
        )
    (profile,) = names
    if provider and provider not in PROVIDERS[profile]:
        raise Refusal(
            f"PROVIDER={provider} contradicts COMPOSE_PROFILES={profile}: leave PROVIDER out"
        )
    return profile


def host_is_there(name: str) -> bool:
    """Only a running container has a name on our networks."""
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return False
    return True


def check_provider(profile: str, is_there: Callable[[str], bool]) -> None:
    """Raises Refusal when another provider runs than the services were told about."""
    running = [name for name in PROVIDER_HOSTS if is_there(name)]
    wanted = [profile] if profile in PROVIDER_HOSTS else []
    if running == wanted:
        return
    found = " and ".join(running) or "no provider"
    raise Refusal(
        f"COMPOSE_PROFILES is {profile or 'empty'}, but {found} is running. Choose the provider by "
        "COMPOSE_PROFILES alone, not by --profile, and end what another choice left behind with "
        "`make down` (docker compose --profile '*' down)"
    )


def welcome(profile: str, resource: str) -> str:
    """Where a person goes next; resource: the URL of the MCP endpoint."""
    people = (
        f"{DEMO_USER}   or sign up" if profile in PROVIDER_HOSTS else "whoever the provider knows"
    )
    return (
        f"The identity provider is {profile or 'your own'}. When all containers are healthy:\n"
        f"  Start page   {urljoin(resource, '/')}   what this is and how to connect\n"
        f"  MCP server   {resource}\n"
        f"  Log in as    {people}"
    )


def require_provider(profile: str, environment: Mapping[str, str], kept: Collection[str]) -> None:
    """Raises Refusal that lists what is missing about a provider of the operator's own.

    kept: the operator's secrets that are there
    """
    if environment.get("KEYCLOAK_URL") and profile != KEYCLOAK:
        raise Refusal("compose.tls.yml is for COMPOSE_PROFILES=keycloak")
    if profile in PROVIDER_HOSTS:
        return
    missing = list(missing_of(profile, environment, kept))
    if missing:
        raise Refusal(
            "the identity provider is not set up (docs/operations.md says how). Missing:\n  "
            + "\n  ".join(missing)
        )
    if profile == COGNITO and not USER_POOL_ISSUER.fullmatch(environment["PROVIDER_ISSUER"]):
        raise Refusal(
            "PROVIDER_ISSUER is not that of a user pool: "
            + HOW_TO_GET[COGNITO]["PROVIDER_ISSUER"].partition(";")[0]
        )


def missing_of(
    profile: str, environment: Mapping[str, str], kept: Collection[str]
) -> Iterator[str]:
    wanted_secrets = secrets_used(profile, environment) - set(kept)
    for name, what in HOW_TO_GET[profile or environment["PROVIDER"]].items():
        if name in wanted_secrets:
            yield f"the secret {name}: {what}"
        elif name not in OPERATOR_SECRETS and not environment.get(name):
            yield f"{name} in .env: {what}"
    makes_clients = ADMIN_SECRET in secrets_used(profile, environment)
    beside_issuer = "/realms/" in (environment.get("PROVIDER_ISSUER") or "/realms/")
    if makes_clients and not beside_issuer and not environment.get("PROVIDER_ADMIN_URL"):
        yield (
            "PROVIDER_ADMIN_URL in .env: the realm's admin API, https://<host>/admin/realms/<realm>"
            ", which PROVIDER_ISSUER does not tell"
        )
