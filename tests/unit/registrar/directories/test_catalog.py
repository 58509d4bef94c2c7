"""Which directory belongs to which provider."""

from typing import Any

import aiohttp
import pytest

from oauth_kit.providers.catalog import ProviderConfig
from registrar.directories.catalog import _pool_of, directory_catalog
from registrar.directories.cognito import CognitoDirectory
from registrar.directories.keycloak import KeycloakDirectory
from registrar.directories.keycloak_api import ServiceAccount
from registrar.directories.port import DirectoryError


def config(**changes: Any) -> ProviderConfig:
    return ProviderConfig(
        **{
            "generation": "1",
            "provider": "cognito",
            "issuer": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC",
            "client_id": "c",
            "client_secret": "s",
            **changes,
        }
    )


@pytest.mark.parametrize("provider", ["keycloak", "oidc"])
def test_a_provider_that_we_do_not_administer_has_no_directory(provider: str) -> None:
    assert directory_catalog("")(config(provider=provider)) is None


async def test_a_realm_has_a_directory_for_its_service_account_only() -> None:
    realm = config(provider="keycloak", issuer="https://idp.example/auth/realms/mcp")
    account = ServiceAccount("mcp-registrar", "s")
    async with aiohttp.ClientSession() as session:
        catalog = directory_catalog("", session=session, service_account=account)
        assert isinstance(catalog(realm), KeycloakDirectory)
        assert catalog(config(provider="oidc", issuer=realm.issuer)) is None
    assert directory_catalog("", service_account=account)(realm) is None


def test_a_generation_has_one_directory_and_the_next_another() -> None:
    directory_for = directory_catalog("")
    first = directory_for(config())
    assert first is not None
    assert directory_for(config()) is first
    assert directory_for(config(generation="2")) is not first


@pytest.mark.parametrize(
    ("changes", "pool"),
    [
        ({}, ("eu-central-1", "eu-central-1_AbC")),
        (
            {"issuer": "https://issuer-cognito-idp.us-west-2.amazonaws.com/us-west-2_X"},
            ("us-west-2", "us-west-2_X"),
        ),
        ({"pool_id": "us-east-1_Y", "region": "us-east-1"}, ("us-east-1", "us-east-1_Y")),
    ],
)
def test_region_and_pool_follow_from_the_issuer(
    changes: dict[str, str], pool: tuple[str, str]
) -> None:
    assert _pool_of(config(**changes)) == pool


@pytest.mark.parametrize(
    ("override", "changes", "is_emulated"),
    [
        ("http://emulator.test", {}, True),
        ("http://emulator.test", {"endpoint_url": "http://localhost:4566"}, True),
        ("", {"endpoint_url": "http://localhost:4566"}, True),
        ("", {"endpoint_url": "https://emulator.test"}, True),
        ("", {}, False),
        ("https://vpce-1.example", {}, False),
    ],
)
async def test_plain_http_is_an_emulator_whatever_the_provider(
    monkeypatch: pytest.MonkeyPatch, override: str, changes: dict[str, str], is_emulated: bool
) -> None:
    """The account's credentials are refused here, so that AWS itself is never asked."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    directory = directory_catalog(override)(config(**changes))
    assert isinstance(directory, CognitoDirectory)
    if is_emulated:
        connected = await directory._aws.client()
        assert connected.meta.endpoint_url == (override or changes["endpoint_url"])
        connected.close()
    else:
        with pytest.raises(DirectoryError, match="EmulatorCredentialsError"):
            await directory.list()
