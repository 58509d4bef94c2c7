"""Seeds pool and table: idempotent, and by boto3 calls that would work unchanged on AWS.

Run as `python -m cognito_emulator.seed` against the front, whose rules therefore apply to it too.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped,unused-ignore]
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cognito_emulator.rules.claims import issuer
from cognito_emulator.settings import Settings
from cognito_emulator.snapshot import write_private
from cognito_emulator.table_seed import TableSeed

CLIENT_NAME = "mcp-authstack-bridge"
CLIENT_SCOPES = ["openid", "profile", "email"]
RESOURCE_SERVER = "mcp-api"
RESOURCE_SCOPES = {"read": "Read contexts", "write": "Create contexts"}

# Beyond the 90 days after which the bridge ends a grant itself.
REFRESH_TOKEN_DAYS = 100

# Answered by DescribeUserPoolClient, but no parameters of UpdateUserPoolClient.
READ_ONLY_FIELDS = frozenset({"ClientSecret", "CreationDate", "LastModifiedDate"})


@dataclass(frozen=True, slots=True)
class Seed:
    """Brings one pool to the wanted state, whatever of it exists already."""

    cognito: Any
    settings: Settings

    def run(self) -> dict[str, Any]:
        """Find or make everything; answer what provider.json holds."""
        pool_id = self._pool()
        domain = self._domain(pool_id)
        self._resource_server(pool_id)
        client = self._client(pool_id)
        self._user(pool_id)
        pool = self.cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
        generation = f"{pool_id}:{int(pool['CreationDate'].timestamp())}"
        return provider_document(self.settings, pool_id, domain, client, generation)

    def _pool(self) -> str:
        pages = self.cognito.get_paginator("list_user_pools").paginate(MaxResults=60)
        for page in pages:
            for pool in page["UserPools"]:
                if pool["Name"] == self.settings.pool_name:
                    return str(pool["Id"])
        made = self.cognito.create_user_pool(
            PoolName=self.settings.pool_name,
            UserPoolTier="ESSENTIALS",
            AdminCreateUserConfig={"AllowAdminCreateUserOnly": False},
            UsernameAttributes=["email"],
            UsernameConfiguration={"CaseSensitive": False},
            AutoVerifiedAttributes=["email"],
            Schema=[{"Name": "email", "Required": True, "Mutable": True}],
        )
        return str(made["UserPool"]["Id"])

    def _domain(self, pool_id: str) -> str:
        pool = self.cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
        if pool.get("Domain"):
            return str(pool["Domain"])
        # Prefixes are one namespace for all of AWS; the pool's own id makes this one unique.
        unique = pool_id.rpartition("_")[2].lower()
        domain = f"{domain_prefix(self.settings.pool_name)}-{unique}"
        self.cognito.create_user_pool_domain(
            Domain=domain, UserPoolId=pool_id, ManagedLoginVersion=2
        )
        return domain

    def _resource_server(self, pool_id: str) -> None:
        wanted = {
            "UserPoolId": pool_id,
            "Identifier": RESOURCE_SERVER,
            "Name": "MCP API",
            "Scopes": [
                {"ScopeName": name, "ScopeDescription": text}
                for name, text in RESOURCE_SCOPES.items()
            ],
        }
        try:
            self.cognito.describe_resource_server(UserPoolId=pool_id, Identifier=RESOURCE_SERVER)
        except self.cognito.exceptions.ResourceNotFoundException:
            self.cognito.create_resource_server(**wanted)
        else:
            self.cognito.update_resource_server(**wanted)

    def _client(self, pool_id: str) -> dict[str, Any]:
        wanted = client_settings(self.settings)
        pages = self.cognito.get_paginator("list_user_pool_clients").paginate(
            UserPoolId=pool_id, MaxResults=60
        )
        for page in pages:
            for found in page["UserPoolClients"]:
                if found["ClientName"] == CLIENT_NAME:
                    return self._reconcile(pool_id, found["ClientId"], wanted)
        made = self.cognito.create_user_pool_client(
            UserPoolId=pool_id, GenerateSecret=True, **wanted
        )
        return dict(made["UserPoolClient"])

    def _reconcile(self, pool_id: str, client_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Read, modify, write with every field: UpdateUserPoolClient resets what is left out."""
        found = self.cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
        client = dict(found["UserPoolClient"])
        if all(client.get(name, []) == value for name, value in wanted.items()):
            return client
        kept = {name: value for name, value in client.items() if name not in READ_ONLY_FIELDS}
        updated = self.cognito.update_user_pool_client(**{**kept, **wanted})
        return {**client, **updated["UserPoolClient"]}

    def _user(self, pool_id: str) -> None:
        username = self.settings.demo_username
        try:
            self.cognito.admin_get_user(UserPoolId=pool_id, Username=username)
            return
        except self.cognito.exceptions.UserNotFoundException:
            pass
        attributes = {"email": username, "email_verified": "true", "name": "Demo User"}
        self.cognito.admin_create_user(
            UserPoolId=pool_id,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
        )
        self.cognito.admin_set_user_password(
            UserPoolId=pool_id,
            Username=username,
            Password=self.settings.demo_password,
            Permanent=True,
        )


def client_settings(settings: Settings) -> dict[str, Any]:
    """The bridge's app client: code flow only, no password flow, no user enumeration."""
    logout_urls = [settings.bridge_logout_url] if settings.bridge_logout_url else []
    return {
        "ClientName": CLIENT_NAME,
        "RefreshTokenValidity": REFRESH_TOKEN_DAYS,
        "AccessTokenValidity": 60,
        "IdTokenValidity": 60,
        "TokenValidityUnits": {
            "AccessToken": "minutes",
            "IdToken": "minutes",
            "RefreshToken": "days",
        },
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "SupportedIdentityProviders": ["COGNITO"],
        "CallbackURLs": [settings.bridge_callback_url],
        "LogoutURLs": logout_urls,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": CLIENT_SCOPES,
        "AllowedOAuthFlowsUserPoolClient": True,
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
    }


def domain_prefix(pool_name: str) -> str:
    """Lower-case letters, digits and hyphens of the pool's name."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in pool_name.lower())
    return kept.strip("-")[:40].strip("-") or "pool"


def provider_document(
    settings: Settings,
    pool_id: str,
    domain: str,
    client: Mapping[str, Any],
    generation: str,
) -> dict[str, Any]:
    """What PROVIDER_FILE holds: browser addresses by PUBLIC_URL, the others by SERVER_URL."""
    browser, server = settings.public_url, settings.server_url
    return {
        "generation": generation,
        "provider": "cognito",
        "pool_id": pool_id,
        "region": settings.region,
        "issuer": issuer(settings.region, pool_id),
        "client_id": client["ClientId"],
        "client_secret": client["ClientSecret"],
        "authorize_url": f"{browser}/oauth2/authorize",
        "token_url": f"{server}/oauth2/token",
        "jwks_url": f"{server}/{pool_id}/.well-known/jwks.json",
        "revoke_url": f"{server}/oauth2/revoke",
        "logout_url": f"{browser}/logout",
        "endpoint_url": server,
        "domain": domain,
    }


def write_provider_file(path: Path, document: Mapping[str, Any]) -> None:
    """Write it at once, mode 0600; leave it alone when nothing changed."""
    text = json.dumps(document, indent=2) + "\n"
    if path.exists() and path.read_text() == text:
        path.chmod(0o600)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, text)


def main() -> int:
    """Seed through the front that runs at this address. One line on stderr when it fails."""
    settings = Settings.read(os.environ)
    try:
        TableSeed(_aws("dynamodb", settings), settings.registration_table).run()
        provider = Seed(_aws("cognito-idp", settings), settings).run()
        write_provider_file(settings.provider_file, provider)
    except (BotoCoreError, ClientError, OSError) as error:
        print(f"{type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr)
        return 1
    return 0


def _aws(service: str, settings: Settings) -> Any:
    return boto3.client(
        service,
        endpoint_url=settings.local_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}, proxies={}),
    )


if __name__ == "__main__":
    sys.exit(main())
