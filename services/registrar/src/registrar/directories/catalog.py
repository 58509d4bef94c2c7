"""The directory of the provider that stands behind us now, built once a generation."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from oauth_kit.providers.catalog import ProviderConfig
from registrar.aws import aws_config, aws_session
from registrar.directories.cognito import CognitoDirectory
from registrar.directories.keycloak import KeycloakDirectory
from registrar.directories.keycloak_api import KeycloakApi, ServiceAccount, admin_url_of
from registrar.directories.port import ClientDirectory

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

DirectoryFor = Callable[[ProviderConfig], ClientDirectory | None]
"""None: we administer no clients at this provider, everyone shares ours."""

_CONNECT_SECONDS = 3
_READ_SECONDS = 10


def directory_catalog(
    endpoint_override: str,
    *,
    session: aiohttp.ClientSession | None = None,
    service_account: ServiceAccount | None = None,
) -> DirectoryFor:
    """Directories by provider; a new generation gets a new connection.

    endpoint_override: AWS_ENDPOINT_URL_COGNITO_IDP, where this process finds the API
    session, service_account: for Keycloak; without them its clients share ours
    """

    @lru_cache(maxsize=2)
    def directory_for(provider: ProviderConfig) -> ClientDirectory | None:
        if provider.provider == "keycloak" and session and service_account:
            return connect_keycloak(provider, service_account, session)
        if provider.provider != "cognito":
            return None
        region, pool_id = _pool_of(provider)
        endpoint_url = endpoint_override or provider.endpoint_url
        # AWS speaks no plain http
        is_emulated = bool(provider.endpoint_url) or endpoint_override.startswith("http:")
        return CognitoDirectory(
            pool_id,
            lambda: connect_cognito(region, endpoint_url=endpoint_url, is_emulated=is_emulated),
        )

    return directory_for


def connect_cognito(
    region: str, *, endpoint_url: str | None, is_emulated: bool
) -> "CognitoIdentityProviderClient":
    """A client without retries of its own."""
    return aws_session(is_emulated=is_emulated).client(
        "cognito-idp",
        region_name=region,
        endpoint_url=endpoint_url,
        config=aws_config(
            is_emulated=is_emulated, connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS
        ),
    )


def connect_keycloak(
    provider: ProviderConfig, account: ServiceAccount, session: aiohttp.ClientSession
) -> KeycloakDirectory:
    """Raises ValueError for an issuer that is no realm of Keycloak."""
    api = KeycloakApi(
        account,
        session,
        admin_url=account.admin_url or admin_url_of(provider.issuer),
        token_url=provider.token_url or f"{provider.issuer}/protocol/openid-connect/token",
    )
    return KeycloakDirectory(api)


def _pool_of(provider: ProviderConfig) -> tuple[str, str]:
    """Region and pool, from the issuer `https://cognito-idp.<region>.amazonaws.com/<pool>`."""
    pool_id = provider.pool_id or urlsplit(provider.issuer).path.strip("/")
    region = provider.region or pool_id.partition("_")[0]
    return region, pool_id
