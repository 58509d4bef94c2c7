"""Which identity provider COMPOSE_PROFILES chooses, what follows from it, and what it needs."""

import re
import socket
from collections.abc import Callable, Mapping
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
PROVIDER_HOSTS = ("keycloak", "localstack")
DEMO_USER = "demo@example.com  Demo-Passw0rd-1!"
PROVIDER_SECRET = "provider_client_secret"

USER_POOL_ISSUER = re.compile(
    r"https://cognito-idp\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P=region)_[0-9A-Za-z]+"
)
KEEP_SECRET = f"docker compose run --rm -T init secret {PROVIDER_SECRET}"
HOW_TO_GET = {
    COGNITO: {
        "PROVIDER_ISSUER": "https://cognito-idp.<region>.amazonaws.com/<pool id>; "
        "aws cognito-idp list-user-pools --max-results 60 shows the ids. The pool needs a domain",
        "PROVIDER_CLIENT_ID": "an app client with a secret, the code flow, the scopes openid "
        "profile email, the callback ISSUER + /callback and the sign-out URL ISSUER + /logout; "
        "aws cognito-idp list-user-pool-clients --user-pool-id <pool id>",
        PROVIDER_SECRET: "aws cognito-idp describe-user-pool-client --user-pool-id <pool id> "
        "--client-id <client id> --query UserPoolClient.ClientSecret --output text | "
        + KEEP_SECRET,
    },
    "": {
        "PROVIDER_ISSUER": "the issuer, as in its discovery document",
        "PROVIDER_CLIENT_ID": "a client with a secret, whose callback is ISSUER + /callback, and "
        "which may return to ISSUER + /logout after a log-out",
        PROVIDER_SECRET: f"{KEEP_SECRET} < FILE",
    },
}
"""What a provider of the operator's own needs, and where to find it."""


class Refusal(Exception):
    """Why nothing starts; the message says what to do."""


def settings_of(profile: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What bridge and registrar are told; a variable of the same name overrides it."""
    if profile == KEYCLOAK:
        return keycloak_settings(environment.get("KEYCLOAK_URL", ""))
    return dict(PROFILES[profile])


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


MANAGED = frozenset(keycloak_settings("")).union(*PROFILES.values())
"""Every setting that some profile chooses."""


def chosen_profile(environment: Mapping[str, str]) -> str:
    """The one profile; "" for any other OpenID provider (PROVIDER=oidc). Raises Refusal."""
    text, provider = environment.get("COMPOSE_PROFILES", ""), environment.get("PROVIDER", "")
    names = {name.strip() for name in text.split(",") if name.strip()}
    known = ", ".join(PROVIDERS)
    if not names and provider == "oidc":
        return ""
    if not names:
        raise Refusal(
            f"COMPOSE_PROFILES is not set: write one of {known} into .env "
            "(cp .env.example .env), or PROVIDER=oidc for another OpenID provider"
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
        f"  Start page   {urljoin(resource, '/')}   how to connect, and the demo clients\n"
        f"  MCP server   {resource}\n"
        f"  Log in as    {people}"
    )


def require_provider(profile: str, environment: Mapping[str, str], *, has_secret: bool) -> None:
    """Raises Refusal that lists what is missing about a provider of the operator's own."""
    if environment.get("KEYCLOAK_URL") and profile != KEYCLOAK:
        raise Refusal("compose.tls.yml is for COMPOSE_PROFILES=keycloak")
    if profile in PROVIDER_HOSTS:
        return
    missing = [
        f"{name} in .env: {what}"
        for name, what in HOW_TO_GET[profile].items()
        if name != PROVIDER_SECRET and not environment.get(name)
    ]
    if not has_secret:
        missing.append(f"its secret: {HOW_TO_GET[profile][PROVIDER_SECRET]}")
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
